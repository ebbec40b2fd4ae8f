package bindings

import (
	"math"

	"github.com/credbroker/credbroker/selector"
)

const (
	// refreshShare: that a binding is used is a change once in this share of the time to live.
	refreshShare = 8
	// maxEnded bounds the ends of ids that wait for Changed, and those among them that Unbind made.
	maxEnded = 1 << 16
)

// Change is what became of one session id. Times are Unix nanoseconds.
type Change struct {
	Key selector.SessionKey
	// Group is the same for all ids of one binding: the key of one of them.
	Group  selector.SessionKey
	Source uint8
	// Caller whose session it is.
	Caller string
	// Slot that it is bound to.
	Slot selector.Slot
	// Bound is when it was bound to the slot.
	Bound int64
	// Ends is the end of the binding, rounded up to the next eighth of the time to live.
	Ends int64
	// Ended: the id is bound to nothing any more, and what is above counts for nothing but Key.
	Ended bool
	// Evicted: it has ended because this table had no room for it. Others may know it still.
	Evicted bool
}

// changeLog notes which bindings changed. It is bounded by the bindings that there are, and by maxEnded.
type changeLog struct {
	on    bool
	bound []*[slabSize]int64 // when each binding was bound, by its number
	// bits says which numbers are in order from head on. A number that is there stays when its binding is dropped.
	bits  []uint64
	order []uint32
	head  int
	ended []Change
	// unbound are the ids that Unbind ended. Somebody waits until a store knows.
	unbound []Change
}

// reset is for a table that has no bindings any more.
func (l *changeLog) reset() { *l = changeLog{on: l.on, ended: l.ended, unbound: l.unbound} }

// markChanged notes that a binding must be reported.
func (l *changeLog) markChanged(binding uint32) {
	if !l.on {
		return
	}
	word, bit := binding/64, uint64(1)<<(binding%64)
	for int(word) >= len(l.bits) {
		l.bits = append(l.bits, 0)
	}
	if l.bits[word]&bit == 0 {
		l.bits[word] |= bit
		l.order = append(l.order, binding)
	}
}

// nextChanged returns a binding that changed, each once; 0: there is none.
func (l *changeLog) nextChanged() uint32 {
	if l.head == len(l.order) {
		l.order, l.head = l.order[:0], 0
		return 0
	}
	binding := l.order[l.head]
	l.head++
	if l.head >= slabSize && l.head > len(l.order)/2 {
		l.order = l.order[:copy(l.order, l.order[l.head:])]
		l.head = 0
	}
	l.bits[binding/64] &^= 1 << (binding % 64)
	return binding
}

// isMarked reports whether a binding is to be reported.
func (l *changeLog) isMarked(binding uint32) bool {
	return int(binding/64) < len(l.bits) && l.bits[binding/64]>>(binding%64)&1 != 0
}

// setBound notes when a binding was bound.
func (l *changeLog) setBound(binding uint32, at int64) {
	if !l.on {
		return
	}
	for int(binding>>slabBits) >= len(l.bound) {
		l.bound = append(l.bound, new([slabSize]int64))
	}
	l.bound[binding>>slabBits][binding&(slabSize-1)] = at
}

func (l *changeLog) boundAt(binding uint32) int64 {
	return l.bound[binding>>slabBits][binding&(slabSize-1)]
}

// addEnd notes that an id is bound to nothing any more. Past the bound it is lost: who reads it from a store then finds a
// session bound that was not, until that is over.
func (l *changeLog) addEnd(key selector.SessionKey, evicted bool) {
	if l.on && len(l.ended) < maxEnded {
		l.ended = append(l.ended, Change{Key: key, Ended: true, Evicted: evicted})
	}
}

// addUnbound is addEnd for what Unbind ended.
func (l *changeLog) addUnbound(key selector.SessionKey) {
	if len(l.unbound) < maxEnded {
		l.unbound = append(l.unbound, Change{Key: key, Ended: true})
	}
}

// isEndNews reports whether the end of a binding must be reported: not if it is over by the end reported last.
func (t *Table) isEndNews(binding uint32) bool {
	return t.changes.on && (t.clock < t.bindings.at(binding).ends || t.changes.isMarked(binding))
}

// recordEvicted notes the end of all ids of a binding that there is no room for.
func (t *Table) recordEvicted(binding uint32) {
	if t.isEndNews(binding) {
		t.eachID(binding, func(id *idRecord) { t.changes.addEnd(id.key, true) })
	}
}

// Changed returns what became of ids since it was last asked: all that Unbind ended, then other ends, then what is bound. Of
// these it returns about limit, so that it does not hold the lock for long; few are all there were. Not reported are ends in
// time, and what Release ended: the record of the identity says so. Without Config.Recording there is nothing.
func (t *Table) Changed(limit int) []Change {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(limit, len(t.changes.ended))
	changes := make([]Change, 0, n+len(t.changes.unbound))
	for _, ended := range [][]Change{t.changes.unbound, t.changes.ended[:n]} {
		for _, c := range ended {
			if t.findID(c.Key) == 0 { // else what it is bound to by now is reported
				changes = append(changes, c)
			}
		}
	}
	t.changes.unbound = nil
	if t.changes.ended = t.changes.ended[n:]; len(t.changes.ended) == 0 {
		t.changes.ended = nil
	}
	for n < limit {
		binding := t.changes.nextChanged()
		if binding == 0 {
			break
		}
		before := len(changes)
		changes = t.appendBound(changes, binding)
		n += max(1, len(changes)-before)
	}
	return changes
}

// MarkAllChanged has Changed return everything that is bound, for a store that lost what it had.
func (t *Table) MarkAllChanged() {
	for next := uint32(1); next != 0; {
		next = t.markChanged(next)
	}
}

// markChanged marks some bindings from a number on, and returns where to go on; 0: that was all.
func (t *Table) markChanged(from uint32) (next uint32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	to := from + slabSize
	for number := from; number < to; number++ {
		if number > t.bindings.top {
			return 0
		}
		if t.bindings.at(number).first.owner == number {
			t.changes.markChanged(number)
		}
	}
	return to
}

// appendBound appends the ids of a binding, unless it was dropped.
func (t *Table) appendBound(changes []Change, binding uint32) []Change {
	b := t.bindings.at(binding)
	if b.first.owner != binding {
		return changes
	}
	g := t.groups.at(b.group)
	if g.released {
		// What was reported last is that it is bound to something else.
		t.eachID(binding, func(id *idRecord) { changes = append(changes, Change{Key: id.key, Ended: true, Evicted: true}) })
		return changes
	}
	change := Change{Caller: t.owners.list[g.owner].name, Slot: g.slot, Bound: t.changes.boundAt(binding), Ends: t.roundedEnd(b.ends)}
	first := true
	t.eachID(binding, func(id *idRecord) {
		if first {
			change.Group, first = id.key, false
		}
		change.Key, change.Source = id.key, id.source()
		changes = append(changes, change)
	})
	return changes
}

// roundedEnd is the end that is reported.
func (t *Table) roundedEnd(ends int64) int64 {
	step := max(int64(t.ttl)/refreshShare, 1)
	if rest := ends % step; rest != 0 && ends < math.MaxInt64-step {
		ends += step - rest
	}
	return ends
}
