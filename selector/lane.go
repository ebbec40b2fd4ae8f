package selector

import (
	"cmp"
	"maps"
	"slices"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// laneKind says which members of a view a lane has, and in which order.
type laneKind uint8

const (
	// webSocketLane has only members with WebSockets on.
	webSocketLane laneKind = 1 << iota
	// weightedLane has only members of a weight above zero.
	weightedLane
	// parentLane is ordered by virtual parent before id.
	parentLane
	numLaneKinds = 8
)

// lane is an ordered list of members, and which of them are ready: tiers by priority, highest first, members of a tier
// sorted by id (of a parent lane: by parent, then id). Hidden are those that are blocked for a requested model key, where
// some auth of the pool is, or was.
type lane struct {
	*readyset.Order

	view    *view
	kind    laneKind
	order   []*member // by position
	places  []int32   // position by member.index, or -1
	weights []uint32  // by position
}

func newLane(v *view, kind laneKind) *lane {
	l := &lane{view: v, kind: kind}
	var members []*member
	for _, m := range v.provider.members {
		if v.serves(m) && (kind&webSocketLane == 0 || m.webSocks) && (kind&weightedLane == 0 || m.weight > 0) {
			members = append(members, m)
		}
	}
	l.place(members)
	l.Order = readyset.NewOrder(len(l.order), func(position int) int64 { return l.order[position].priority })
	if kind&parentLane != 0 {
		l.Group(func(position int) string { return l.order[position].parent })
	}
	l.weights = make([]uint32, len(l.order))
	for position, m := range l.order {
		l.weights[position] = m.weight
	}
	return l
}

// place puts members, sorted by id, in order.
func (l *lane) place(members []*member) {
	next, end := make(map[int64]int), 0
	for _, m := range members {
		next[m.priority]++
	}
	all := slices.SortedFunc(maps.Keys(next), func(a, b int64) int { return cmp.Compare(b, a) })
	for _, priority := range all {
		next[priority], end = end, end+next[priority]
	}
	l.order = make([]*member, len(members))
	for _, m := range members {
		l.order[next[m.priority]] = m
		next[m.priority]++
	}
	if low := 0; l.kind&parentLane != 0 {
		for _, priority := range all { // next is the end of a tier now
			slices.SortFunc(l.order[low:next[priority]], func(a, b *member) int {
				return cmp.Or(cmp.Compare(a.parent, b.parent), cmp.Compare(a.index, b.index))
			})
			low = next[priority]
		}
	}
	l.remember()
}

// remember fills places.
func (l *lane) remember() {
	all := l.view.provider.members
	if len(all) == 0 {
		return
	}
	l.places = make([]int32, all[len(all)-1].index+1)
	for i := range l.places {
		l.places[i] = -1
	}
	for position, m := range l.order {
		l.places[m.index] = int32(position)
	}
}

// fill sets the readiness of every member.
func (l *lane) fill() {
	for position, m := range l.order {
		if m.ready() {
			l.Put(position, true)
		}
	}
}

// position of a member, or -1.
func (l *lane) position(m *member) int {
	if int(m.index) >= len(l.places) {
		return -1
	}
	return int(l.places[m.index])
}

// update follows a change of a member's readiness.
func (l *lane) update(m *member) {
	if position := l.position(m); position >= 0 && l.Put(position, m.ready()) {
		l.eachBlockedRoute(m, func(key string) { l.Follow(key, position) })
	}
}

// updateModel follows the begin or end of a member's block for a requested model key.
func (l *lane) updateModel(m *member, key string, blocked bool) {
	position, by := l.position(m), -1
	h := l.Hidden(key)
	if position < 0 || h == nil {
		return // it is made when a pick first needs it
	}
	if blocked {
		by = 1
	}
	l.Block(h, position, by, m.ready() && m.rests(key))
}

// hide finds what the blocks that may concern a requested model key hide from it. That may be nothing, so that nobody looks
// again.
func (l *lane) hide(key string, resting [][]*blockSet) *readyset.Hidden {
	h := l.Hide(key, maxRoutes)
	for _, s := range slices.Concat(resting...) {
		for _, m := range s.owner.members {
			if position := l.position(m); position >= 0 && s.scope.covers(m.blockKey(key)) {
				l.Block(h, position, 1, m.ready())
			}
		}
	}
	return h
}

// eachBlockedRoute calls f for every requested model key that a member of the lane rests for and of which the lane knows what is hidden.
func (l *lane) eachBlockedRoute(m *member, f func(key string)) {
	m.subjects(func(s *subject) {
		for _, set := range s.models {
			if set.active {
				l.eachKey(m, set, f)
			}
		}
	})
}

// eachKey calls f for the requested model keys that a set of a member's concerns. Of a family it knows those that the lane
// knows.
func (l *lane) eachKey(m *member, set *blockSet, f func(key string)) {
	if !set.scope.family {
		m.routeKeys(set.scope.model, f)
		return
	}
	l.Keys(func(key string) {
		if set.scope.covers(m.blockKey(key)) {
			f(key)
		}
	})
}
