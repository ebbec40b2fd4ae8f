package readyset

import "slices"

// List are positions to choose from: those of an order that are ready for one key, less excluded ones, in all tiers or in a
// part of them. They are counted by rank among all that are ready for the key.
type List struct {
	order  *Order
	hidden *Hidden
	// excluded are the ranks of excluded positions, ascending.
	excluded []int32
	// The ranks from low to end, excluded ones among them.
	low, end int
	length   int
}

// List is the list of all tiers. Excluded may name positions that are not ready; it is used up.
func (o *Order) List(h *Hidden, excluded []int32) (l List) {
	view := o.View(h)
	l.order, l.hidden, l.end = o, h, view.Len()
	if len(excluded) > 0 {
		l.excluded = excluded[:0]
		for _, position := range excluded {
			if view.Has(int(position)) {
				l.excluded = append(l.excluded, int32(view.Rank(int(position)))) //nolint:gosec // there are fewer positions
			}
		}
		slices.Sort(l.excluded)
	}
	l.length = l.end - len(l.excluded)
	return l
}

// Len counts the positions.
func (l *List) Len() int { return l.length }

// View is what is ready for the list's key, excluded positions among it.
func (l *List) View() View { return l.order.View(l.hidden) }

// Changes are those of the list's order.
func (l *List) Changes() *Changes { return &l.order.Changes }

// At is the k-th position, from 0.
func (l *List) At(k int) int {
	rank := l.low + k
	for _, excluded := range l.excluded {
		if int(excluded) < l.low {
			continue
		}
		if int(excluded) > rank {
			break
		}
		rank++
	}
	view := l.View()
	return view.At(rank)
}

// Excluded appends the positions that are left out of the list to some others.
func (l *List) Excluded(positions []int32) []int32 {
	view := l.View()
	for _, excluded := range l.excluded {
		if int(excluded) >= l.low && int(excluded) < l.end {
			positions = append(positions, int32(view.At(int(excluded)))) //nolint:gosec // there are fewer positions
		}
	}
	return positions
}

// Within is the part of the list from a position up to, not including, another.
func (l *List) Within(low, end int) List {
	part := *l
	part.narrow(low, end)
	return part
}

func (l *List) narrow(low, end int) {
	view := l.View()
	l.low, l.end = view.Rank(low), view.Rank(end)
	l.length = l.end - l.low
	for _, excluded := range l.excluded {
		if int(excluded) >= l.low && int(excluded) < l.end {
			l.length--
		}
	}
}

// Best leaves the part of the list that is in its best tier, and returns that tier. The list must have all
// tiers, and not be empty.
func (l *List) Best() int {
	t, tiers := 0, l.order.Tiers
	if len(tiers) == 1 {
		return t
	}
	// Most of the time it is the first one.
	end, length := l.end, l.length
	if l.narrow(tiers[t].Low, tiers[t].End); l.length == 0 {
		l.low, l.end, l.length = 0, end, length
		t = l.order.TierAt(l.At(0))
		l.narrow(tiers[t].Low, tiers[t].End)
	}
	return t
}
