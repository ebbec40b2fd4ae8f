package bindings

import (
	"math"
	"slices"
	"time"
)

// maxEpochs bounds what a long series of ever shorter times to live can cost.
const maxEpochs = 16

// endSlack is how much earlier than the one before it a binding may end without that a new epoch starts. Those who read
// the clock come to the table a little out of order.
const endSlack = time.Second

// endEpoch is a stretch of the log of uses in which bindings end in the order of the log. All have one time to live, so
// that is the whole log until the time to live is made shorter, or the clock is put back; then what is used from that
// moment on may end first.
type endEpoch struct {
	start uint64 // the first use
	next  int64  // no binding of the epoch ends before
	last  int64  // none ends later
}

// noteEnd is told the end of the binding that is being used.
func (t *Table) noteEnd(ends int64) {
	e := &t.epochs[len(t.epochs)-1]
	if ends < e.last-int64(endSlack) {
		e = t.startEpoch(t.seq)
	}
	e.next, e.last = min(e.next, ends), max(e.last, ends)
}

// startEpoch begins an epoch with a use.
func (t *Table) startEpoch(use uint64) *endEpoch {
	if last := &t.epochs[len(t.epochs)-1]; last.start == use {
		return last // it has none yet
	}
	if len(t.epochs) == maxEpochs {
		// From here on a dead binding of the second can hide behind a live one of the first.
		t.epochs[0].next = min(t.epochs[0].next, t.epochs[1].next)
		t.epochs = slices.Delete(t.epochs, 1, 2)
	}
	t.epochs = append(t.epochs, newEpoch(use))
	t.uses.seal()
	return &t.epochs[len(t.epochs)-1]
}

func newEpoch(start uint64) endEpoch {
	return endEpoch{start: start, next: math.MaxInt64, last: math.MinInt64 + int64(endSlack)}
}

// epochBetween reports whether an epoch starts after use a and not after use b.
func (t *Table) epochBetween(a, b uint64) bool {
	for i := range t.epochs {
		if start := t.epochs[i].start; a < start && start <= b {
			return true
		}
	}
	return false
}

// over returns a binding that is over; 0: none.
func (t *Table) over(now int64) uint32 {
	for i := 0; i < len(t.epochs); {
		e := &t.epochs[i]
		if now < e.next {
			i++
			continue
		}
		binding := t.oldestOf(i)
		switch {
		case binding != 0 && t.bindings.at(binding).ends <= now:
			return binding
		case binding != 0:
			e.next = t.bindings.at(binding).ends
			i++
		case i+1 < len(t.epochs):
			t.epochs = slices.Delete(t.epochs, i, i+1)
		default:
			e.next = math.MaxInt64
			i++
		}
	}
	return 0
}

// oldestOf returns the least recently used binding of an epoch; 0: none.
func (t *Table) oldestOf(epoch int) uint32 {
	t.uses.blank()
	i := t.uses.from(t.epochs[epoch].start)
	if i == len(t.uses.order) {
		return 0
	}
	if epoch+1 < len(t.epochs) && t.uses.chunks[t.uses.order[i]].base >= t.epochs[epoch+1].start {
		return 0
	}
	return t.uses.oldest(i)
}

// leastRecent returns the binding whose last use is longest ago; 0: there is none.
func (t *Table) leastRecent() uint32 {
	t.uses.blank()
	return t.uses.oldest(0)
}

// dead returns a binding that was released or is over; 0: none.
func (t *Table) dead(now int64) uint32 {
	if t.released != 0 {
		return t.groups.at(t.released).members
	}
	return t.over(now)
}

// reclaim frees at most limit bindings, and not many more than callWork ids: dead ones first, then the least recently
// used ones beyond max. It returns how many bindings.
func (t *Table) reclaim(now int64, limit int) (count int) {
	for work := 0; count < limit && work < callWork; count++ {
		binding := t.dead(now)
		if binding == 0 && t.bindings.used > t.max {
			binding = t.leastRecent()
		}
		if binding == 0 {
			break
		}
		t.endAll(binding, true)
		work += t.drop(binding)
	}
	return count
}

// settle frees bindings that are over, so that what is counted afterwards is alive.
func (t *Table) settle() {
	for work := 0; work < callWork; {
		binding := t.over(t.clock)
		if binding == 0 {
			return
		}
		t.endAll(binding, true)
		work += t.drop(binding)
	}
}

// tell notes the time and returns it in nanoseconds since 1970.
func (t *Table) tell(now time.Time) int64 {
	t.clock = now.UnixNano()
	return t.clock
}

// addSaturated is the end of a time to live. Past the year 2262 all ends are the same.
func addSaturated(now int64, ttl time.Duration) int64 {
	if ends := now + int64(ttl); ends >= now {
		return ends
	}
	return math.MaxInt64
}
