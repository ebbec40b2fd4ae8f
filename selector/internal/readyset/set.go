package readyset

import "math/bits"

// Set is a set of positions 0 to n-1 that counts: how many members are below a position, and which is the k-th. Both,
// and every change, cost O(log n).
type Set struct {
	words []uint64
	// sums is a Fenwick tree over the words, from 1: sums[i] counts the members of the i&-i words before word i.
	sums  []int32
	total int
	// top is the highest power of two that is at most the number of words.
	top int
}

// New returns an empty set of positions below n.
func New(n int) *Set {
	words := (n + 63) / 64
	r := &Set{words: make([]uint64, words), sums: make([]int32, words+1)}
	if words > 0 {
		r.top = 1 << (bits.Len(uint(words)) - 1)
	}
	return r
}

// Has reports whether i is a member.
func (r *Set) Has(i int) bool { return r.words[i>>6]>>(i&63)&1 != 0 }

// Put adds or removes a member, and reports whether it changed anything.
func (r *Set) Put(i int, on bool) bool {
	if r.Has(i) == on {
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

// Fill makes those members that on says, of the positions below n.
func (r *Set) Fill(n int, on func(i int) bool) {
	clear(r.words)
	for i := range n {
		if on(i) {
			r.words[i>>6] |= 1 << (i & 63)
		}
	}
	r.total = 0
	clear(r.sums)
	for w, word := range r.words {
		count := bits.OnesCount64(word)
		r.total += count
		r.sums[w+1] += int32(count) //nolint:gosec // at most 64
		if above := w + 1 + (w+1)&-(w+1); above < len(r.sums) {
			r.sums[above] += r.sums[w+1]
		}
	}
}

// Len counts the members.
func (r *Set) Len() int { return r.total }

// Words counts the words of 64 positions.
func (r *Set) Words() int { return len(r.words) }

// Rank counts the members below i, which may be n.
func (r *Set) Rank(i int) int {
	count := 0
	for w := i >> 6; w > 0; w -= w & -w {
		count += int(r.sums[w])
	}
	if i&63 != 0 {
		count += bits.OnesCount64(r.words[i>>6] << (64 - i&63))
	}
	return count
}

// selectBit finds the k-th set bit of word, from 0.
func selectBit(word uint64, k int) int {
	bit := 0
	for width := 32; width > 0; width >>= 1 {
		if count := bits.OnesCount64(word & (1<<width - 1)); k >= count {
			k -= count
			bit += width
			word >>= width
		}
	}
	return bit
}
