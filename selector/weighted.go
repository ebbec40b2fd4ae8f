package selector

import (
	"github.com/credbroker/credbroker/selector/internal/readyset"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// byWeight is weighted round robin among a list of one tier.
func (q *query) byWeight(l *lane, list *readyset.List, t int) choice {
	tiers, tier := q.route.weightedOver(l, q.pool.runtime.index.generation), &l.Tiers[t]
	r := tiers.Rotation(tier, list)
	if r == nil {
		born := func(position int) uint64 { return l.order[position].born }
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
	return choice{route: q.route, member: l.order[at], weighted: r, at: at, excluded: excluded}
}

// weightedOver finds or makes the weighted rotations over a lane of the index of a generation.
func (t *route) weightedOver(l *lane, generation uint64) *rotation.Tiers {
	slot := l.kind & webSocketLane
	if t.weighted[slot] == nil {
		t.weighted[slot] = new(rotation.Tiers)
	}
	if t.lanes[slot] != l {
		t.saveWeighted(slot)
		t.lanes[slot] = l
		t.weighted[slot].Begin(generation)
	}
	return t.weighted[slot]
}

// saveWeighted turns weighted rotations into what outlives their lane: it lasts only until the next change of the membership.
func (t *route) saveWeighted(slot laneKind) {
	if l := t.lanes[slot]; l != nil {
		t.weighted[slot].Save(func(at int) string { return l.order[at].auth.ID })
		t.lanes[slot] = nil
	}
}

// saveLanes saves the weighted rotations over lanes that are no longer looked at.
func (t *route) saveLanes() {
	for slot, l := range t.lanes {
		if l != nil && (t.view == nil || l.view != t.view) {
			t.saveWeighted(laneKind(slot))
		}
	}
}
