package bindings

import (
	"math"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// restoreChunk is how many bindings are put in order without letting others have the lock.
const restoreChunk = 4096

// sortBits is how much of a number sortRestored looks at in one go.
const sortBits = 11

// Restorer fills a table with bindings that were kept elsewhere. What the table has bound itself stays as it is.
// A Restorer belongs to one goroutine; the table may be used meanwhile.
type Restorer struct {
	table *Table
	now   int64
	// numbers of the bindings that were made, and those that have, or will have, several ids, by their group.
	numbers []uint32
	groups  map[selector.SessionKey]uint32
}

// Restore begins to fill the table. Call Add, then Finish; what is over by now is left out.
func (t *Table) Restore(now time.Time) *Restorer {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &Restorer{table: t, now: t.setClock(now), groups: make(map[selector.SessionKey]uint32)}
}

// Expect tells about how many changes will be added, so that the table makes room for them at once.
func (r *Restorer) Expect(changes int) {
	t := r.table
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(max(changes, 0), 2*t.max)
	t.index.reserve(n)
	r.numbers = slices.Grow(r.numbers, n)
}

// Add takes in changes that Changed once returned, in any order. Those that say Ended are left out.
func (r *Restorer) Add(changes []Change) {
	r.table.mu.Lock()
	defer r.table.mu.Unlock()
	for i := range changes {
		if c := &changes[i]; !c.Ended && c.Ends > r.now {
			r.add(c)
		}
	}
}

func (r *Restorer) add(c *Change) {
	t := r.table
	if t.findID(c.Key) != 0 {
		return
	}
	binding := r.binding(c)
	if binding == 0 {
		if t.bindings.used >= mostBindings {
			return
		}
		binding = t.createBinding(c.Slot, t.owners.number(c.Caller))
		t.bindings.at(binding).ends = c.Ends
		t.changes.setBound(binding, c.Bound)
		r.numbers = append(r.numbers, binding)
		if c.Key != c.Group {
			r.groups[c.Group] = binding
		}
	}
	t.attach(binding, &selector.Session{Key: c.Key, Source: c.Source})
}

// binding finds the one of the same group, if ids of it were added already; 0: none was.
func (r *Restorer) binding(c *Change) uint32 {
	t := r.table
	var candidates [2]uint32
	if c.Group != c.Key { // which is not there yet
		if id := t.findID(c.Group); id != 0 {
			candidates[0] = t.id(id).owner
		}
	}
	if len(r.groups) > 0 {
		candidates[1] = r.groups[c.Group]
	}
	for _, binding := range candidates {
		if !r.isUnordered(binding) {
			continue
		}
		if b := t.bindings.at(binding); t.groups.at(b.group).slot == c.Slot {
			b.ends = max(b.ends, c.Ends)
			return binding
		}
	}
	return 0
}

// isUnordered reports whether a binding waits for its position in the order of uses. One that was used has it; one that was
// dropped is not there, or has left its number to another, which has a position.
func (r *Restorer) isUnordered(number uint32) bool {
	t := r.table
	if number == 0 || int(number>>slabBits) >= len(t.bindings.chunks) {
		return false
	}
	b := t.bindings.at(number)
	return b.first.owner == number && b.position == noPosition
}

// Finish puts what was added in order, those that end last as those that were used last, and drops what is beyond the
// table's bound, so that its memory is bounded again.
func (r *Restorer) Finish() {
	order := r.order()
	for len(order) > 0 {
		n := min(len(order), restoreChunk)
		r.appendUses(order[:n])
		order = order[n:]
	}
	t := r.table
	t.mu.Lock()
	over := t.bindings.used - t.max
	t.mu.Unlock()
	for over > 0 {
		t.mu.Lock()
		n := t.reclaim(t.clock, min(over, expireChunk))
		t.mu.Unlock()
		if n == 0 {
			return
		}
		over -= n
	}
}

// restored is one binding that waits for its position in the order of uses.
type restored struct {
	ends   int64
	number uint32
}

// order returns the bindings by their ends.
func (r *Restorer) order() []restored {
	t := r.table
	t.mu.Lock()
	order := make([]restored, 0, len(r.numbers))
	for _, number := range r.numbers {
		if r.isUnordered(number) {
			order = append(order, restored{t.bindings.at(number).ends, number})
		}
	}
	t.mu.Unlock()
	sortRestored(order)
	return order
}

// sortRestored sorts by ends. Most differ in a few bytes alone, so it goes through these once each.
func sortRestored(order []restored) {
	var low, high uint64 = math.MaxUint64, 0
	for _, o := range order {
		low, high = min(low, uint64(o.ends)), max(high, uint64(o.ends)) //nolint:gosec // ends are after now
	}
	from, to := order, make([]restored, len(order))
	for shift := 0; len(order) > 0 && (high-low)>>shift > 0; shift += sortBits {
		var starts [1 << sortBits]int
		digit := func(o restored) uint64 { return (uint64(o.ends) - low) >> shift & (1<<sortBits - 1) } //nolint:gosec // as above
		for _, o := range from {
			starts[digit(o)]++
		}
		sum := 0
		for i, n := range starts {
			starts[i] = sum
			sum += n
		}
		for _, o := range from {
			d := digit(o)
			to[starts[d]] = o
			starts[d]++
		}
		from, to = to, from
	}
	copy(order, from)
}

// appendUses gives bindings the next positions in the order of uses, unless they were used or dropped meanwhile.
func (r *Restorer) appendUses(order []restored) {
	t := r.table
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, o := range order {
		if r.isUnordered(o.number) {
			b := t.bindings.at(o.number)
			usesOf(t, b).appendUse(b)
		}
	}
}
