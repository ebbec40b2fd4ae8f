package readyset

import (
	"cmp"
	"slices"
)

// Order is an ordered list of positions in tiers, of which some are ready: for everybody, less for each key what is hidden
// from it.
//
//	positions     0 1 2 3 4 5      two tiers, 0 to 2 and 3 to 5
//	ready         0   2 3   5      List(nil, ...): 4 positions, the best tier has 2, position 2 is the second of it
//	hidden of m       2 3          List(m, ...): 0 and 5; the best tier has one
//	excluded      0                List(m, [0]): 5 alone, so its tier is the best
//
// What is hidden is always ready as well, so that subtracting counts is enough.
type Order struct {
	Tiers []Tier
	// Groups of positions, within tiers; nil: there are none. The first of each tier is that without a name, and may be empty.
	Groups []Group
	// Changes are those of what is ready and of what is hidden.
	Changes Changes

	ready    *Set
	hidden   map[string]*Hidden
	groupOf  []int32
	nonEmpty *Set // groups with a ready position
}

// Tier are the positions of one priority, from Low up to, not including, End.
type Tier struct {
	Priority             int64
	Low, End             int
	FirstGroup, EndGroup int
}

// Group are the positions of one name in a tier.
type Group struct {
	Name     string
	Low, End int
}

// Hidden is what is hidden from one key.
type Hidden struct {
	set     *Set // nil: nothing
	blocks  int  // why positions are hidden or would be if they were ready, each reason once
	emptied *Set // groups with ready positions that are all hidden
}

// NewOrder returns an order of n positions of which none is ready. Priorities fall.
func NewOrder(n int, priority func(position int) int64) *Order {
	o := &Order{ready: New(n), hidden: make(map[string]*Hidden)}
	o.Changes = NewChanges(o.ready.Words())
	for position := range n {
		if p := priority(position); len(o.Tiers) == 0 || p != o.Tiers[len(o.Tiers)-1].Priority {
			o.Tiers = append(o.Tiers, Tier{Priority: p, Low: position})
		}
		o.Tiers[len(o.Tiers)-1].End = position + 1
	}
	return o
}

// Group makes groups of adjacent positions of one name. Names rise within a tier. It must be called before the first Put.
func (o *Order) Group(name func(position int) string) {
	o.groupOf = make([]int32, o.ready.Words()*64)
	for i := range o.Tiers {
		t := &o.Tiers[i]
		t.FirstGroup = len(o.Groups)
		o.Groups = append(o.Groups, Group{Low: t.Low, End: t.Low})
		for position := t.Low; position < t.End; position++ {
			last := &o.Groups[len(o.Groups)-1]
			if n := name(position); n != last.Name {
				o.Groups = append(o.Groups, Group{Name: n, Low: position})
				last = &o.Groups[len(o.Groups)-1]
			}
			last.End = position + 1
			o.groupOf[position] = int32(len(o.Groups) - 1) //nolint:gosec // there are fewer positions
		}
		t.EndGroup = len(o.Groups)
	}
	o.nonEmpty = New(len(o.Groups))
}

// TierAt is the tier of a position.
func (o *Order) TierAt(position int) int {
	low, high := 0, len(o.Tiers)-1
	for low < high {
		middle := (low + high) / 2
		if position < o.Tiers[middle].End {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// TierOf is the tier of a priority, or -1.
func (o *Order) TierOf(priority int64) int {
	i, found := slices.BinarySearchFunc(o.Tiers, priority, func(t Tier, p int64) int { return cmp.Compare(p, t.Priority) })
	if !found {
		return -1
	}
	return i
}

// Put makes a position ready or not, and reports whether that changed anything. If it did, Follow must be called for every
// key that the position is hidden from.
func (o *Order) Put(position int, ready bool) bool {
	if !o.ready.Put(position, ready) {
		return false
	}
	o.Changes.Add(position)
	if o.Groups == nil {
		return true
	}
	g := int(o.groupOf[position])
	o.nonEmpty.Put(g, o.readyIn(g, nil) > 0)
	for _, h := range o.hidden {
		if h.blocks > 0 {
			o.updateEmptied(h, g)
		}
	}
	return true
}

// Fill makes those positions ready that ready says, as Put would one by one. Nothing may be hidden yet.
func (o *Order) Fill(n int, ready func(position int) bool) {
	o.ready.Fill(n, ready)
	o.Changes.Skip()
	for g := range o.Groups {
		o.nonEmpty.Put(g, o.readyIn(g, nil) > 0)
	}
}

// View is what is ready for a key; nil: nothing is hidden from it.
func (o *Order) View(h *Hidden) View {
	if h == nil {
		return View{All: o.ready}
	}
	return View{All: o.ready, Hidden: h.set}
}

// readyIn counts the positions of a group that are ready for a key.
func (o *Order) readyIn(g int, h *Hidden) int {
	seen := o.View(h)
	return seen.Rank(o.Groups[g].End) - seen.Rank(o.Groups[g].Low)
}
