package bindings

import (
	"math"
	"slices"
	"sort"
)

const (
	useBits    = 10
	useChunk   = 1 << useBits
	noPosition = math.MaxUint32
)

// useLog keeps the bindings in order of their last use. A use appends the binding's number and blanks its older entry,
// so a position in the order can be found by number of use, and nothing of the binding's neighbours is touched.
// useOrder.compact keeps the log at most about twice as long as there are bindings.
type useLog struct {
	chunks []useLogChunk // by chunk number
	order  []uint32      // chunk numbers, least recently used first; all but the last hold something
	spare  []uint32      // chunk numbers not in use
	fill   uint32        // entries written to the last chunk
	newest uint32        // position of the last entry
	// Entries to blank, which lie anywhere in memory: many at once wait for it together.
	stale  [64]uint32
	stales int
}

type useLogChunk struct {
	refs  *[useChunk]uint32 // numbers of bindings; 0: blank
	base  uint64            // no entry was used before this use; greater in each chunk of the order
	live  uint32            // entries that are not blank
	first uint32            // entries before this one are blank
}

// useOrder is the log, and what of it ends first.
type useOrder struct {
	useLog
	records *records
	count   int        // bindings, those that have no position yet included
	epochs  []endEpoch // never empty
}

// append adds a binding as the most recently used and returns its position.
func (l *useLog) append(binding uint32, use uint64) uint32 {
	if len(l.order) == 0 || l.fill == useChunk {
		l.begin(use)
	}
	number := l.order[len(l.order)-1]
	c := &l.chunks[number]
	c.refs[l.fill] = binding
	c.live++
	l.newest = number<<useBits | l.fill
	l.fill++
	return l.newest
}

// begin starts a chunk.
func (l *useLog) begin(use uint64) {
	var number uint32
	if last := len(l.order) - 1; last >= 0 && l.chunks[l.order[last]].live == 0 {
		number = l.order[last]
	} else {
		if n := len(l.spare); n > 0 {
			number, l.spare = l.spare[n-1], l.spare[:n-1]
		} else {
			number = uint32(len(l.chunks)) //nolint:gosec // 22 bits, as there are at most mostBindings
			l.chunks = append(l.chunks, useLogChunk{refs: new([useChunk]uint32)})
		}
		l.order = append(l.order, number)
	}
	refs := l.chunks[number].refs
	clear(refs[:])
	l.chunks[number] = useLogChunk{refs: refs, base: use}
	l.fill = 0
}

// seal ends the last chunk, so that what is used from now on lies in others.
func (l *useLog) seal() { l.fill, l.newest = useChunk, noPosition }

// remove takes an entry out of the order.
func (l *useLog) remove(position uint32) {
	if position == l.newest {
		l.newest = noPosition
	}
	l.stale[l.stales] = position
	if l.stales++; l.stales == len(l.stale) {
		l.blankStale()
	}
}

// blankStale does what remove has left to do. Whoever reads the log calls it first.
func (l *useLog) blankStale() {
	for _, position := range l.stale[:l.stales] {
		number := position >> useBits
		c := &l.chunks[number]
		c.refs[position&(useChunk-1)] = 0
		c.live--
		if c.live == 0 && number != l.order[len(l.order)-1] {
			l.retire(l.from(c.base))
		}
	}
	l.stales = 0
}

// retire takes the chunk at a position of the order out of use.
func (l *useLog) retire(i int) {
	l.spare = append(l.spare, l.order[i])
	l.order = slices.Delete(l.order, i, i+1)
}

// from returns the position in the order of the first chunk that begins at a use or after it.
func (l *useLog) from(use uint64) int {
	return sort.Search(len(l.order), func(i int) bool { return l.chunks[l.order[i]].base >= use })
}

// oldest returns the least recently used binding of the chunks from a position on; 0: none.
func (l *useLog) oldest(i int) uint32 {
	if i >= len(l.order) {
		return 0
	}
	c := &l.chunks[l.order[i]]
	if c.live == 0 { // then it is the last
		return 0
	}
	for c.refs[c.first] == 0 {
		c.first++
	}
	return c.refs[c.first]
}

// appendUse makes a binding the most recently used, and ends are as it says.
func (u *useOrder) appendUse(b *bindingRecord) {
	u.records.seq++
	b.used = u.records.seq
	u.noteEnd(b.ends)
	if b.position != noPosition {
		if b.position == u.newest {
			return
		}
		u.remove(b.position)
	}
	b.position = u.append(b.first.owner, b.used)
	if u.fill == 1 {
		u.compact()
	}
}

// compact keeps the log short. It is called when a chunk is begun.
func (u *useOrder) compact() {
	for range 2 { // one to keep the length, one to get shorter after many bindings went
		if len(u.order) <= 2*(u.count>>useBits)+2 || !u.merge() {
			return
		}
	}
}

// merge joins the two neighbouring chunks that hold the least, the last chunk aside. A log more than twice as long
// as it need be has two that fit into one.
func (u *useOrder) merge() bool {
	l := &u.useLog
	l.blankStale()
	best, least := -1, uint32(useChunk+1)
	for i := 0; i+2 < len(l.order); i++ {
		a, b := &l.chunks[l.order[i]], &l.chunks[l.order[i+1]]
		if sum := a.live + b.live; sum < least && !u.epochBetween(a.base, b.base) {
			best, least = i, sum
		}
	}
	if best < 0 {
		return false
	}
	into := l.order[best]
	end := u.moveEntries(into, into, 0)
	end = u.moveEntries(l.order[best+1], into, end)
	c := &l.chunks[into]
	c.live, c.first = end, 0
	l.retire(best + 1)
	return true
}

// moveEntries moves what a chunk holds to positions from end on of the chunk into, and returns the new end.
func (u *useOrder) moveEntries(from, into, end uint32) uint32 {
	target := u.chunks[into].refs
	source := u.chunks[from].refs
	for i, binding := range source {
		if binding == 0 {
			continue
		}
		source[i] = 0
		target[end] = binding
		u.records.bindings.at(binding).position = into<<useBits | end
		end++
	}
	return end
}
