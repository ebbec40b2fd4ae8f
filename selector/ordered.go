package selector

import (
	"cmp"
	"maps"
	"slices"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// orderKind says which members of a view ordered members has, and in which order.
type orderKind uint8

const (
	// webSocketsOnly has only members with WebSockets on.
	webSocketsOnly orderKind = 1 << iota
	// weightedOnly has only members of a weight above zero.
	weightedOnly
	// parentsFirst is ordered by virtual parent before id.
	parentsFirst
	numOrderKinds = 8
)

// orderedMembers are the members of a view, in order, and which of them are ready: tiers by priority, highest first, members of a tier
// sorted by id (with parents first: by parent, then id). Hidden are those that are blocked for a requested model key, where
// some auth of the pool is, or was.
//
//	position    0    1    2      3          a and b have priority 5, c and d have none
//	member      a    b    c      d
//	ready       1    1    0      1          c is disabled
//	hidden of m 1                           a is blocked for model m
//
// A request for m finds b alone in the best tier; one for another model finds a and b, in turn.
type orderedMembers struct {
	*readyset.Order

	view      *modelView
	kind      orderKind
	members   []*member // by position
	positions []int32   // by member.index, or by the index in a part of the pool; -1: not among them
	part      *provider // of a part of the pool; nil: of the whole
	weights   []uint32  // by position
}

func newOrderedMembers(v *modelView, kind orderKind) *orderedMembers {
	l := &orderedMembers{view: v, kind: kind}
	if v.provider.admitted != nil {
		l.part = v.provider
	}
	var members []*member
	for _, m := range v.provider.members {
		if v.serves(m) && (kind&webSocketsOnly == 0 || m.webSocks) && (kind&weightedOnly == 0 || m.weight > 0) {
			members = append(members, m)
		}
	}
	l.arrange(members)
	l.Order = readyset.NewOrder(len(l.members), func(position int) int64 { return l.members[position].priority })
	if kind&parentsFirst != 0 {
		l.Group(func(position int) string { return l.members[position].parent })
	}
	l.weights = make([]uint32, len(l.members))
	for position, m := range l.members {
		l.weights[position] = m.weight
	}
	return l
}

// arrange puts members, sorted by id, in order.
func (l *orderedMembers) arrange(members []*member) {
	next, end := make(map[int64]int), 0
	for _, m := range members {
		next[m.priority]++
	}
	all := slices.SortedFunc(maps.Keys(next), func(a, b int64) int { return cmp.Compare(b, a) })
	for _, priority := range all {
		next[priority], end = end, end+next[priority]
	}
	l.members = make([]*member, len(members))
	for _, m := range members {
		l.members[next[m.priority]] = m
		next[m.priority]++
	}
	if low := 0; l.kind&parentsFirst != 0 {
		for _, priority := range all { // next is the end of a tier now
			slices.SortFunc(l.members[low:next[priority]], func(a, b *member) int {
				return cmp.Or(cmp.Compare(a.parent, b.parent), cmp.Compare(a.index, b.index))
			})
			low = next[priority]
		}
	}
	l.indexPositions()
}

// indexPositions fills positions.
func (l *orderedMembers) indexPositions() {
	all := l.view.provider.members
	if len(all) == 0 {
		return
	}
	size := int(all[len(all)-1].index) + 1
	if l.part != nil {
		size = len(all)
	}
	l.positions = make([]int32, size)
	for i := range l.positions {
		l.positions[i] = -1
	}
	for position, m := range l.members {
		at := int(m.index)
		if l.part != nil {
			at = l.part.indexOf(m)
		}
		l.positions[at] = int32(position)
	}
}

// fill sets the readiness of every member.
func (l *orderedMembers) fill() {
	l.Fill(len(l.members), func(position int) bool { return l.members[position].ready() })
}

// position of a member, or -1.
func (l *orderedMembers) position(m *member) int {
	at := int(m.index)
	if l.part != nil {
		at = l.part.indexOf(m)
	}
	if uint(at) >= uint(len(l.positions)) { // -1 among them
		return -1
	}
	return int(l.positions[at])
}

// update follows a change of a member's readiness.
func (l *orderedMembers) update(m *member) {
	if position := l.position(m); position >= 0 && l.Put(position, m.ready()) {
		l.eachBlockedRoute(m, func(key string) { l.Follow(key, position) })
	}
}

// updateModel follows the begin or end of a member's block for a requested model key.
func (l *orderedMembers) updateModel(m *member, key string, blocked bool) {
	position, by := l.position(m), -1
	h := l.Hidden(key)
	if position < 0 || h == nil {
		return // it is made when a pick first needs it
	}
	if blocked {
		by = 1
	}
	l.Block(h, position, by, m.ready() && m.blockedFor(key))
}

// hide finds what the blocks that may concern a requested model key hide from it. That may be nothing, so that nobody looks
// again.
func (l *orderedMembers) hide(key string, blocks [][]*blockSet) *readyset.Hidden {
	h := l.Hide(key, maxRoutes)
	for _, s := range slices.Concat(blocks...) {
		for _, m := range s.owner.members {
			if position := l.position(m); position >= 0 && s.scope.covers(m.blockKey(key)) {
				l.Block(h, position, 1, m.ready())
			}
		}
	}
	return h
}

// eachBlockedRoute calls f for every requested model key that a member is blocked for and of which it is known what is hidden.
func (l *orderedMembers) eachBlockedRoute(m *member, f func(key string)) {
	m.subjects(func(s *subject) {
		for _, set := range s.models {
			if set.active {
				l.eachKey(m, set, f)
			}
		}
	})
}

// eachKey calls f for the requested model keys that a set of a member's concerns. Of a family it knows those of which
// it is known what is hidden.
func (l *orderedMembers) eachKey(m *member, set *blockSet, f func(key string)) {
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
