package selector

import (
	"math/rand/v2"
	"testing"
)

func TestTimersComeInOrderWhateverIsMovedAndCancelled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h timers
	all := make([]timer, 40)
	due := map[*timer]int64{}
	for range 100_000 {
		switch x := &all[r.IntN(len(all))]; r.IntN(4) {
		case 0:
			h.cancel(x)
			delete(due, x)
		case 1:
			h.schedule(x, never)
			delete(due, x)
		default:
			at := int64(r.IntN(30))
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
	last := int64(0)
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

func TestRanksCountAndSelectLikeAList(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 63, 64, 65, 128, 200, 1000} {
		all, hidden := newRanks(n), newRanks(n)
		for range 5 * n {
			i := r.IntN(n)
			all.set(i, r.IntN(3) > 0)
			hidden.set(i, all.has(i) && r.IntN(4) == 0)
		}
		for name, seen := range map[string]visible{"all": {all: all}, "less the hidden": {all, hidden}} {
			var list []int
			for i := range n {
				if got := seen.rank(i); got != len(list) {
					t.Fatalf("%d positions, %s: rank(%d) = %d, want %d", n, name, i, got, len(list))
				}
				if all.has(i) && (seen.hidden == nil || !hidden.has(i)) {
					list = append(list, i)
				}
			}
			if seen.count() != len(list) || seen.rank(n) != len(list) {
				t.Fatalf("%d positions, %s: count %d, rank of the end %d, want %d", n, name, seen.count(), seen.rank(n), len(list))
			}
			for k, want := range list {
				if got := seen.at(k); got != want || !seen.has(got) {
					t.Fatalf("%d positions, %s: at(%d) = %d, want %d", n, name, k, got, want)
				}
			}
		}
	}
}
