package selector

import (
	"github.com/credbroker/credbroker/selector/internal/readyset"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// weights are the weighted rotations of a route over one lane, by priority of the tier, and what is saved of those over lanes
// that are gone: a lane lasts only until the next change of the membership.
type weights struct {
	lane       *lane
	generation uint64 // of the lane's index
	rotations  map[int64]*rotation.Weighted
	saved      map[int64]savedWeights
	// last is the rotation that was used last, at its priority.
	last     *rotation.Weighted
	priority int64
}

// savedWeights are those of the index of a generation.
type savedWeights struct {
	*rotation.Saved

	generation uint64
}

// byWeight is weighted round robin among a list of one tier.
func (q *query) byWeight(l *lane, list *readyset.List, t int) choice {
	slot := l.kind & webSocketLane
	if q.route.weights[slot] == nil {
		q.route.weights[slot] = new(weights)
	}
	w := q.route.weights[slot]
	if w.lane != l {
		w.save()
		w.lane, w.generation = l, q.pool.runtime.index.generation
	}
	r := w.rotation(list, t, q.pool.runtime.index)
	start := len(q.pool.scratch)
	q.pool.scratch = list.Excluded(q.pool.scratch)
	excluded := q.pool.scratch[start:]
	at := r.Next(excluded)
	return choice{route: q.route, member: l.order[at], weighted: r, at: at, excluded: excluded}
}

// rotation finds or makes the one of a tier.
func (w *weights) rotation(list *readyset.List, t int, x *index) *rotation.Weighted {
	tier := &w.lane.Tiers[t]
	if w.last == nil || w.priority != tier.Priority {
		w.last, w.priority = w.rotations[tier.Priority], tier.Priority
	}
	if w.last == nil {
		w.last = w.start(list, tier, x)
	} else {
		w.last.Follow(list.View(), &w.lane.Changes)
	}
	return w.last
}

// start makes the rotation of a tier, from what is saved of it.
func (w *weights) start(list *readyset.List, t *readyset.Tier, x *index) *rotation.Weighted {
	r := rotation.NewWeighted(t.Low, t.End, w.lane.weights)
	if saved, ok := w.saved[t.Priority]; ok {
		delete(w.saved, t.Priority)
		r.Restore(
			saved.Saved,
			func(at int) bool { return w.lane.order[at].born > saved.generation },
			func(id string) int {
				if m := x.byID[id]; m != nil {
					return w.lane.position(m)
				}
				return -1
			},
		)
	}
	r.Start(list.View(), &w.lane.Changes)
	if w.rotations == nil {
		w.rotations = make(map[int64]*rotation.Weighted)
	}
	w.rotations[t.Priority] = r
	return r
}

// save turns the rotations into what outlives their lane.
func (w *weights) save() {
	for priority, r := range w.rotations {
		saved := r.Save(func(at int) string { return w.lane.order[at].auth.ID })
		if saved == nil {
			continue
		}
		if w.saved == nil {
			w.saved = make(map[int64]savedWeights)
		}
		w.saved[priority] = savedWeights{saved, w.generation}
	}
	w.lane, w.rotations, w.last = nil, nil, nil
}

// saveWeights saves the rotations over lanes that are no longer looked at.
func (t *route) saveWeights() {
	for _, w := range t.weights {
		if w != nil && w.lane != nil && (t.view == nil || w.lane.view != t.view) {
			w.save()
		}
	}
}
