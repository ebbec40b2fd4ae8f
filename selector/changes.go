package selector

// changes is a short history of the places where the visible members of a lane changed, so that whoever follows it
// looks only there. A follower that was away for too long looks everywhere.
type changes struct {
	words []int32 // a ring
	count uint64  // of all that were ever added
}

// minChanges is the shortest history; longer lanes keep one entry for each word of theirs.
const minChanges = 64

func newChanges(words int) changes { return changes{words: make([]int32, max(words, minChanges))} }

func (c *changes) add(position int) {
	c.words[c.count%uint64(len(c.words))] = int32(position >> 6) //nolint:gosec // a pool has fewer auths
	c.count++
}

// skip makes every follower one that was away for too long.
func (c *changes) skip() { c.count += uint64(len(c.words)) + 1 }

// since calls f for each word that changed after the first seen changes, or for every word below n if the history does
// not reach back that far, and returns the present count.
func (c *changes) since(seen uint64, n int, f func(word int)) uint64 {
	if c.count-seen > uint64(len(c.words)) {
		for w := range n {
			f(w)
		}
		return c.count
	}
	for ; seen < c.count; seen++ {
		f(int(c.words[seen%uint64(len(c.words))]))
	}
	return c.count
}
