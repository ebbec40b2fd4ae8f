package readyset

// Changes is a short history of the positions at which an ordered list changed, so that whoever follows it
// looks only there. A follower that was away for too long looks everywhere.
type Changes struct {
	words []int32 // a ring
	count uint64  // of all that were ever added
}

// minChanges is the shortest history; longer lists keep one entry for each word of theirs.
const minChanges = 64

// NewChanges returns the history of a set of some words.
func NewChanges(words int) Changes { return Changes{words: make([]int32, max(words, minChanges))} }

// Add notes a change at a position.
func (c *Changes) Add(position int) {
	c.words[c.count%uint64(len(c.words))] = int32(position >> 6) //nolint:gosec // a pool has fewer auths
	c.count++
}

// Skip makes every follower one that was away for too long.
func (c *Changes) Skip() { c.count += uint64(len(c.words)) + 1 }

// Since calls f for each word that changed after the first seen changes, or for every word below n if the history does
// not reach back that far, and returns the present count.
func (c *Changes) Since(seen uint64, n int, f func(word int)) uint64 {
	if !c.Reach(seen) {
		for w := range n {
			f(w)
		}
		return c.count
	}
	for ; seen < c.count; seen++ {
		f(c.Word(seen))
	}
	return c.count
}

// Reach reports whether the history reaches back to what came after the first seen changes.
func (c *Changes) Reach(seen uint64) bool { return c.count-seen <= uint64(len(c.words)) }

// Word is the one that a change was in, of those that the history reaches back to; the first one ever is 0.
func (c *Changes) Word(change uint64) int { return int(c.words[change%uint64(len(c.words))]) }

// Count is what Since would return now.
func (c *Changes) Count() uint64 { return c.count }
