package readyset

// GroupList are the groups of one tier that have a position in a list.
type GroupList struct {
	groups   View
	first    int   // rank of the first
	excluded []int // groups whose positions are all excluded, ascending
	length   int
}

// Groups counts the groups of a tier that the list has positions in.
func (l *List) Groups(t *Tier) GroupList {
	o := l.order
	g := GroupList{groups: View{All: o.nonEmpty}}
	if l.hidden != nil {
		g.groups.Hidden = l.hidden.emptied
	}
	g.first = g.groups.Rank(t.FirstGroup)
	g.length = g.groups.Rank(t.EndGroup) - g.first
	view := l.View()
	count, last := 0, -1 // how many are excluded in the last group
	for _, excluded := range l.excluded {
		i := int(o.groupOf[view.At(int(excluded))])
		if i < t.FirstGroup || i >= t.EndGroup {
			continue
		}
		if i != last {
			count, last = 0, i
		}
		if count++; count == o.readyIn(i, l.hidden) {
			g.excluded = append(g.excluded, i)
		}
	}
	g.length -= len(g.excluded)
	return g
}

// Len counts the groups.
func (g *GroupList) Len() int { return g.length }

// At is the k-th group, from 0.
func (g *GroupList) At(k int) int {
	rank := g.first + k
	for _, excluded := range g.excluded {
		if g.groups.Rank(excluded) > rank {
			break
		}
		rank++
	}
	return g.groups.At(rank)
}
