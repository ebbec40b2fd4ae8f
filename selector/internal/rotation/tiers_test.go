package rotation_test

import (
	"strconv"
	"testing"

	"github.com/credbroker/credbroker/selector/internal/readyset"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// Priorities may be anything, a quota that is left for instance: those that nobody has any more are not kept.
func TestTiersSaveNothingOfPrioritiesThatAreGone(t *testing.T) {
	var tiers rotation.Tiers
	weights := []uint32{1, 2}
	for generation := range uint64(100) {
		order := readyset.NewOrder(2, func(int) int64 { return int64(generation) })
		order.Put(0, true)
		order.Put(1, true)
		list := order.List(nil, nil)
		tiers.Begin(order, generation)
		r := tiers.Rotation(&order.Tiers[0], &list)
		if r == nil {
			born := func(int) uint64 { return generation }
			r = tiers.Start(&order.Tiers[0], &list, weights, born, func(string) int { return -1 })
		}
		r.Turn(r.Next(nil), nil)
		if got := tiers.Saved(); got > 1 {
			t.Fatalf("after %d orders %d tiers are saved, want at most that of the last order", generation, got)
		}
		tiers.Save(strconv.Itoa)
	}
}
