package selector

import "math/bits"

// ranks is a set of positions 0 to n-1 that counts: how many members are below a position, and which is the k-th. Both,
// and every change, cost O(log n).
type ranks struct {
	words []uint64
	// sums is a Fenwick tree over the words, from 1: sums[i] counts the members of the i&-i words before word i.
	sums  []int32
	total int
	// top is the highest power of two that is at most the number of words.
	top int
}

func newRanks(n int) *ranks {
	words := (n + 63) / 64
	r := &ranks{words: make([]uint64, words), sums: make([]int32, words+1)}
	if words > 0 {
		r.top = 1 << (bits.Len(uint(words)) - 1)
	}
	return r
}

func (r *ranks) has(i int) bool { return r.words[i>>6]>>(i&63)&1 != 0 }

// set reports whether it changed anything.
func (r *ranks) set(i int, on bool) bool {
	if r.has(i) == on {
		return false
	}
	r.words[i>>6] ^= 1 << (i & 63)
	delta := int32(1)
	if !on {
		delta = -1
	}
	r.total += int(delta)
	for w := i>>6 + 1; w < len(r.sums); w += w & -w {
		r.sums[w] += delta
	}
	return true
}

// rank counts the members below i, which may be n.
func (r *ranks) rank(i int) int {
	count := 0
	for w := i >> 6; w > 0; w -= w & -w {
		count += int(r.sums[w])
	}
	if i&63 != 0 {
		count += bits.OnesCount64(r.words[i>>6] << (64 - i&63))
	}
	return count
}

// visible is a set of positions less a part of it. A nil hidden part hides nothing.
type visible struct{ all, hidden *ranks }

func (v visible) count() int {
	if v.hidden == nil {
		return v.all.total
	}
	return v.all.total - v.hidden.total
}

func (v visible) has(i int) bool {
	return v.all.has(i) && (v.hidden == nil || !v.hidden.has(i))
}

func (v visible) rank(i int) int {
	if v.hidden == nil {
		return v.all.rank(i)
	}
	return v.all.rank(i) - v.hidden.rank(i)
}

func (v visible) word(w int) uint64 {
	if v.hidden == nil {
		return v.all.words[w]
	}
	return v.all.words[w] &^ v.hidden.words[w]
}

// at is the position of the k-th visible member, from 0. There must be more than k.
func (v visible) at(k int) int {
	w := 0
	for step := v.all.top; step > 0; step >>= 1 {
		next := w + step
		if next >= len(v.all.sums) {
			continue
		}
		count := int(v.all.sums[next])
		if v.hidden != nil {
			count -= int(v.hidden.sums[next])
		}
		if k >= count {
			k -= count
			w = next
		}
	}
	return w<<6 + selectBit(v.word(w), k)
}

// selectBit is the place of the k-th set bit of word, from 0.
func selectBit(word uint64, k int) int {
	place := 0
	for width := 32; width > 0; width >>= 1 {
		if count := bits.OnesCount64(word & (1<<width - 1)); k >= count {
			k -= count
			place += width
			word >>= width
		}
	}
	return place
}
