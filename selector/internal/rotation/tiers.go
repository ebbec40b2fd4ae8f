package rotation

import (
	"maps"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// Tiers are the weighted rotations over the tiers of one order, made as they are needed, and what is saved of those over
// orders that are gone, by priority. The zero value has neither.
type Tiers struct {
	generation uint64 // of the order
	rotations  map[int64]*Weighted
	saved      map[int64]*Saved
	// last is the rotation that was used last.
	last     *Weighted
	priority int64
}

// Begin takes a new order, of a generation, after Save. What is saved of priorities that it does not have goes: whoever comes
// back with one of them is new.
func (t *Tiers) Begin(order *readyset.Order, generation uint64) {
	t.generation = generation
	maps.DeleteFunc(t.saved, func(priority int64, _ *Saved) bool { return order.TierOf(priority) < 0 })
}

// Rotation finds the rotation of a tier and lets it follow what changed; nil: there is none, see Start.
func (t *Tiers) Rotation(tier *readyset.Tier, list *readyset.List) *Weighted {
	if t.last == nil || t.priority != tier.Priority {
		t.last, t.priority = t.rotations[tier.Priority], tier.Priority
	}
	if t.last != nil {
		t.last.Follow(list.View(), list.Changes())
	}
	return t.last
}

// Start makes the rotation of a tier, from what is saved of it. Born is the generation in which what stands at a position came
// up, position is where a name stands, or -1.
func (t *Tiers) Start(
	tier *readyset.Tier, list *readyset.List, weights []uint32,
	born func(position int) uint64, position func(name string) int,
) *Weighted {
	r := NewWeighted(tier.Low, tier.End, weights)
	if saved, ok := t.saved[tier.Priority]; ok {
		delete(t.saved, tier.Priority)
		r.Restore(saved, func(position int) bool { return born(position) > saved.generation }, position)
	}
	r.Start(list.View(), list.Changes())
	if t.rotations == nil {
		t.rotations = make(map[int64]*Weighted)
	}
	t.rotations[tier.Priority], t.last, t.priority = r, r, tier.Priority
	return r
}

// Save turns the rotations into what outlives their order. Name is what stands at a position of that.
func (t *Tiers) Save(name func(position int) string) {
	for priority, r := range t.rotations {
		saved := r.Save(name)
		if saved == nil {
			continue
		}
		if t.saved == nil {
			t.saved = make(map[int64]*Saved)
		}
		saved.generation = t.generation
		t.saved[priority] = saved
	}
	t.rotations, t.last = nil, nil
}
