package selector

import (
	"cmp"
	"slices"
	"strings"

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

// tier are the positions of one priority.
type tier struct {
	priority int64
	low, end int
	// Of a parent lane: its groups. The first is that of the members without a parent, and may be empty.
	firstGroup, endGroup int
}

// group are the positions of one virtual parent in one tier of a parent lane.
type group struct {
	parent   string
	low, end int
}

// lane is an ordered list of members with an index of which are ready: tiers by priority, highest first, members of a
// tier in text order of id (of a parent lane: of parent, then id).
type lane struct {
	view    *view
	kind    laneKind
	order   []*member // by position
	places  []int32   // position by member.index, or -1
	tiers   []tier
	ready   *readyset.Set
	masks   map[string]*mask // by requested model key: for which some auth of the pool rests, or did
	changes readyset.Changes
	weights []uint32 // by position

	// Of a parent lane.
	groups   []group
	groupOf  []int32
	nonEmpty *readyset.Set // groups with a ready member
}

// mask are the members of a lane that one model rests for.
type mask struct {
	hidden  *readyset.Set // ready otherwise; nil: no member rests
	blocked int           // blocks that hide members, ready otherwise or not
	emptied *readyset.Set // of a parent lane: groups with ready members that are all hidden
}

func newLane(v *view, kind laneKind) *lane {
	l := &lane{view: v, kind: kind, masks: make(map[string]*mask)}
	var members []*member
	for _, m := range v.provider.members {
		if v.serves(m) && (kind&webSocketLane == 0 || m.webSocks) && (kind&weightedLane == 0 || m.weight > 0) {
			members = append(members, m)
		}
	}
	l.place(members)
	if kind&parentLane != 0 {
		l.makeGroups()
	}
	l.ready = readyset.New(len(l.order))
	l.weights = make([]uint32, len(l.order))
	for position, m := range l.order {
		l.weights[position] = m.weight
	}
	l.changes = readyset.NewChanges(l.ready.Words())
	return l
}

// place puts members, in text order of id, into tiers.
func (l *lane) place(members []*member) {
	tierOf := make(map[int64]int)
	for i, priority := range priorities(members) {
		tierOf[priority] = i
		l.tiers = append(l.tiers, tier{priority: priority})
	}
	for _, m := range members {
		l.tiers[tierOf[m.priority]].end++
	}
	next := make([]int, len(l.tiers))
	end := 0
	for i := range l.tiers {
		t := &l.tiers[i]
		t.low, next[i] = end, end
		end += t.end
		t.end = end
	}
	l.order = make([]*member, len(members))
	for _, m := range members {
		i := tierOf[m.priority]
		l.order[next[i]] = m
		next[i]++
	}
	if l.kind&parentLane != 0 {
		for _, t := range l.tiers {
			slices.SortFunc(l.order[t.low:t.end], func(a, b *member) int {
				return cmp.Or(cmp.Compare(a.parent, b.parent), cmp.Compare(a.index, b.index))
			})
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

func (l *lane) makeGroups() {
	l.groupOf = make([]int32, len(l.order))
	for i := range l.tiers {
		t := &l.tiers[i]
		t.firstGroup = len(l.groups)
		l.groups = append(l.groups, group{low: t.low, end: t.low})
		for position := t.low; position < t.end; position++ {
			last := &l.groups[len(l.groups)-1]
			if parent := l.order[position].parent; parent != last.parent {
				l.groups = append(l.groups, group{parent: parent, low: position})
				last = &l.groups[len(l.groups)-1]
			}
			last.end = position + 1
			l.groupOf[position] = int32(len(l.groups) - 1) //nolint:gosec // a pool has fewer auths
		}
		t.endGroup = len(l.groups)
	}
	l.nonEmpty = readyset.New(len(l.groups))
}

// fill sets the readiness of every member.
func (l *lane) fill() {
	for position, m := range l.order {
		if m.ready() {
			l.ready.Put(position, true)
			if l.groups != nil {
				l.nonEmpty.Put(int(l.groupOf[position]), true)
			}
		}
	}
}

// position of a member, or -1.
func (l *lane) position(m *member) int {
	if m.index >= len(l.places) {
		return -1
	}
	return int(l.places[m.index])
}

// tierAt is the tier of a position.
func (l *lane) tierAt(position int) int {
	low, high := 0, len(l.tiers)-1
	for low < high {
		middle := (low + high) / 2
		if position < l.tiers[middle].end {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// tierOf is the tier of a priority, or -1.
func (l *lane) tierOf(priority int64) int {
	i, found := slices.BinarySearchFunc(l.tiers, priority, func(t tier, p int64) int { return cmp.Compare(p, t.priority) })
	if !found {
		return -1
	}
	return i
}

func (l *lane) seen(m *mask) readyset.View {
	if m == nil {
		return readyset.View{All: l.ready}
	}
	return readyset.View{All: l.ready, Hidden: m.hidden}
}

// update follows a change of a member's readiness.
func (l *lane) update(m *member) {
	position := l.position(m)
	if position < 0 {
		return
	}
	ready := m.ready()
	if !l.ready.Put(position, ready) {
		return
	}
	l.changes.Add(position)
	l.eachBlockedRoute(m, func(key string) {
		if k := l.masks[key]; k != nil && k.blocked > 0 {
			k.hidden.Put(position, ready)
		}
	})
	if l.groups == nil {
		return
	}
	g := int(l.groupOf[position])
	l.nonEmpty.Put(g, l.readyIn(g, nil) > 0)
	for _, k := range l.masks {
		if k.blocked > 0 {
			l.updateEmptied(k, g)
		}
	}
}

// updateModel follows the begin or end of a member's block for a requested model key.
func (l *lane) updateModel(m *member, key string, blocked bool) {
	position := l.position(m)
	k := l.masks[key]
	if position < 0 || k == nil {
		return // a mask is made when a pick first needs it
	}
	if blocked {
		k.blocked++
	} else {
		k.blocked--
	}
	l.hide(k, position, m.ready() && m.rests(key))
	if k.blocked == 0 {
		k.hidden, k.emptied = nil, nil
	}
}

func (l *lane) hide(k *mask, position int, on bool) {
	if k.hidden == nil {
		k.hidden = readyset.New(len(l.order))
		if l.groups != nil {
			k.emptied = readyset.New(len(l.groups))
		}
	}
	if !k.hidden.Put(position, on) {
		return
	}
	l.changes.Add(position)
	if l.groups != nil {
		l.updateEmptied(k, int(l.groupOf[position]))
	}
}

func (l *lane) updateEmptied(k *mask, g int) {
	all := l.readyIn(g, nil)
	k.emptied.Put(g, all > 0 && l.readyIn(g, k) == 0)
}

// readyIn counts the visible members of a group.
func (l *lane) readyIn(g int, k *mask) int {
	seen := l.seen(k)
	return seen.Rank(l.groups[g].end) - seen.Rank(l.groups[g].low)
}

// newMask makes the mask of a requested model key out of the blocks that may concern it. It is empty if they concern no
// member, so that nobody looks again.
func (l *lane) newMask(key string, resting [][]*blockSet) *mask {
	k := &mask{}
	for _, s := range slices.Concat(resting...) {
		for _, m := range s.owner.members {
			if position := l.position(m); position >= 0 && s.scope.covers(m.blockKey(key)) {
				k.blocked++
				l.hide(k, position, m.ready())
			}
		}
	}
	if len(l.masks) >= maxRoutes {
		for other := range l.masks {
			l.forgetMask(other) // any of them: it is made again when a pick needs it
			break
		}
	}
	l.masks[strings.Clone(key)] = k
	return k
}

// forgetMask drops a mask. Nobody hears of what changes for its model from then on, so followers must look everywhere.
func (l *lane) forgetMask(key string) {
	delete(l.masks, key)
	l.changes.Skip()
}

// eachBlockedRoute calls f for every requested model key that a member of the lane rests for and that there is a mask of.
func (l *lane) eachBlockedRoute(m *member, f func(key string)) {
	m.subjects(func(s *subject) {
		for _, set := range s.models {
			if set.active {
				l.eachKey(m, set, f)
			}
		}
	})
}

// eachKey calls f for the requested model keys that a set of a member's concerns. Of a family it knows those that there
// are masks of.
func (l *lane) eachKey(m *member, set *blockSet, f func(key string)) {
	if !set.scope.family {
		m.routeKeys(set.scope.model, f)
		return
	}
	for key := range l.masks {
		if set.scope.covers(m.blockKey(key)) {
			f(key)
		}
	}
}
