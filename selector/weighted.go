package selector

import (
	"github.com/credbroker/credbroker/selector/internal/readyset"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// byWeight is weighted round robin among a list of one tier.
func (q *query) byWeight(l *orderedMembers, list *readyset.List, t int) choice {
	tiers, tier := q.route.weightedOver(l, q.pool.runtime.index.generation), &l.Tiers[t]
	r := tiers.Rotation(tier, list)
	if r == nil {
		born := func(position int) uint64 { return l.members[position].born }
		r = tiers.Start(tier, list, l.weights, born, func(id string) int {
			if m := q.pool.runtime.index.byID[id]; m != nil {
				return l.position(m)
			}
			return -1
		})
	}
	start := len(q.pool.scratch)
	q.pool.scratch = list.Excluded(q.pool.scratch)
	excluded := q.pool.scratch[start:]
	at := r.Next(excluded)
	return choice{route: q.route, member: l.members[at], weighted: r, at: at, excluded: excluded}
}

// weightedOver finds or makes the weighted rotations over ordered members of the index of a generation.
func (t *route) weightedOver(l *orderedMembers, generation uint64) *rotation.Tiers {
	slot := l.kind & webSocketsOnly
	if t.weighted[slot] == nil {
		t.weighted[slot] = new(rotation.Tiers)
	}
	if t.orders[slot] != l {
		t.saveWeighted(slot)
		t.orders[slot] = l
		t.weighted[slot].Begin(l.Order, generation)
	}
	return t.weighted[slot]
}

// saveWeighted turns weighted rotations into what outlives the ordered members: they last only until the next change of the membership.
func (t *route) saveWeighted(slot orderKind) {
	if l := t.orders[slot]; l != nil {
		t.weighted[slot].Save(func(at int) string { return l.members[at].auth.ID })
		t.orders[slot] = nil
	}
}

// saveOrders saves the weighted rotations over ordered members that are no longer looked at.
func (t *route) saveOrders() {
	for slot, l := range t.orders {
		if l != nil && (t.view == nil || l.view != t.view) {
			t.saveWeighted(orderKind(slot))
		}
	}
}
