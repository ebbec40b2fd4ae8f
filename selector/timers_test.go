package selector

import (
	"math/rand/v2"
	"testing"

	"github.com/credbroker/credbroker/selector/cooldown"
)

func TestTimersComeInOrderWhateverIsMovedAndCancelled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h timers
	all := make([]timer, 40)
	due := map[*timer]cooldown.Instant{}
	for range 100_000 {
		switch x := &all[r.IntN(len(all))]; r.IntN(4) {
		case 0:
			h.cancel(x)
			delete(due, x)
		case 1:
			h.schedule(x, cooldown.Never)
			delete(due, x)
		default:
			at := cooldown.Instant(r.IntN(30))
			h.schedule(x, at)
			due[x] = at
		}
		if len(h.heap) != len(due) {
			t.Fatalf("%d timers, want %d", len(h.heap), len(due))
		}
		for i, x := range h.heap {
			if x.place != i+1 || x.due != due[x] || i > 0 && x.due < h.heap[(i-1)/2].due {
				t.Fatalf("timer %d of %d is out of place", i, len(h.heap))
			}
		}
	}
	last := cooldown.Instant(0)
	for next := h.next(); next != nil; next = h.next() {
		if next.due < last || !next.over(next.due) || next.over(next.due-1) {
			t.Fatalf("a timer of %d comes after %d", next.due, last)
		}
		last = next.due
		h.cancel(next)
		if next.over(last) {
			t.Fatal("a timer that was cancelled is over")
		}
	}
}
