package census

import (
	"math/bits"

	"github.com/credbroker/credbroker/selector/internal/least"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// Marks is how many different marks there are.
const Marks = 256

// Never is an end that does not come.
const Never = least.None

// Classify says what one of them counts as, and when that ends.
type Classify func(i int) (mark uint8, end int64)

// Census counts marks. The zero value has looked at nothing yet.
type Census struct {
	// Used is by when it was last asked for, for whoever keeps many.
	Used uint64

	counts   [Marks]int32
	used     [Marks / 64]uint64 // marks that one of them has or had
	earliest int64
	seen     uint64 // of the changes
	made     bool   // all were looked at once
	next     int    // the first that was not looked at yet

	marks []uint8 // by index; nil: not known
	ends  *least.Tree
}

// Known reports whether it knows each of them.
func (c *Census) Known() bool { return c.marks != nil }

// Forget lets go of what it knows of each of them.
func (c *Census) Forget() { c.marks, c.ends = nil, nil }

// Current reports whether the sums are good as they are.
func (c *Census) Current(changes *readyset.Changes) bool { return c.made && c.seen == changes.Count() }

// Follow looks at those below n that changed, or at all of them if it knows none or was away for too long: at about limit of
// them, 64 or more, in one call. False: there are more, and the sums are not good before Follow was called again.
func (c *Census) Follow(n, limit int, changes *readyset.Changes, classify Classify) (done bool) {
	switch {
	case c.marks == nil:
		*c = Census{Used: c.Used, seen: changes.Count(), marks: make([]uint8, n), ends: least.New(n)}
	case !changes.Reach(c.seen):
		*c = Census{Used: c.Used, seen: changes.Count(), marks: c.marks, ends: c.ends}
	}
	if c.next < n {
		end := min(n, c.next+limit)
		limit -= end - c.next
		for ; c.next < end; c.next++ {
			mark, end := classify(c.next)
			c.marks[c.next] = mark
			c.count(mark)
			c.ends.Fill(c.next, end)
		}
		if c.next < n {
			return false
		}
		c.ends.Build()
		c.earliest = c.ends.Least()
	}
	for last := -1; c.seen != changes.Count(); c.seen++ {
		w := changes.Word(c.seen)
		if w == last {
			continue
		}
		if limit <= 0 {
			return false
		}
		for i := w << 6; i < min(n, (w+1)<<6); i++ {
			c.Recount(i, classify)
		}
		last, limit = w, limit-64
	}
	c.made = true
	return true
}

// Recount looks at one of them.
func (c *Census) Recount(i int, classify Classify) {
	mark, end := classify(i)
	c.counts[c.marks[i]]--
	c.count(mark)
	c.marks[i] = mark
	c.ends.Set(i, end)
	c.earliest = c.ends.Least()
}

func (c *Census) count(mark uint8) {
	c.counts[mark]++
	c.used[mark>>6] |= 1 << (mark & 63)
}

// Each calls f for each mark that one of them has.
func (c *Census) Each(f func(mark uint8, count int)) {
	for w, word := range c.used {
		for ; word != 0; word &= word - 1 {
			mark := uint8(w<<6 + bits.TrailingZeros64(word)) //nolint:gosec // below Marks
			if count := c.counts[mark]; count != 0 {
				f(mark, int(count))
			}
		}
	}
}

// Earliest is the earliest end; Never: none ends.
func (c *Census) Earliest() int64 { return c.earliest }
