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

// noteEnd takes the end of the binding that is being used.
func (u *useOrder) noteEnd(ends int64) {
	e := &u.epochs[len(u.epochs)-1]
	if ends < e.last-int64(endSlack) {
		e = u.startEpoch(u.records.seq)
	}
	e.next, e.last = min(e.next, ends), max(e.last, ends)
}

// startEpoch begins an epoch with a use.
func (u *useOrder) startEpoch(use uint64) *endEpoch {
	if last := &u.epochs[len(u.epochs)-1]; last.start == use {
		return last // it has none yet
	}
	if len(u.epochs) == maxEpochs {
		// From here on a dead binding of the second can hide behind a live one of the first.
		u.epochs[0].next = min(u.epochs[0].next, u.epochs[1].next)
		u.epochs = slices.Delete(u.epochs, 1, 2)
	}
	u.epochs = append(u.epochs, newEpoch(use))
	u.seal()
	return &u.epochs[len(u.epochs)-1]
}

func newEpoch(start uint64) endEpoch {
	return endEpoch{start: start, next: math.MaxInt64, last: math.MinInt64 + int64(endSlack)}
}

// epochBetween reports whether an epoch starts after use a and not after use b.
func (u *useOrder) epochBetween(a, b uint64) bool {
	for i := range u.epochs {
		if start := u.epochs[i].start; a < start && start <= b {
			return true
		}
	}
	return false
}

// nextEnded returns a binding that is over; 0: none.
func (u *useOrder) nextEnded(now int64) uint32 {
	for i := 0; i < len(u.epochs); {
		e := &u.epochs[i]
		if now < e.next {
			i++
			continue
		}
		binding := u.oldestOf(i)
		switch {
		case binding != 0 && u.records.bindings.at(binding).ends <= now:
			return binding
		case binding != 0:
			e.next = u.records.bindings.at(binding).ends
			i++
		case i+1 < len(u.epochs):
			u.epochs = slices.Delete(u.epochs, i, i+1)
		default:
			e.next = math.MaxInt64
			i++
		}
	}
	return 0
}

// oldestOf returns the least recently used binding of an epoch; 0: none.
func (u *useOrder) oldestOf(epoch int) uint32 {
	u.blankStale()
	i := u.from(u.epochs[epoch].start)
	if i == len(u.order) {
		return 0
	}
	if epoch+1 < len(u.epochs) && u.chunks[u.order[i]].base >= u.epochs[epoch+1].start {
		return 0
	}
	return u.oldest(i)
}

// leastRecent returns the binding whose last use is longest ago; 0: there is none.
func (u *useOrder) leastRecent() uint32 {
	u.blankStale()
	return u.oldest(0)
}

// nextDead returns a binding that was released or is over; 0: none.
func (t *Table) nextDead(now int64) uint32 {
	if t.groups.released != 0 {
		return t.groups.at(t.groups.released).members
	}
	return t.owners.nextEnded(now)
}

// reclaim frees at most limit bindings, and not many more than callWork ids: dead ones first, then the least recently
// used ones beyond max. It returns how many bindings.
func (t *Table) reclaim(now int64, limit int) (count int) {
	for work := 0; count < limit && work < callWork; count++ {
		binding := t.nextDead(now)
		if binding == 0 && t.bindings.used > t.max {
			binding = t.owners.leastRecent(0, t.max)
		}
		if binding == 0 {
			break
		}
		t.recordEvicted(binding)
		work += t.freeBinding(binding)
	}
	return count
}

// freeEnded frees bindings that are over, so that what is counted afterwards is alive.
func (t *Table) freeEnded() {
	for work := 0; work < callWork; {
		binding := t.owners.nextEnded(t.clock)
		if binding == 0 {
			return
		}
		t.recordEvicted(binding)
		work += t.freeBinding(binding)
	}
}

// setClock notes the time and returns it in nanoseconds since 1970.
func (t *Table) setClock(now time.Time) int64 {
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
