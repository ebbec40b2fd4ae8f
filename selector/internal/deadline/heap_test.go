package deadline

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestTimersComeInOrderWhateverIsMovedAndCancelled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h Heap
	all := make([]Timer, 40)
	due := map[*Timer]int64{}
	for range 100_000 {
		switch x := &all[r.IntN(len(all))]; r.IntN(4) {
		case 0:
			h.Cancel(x)
			delete(due, x)
		case 1:
			h.Schedule(x, math.MaxInt64)
			delete(due, x)
		default:
			at := int64(r.IntN(30))
			h.Schedule(x, at)
			due[x] = at
		}
		if len(h.heap) != len(due) {
			t.Fatalf("%d Heap, want %d", len(h.heap), len(due))
		}
		for i, x := range h.heap {
			if x.slot != i+1 || x.due != due[x] || i > 0 && x.due < h.heap[(i-1)/2].due {
				t.Fatalf("timer %d of %d is out of place", i, len(h.heap))
			}
		}
	}
	last := int64(0)
	for next := h.Next(); next != nil; next = h.Next() {
		if next.due < last || !next.Over(next.due) || next.Over(next.due-1) {
			t.Fatalf("a timer of %d comes after %d", next.due, last)
		}
		last = next.due
		h.Cancel(next)
		if next.Over(last) {
			t.Fatal("a timer that was cancelled is over")
		}
	}
}
