package rotation

import (
	"math/bits"

	"github.com/credbroker/credbroker/selector/internal/least"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// Weighted is weighted round robin over the positions from low up to, not including, end of an ordered list.
type Weighted struct {
	low, end int
	weights  []uint32 // by position
	seen     uint64   // of the list's changes
	now      float64  // virtual time
	sum      uint64   // of the weights of those that take part

	first  int      // word that low is in
	in     []uint64 // who takes part, by word
	chunks []*chunk // by word; nil: all its deadlines and lags are zero
	least  *least.Tree
}

// chunk are the deadlines of the positions of one word that take part, and the lags behind virtual time of the others.
type chunk struct {
	due   [64]float64
	least [least.Width]int64 // keys of deadlines of those that take part, of eight positions each
}

// NewWeighted returns a rotation in which nobody takes part yet: call Restore if there is something to go on from, and
// then Start.
func NewWeighted(low, end int, weights []uint32) *Weighted {
	first := low >> 6
	words := (end+63)>>6 - first
	return &Weighted{
		low: low, end: end, weights: weights, first: first,
		in: make([]uint64, words), chunks: make([]*chunk, words), least: least.New(words),
	}
}

// Start lets those take part that can be seen.
func (r *Weighted) Start(view readyset.View, changes *readyset.Changes) {
	for w := range r.in {
		r.follow(w, view.Word(r.first+w)&r.mask(w))
		r.least.Fill(w, r.refresh(w))
	}
	r.least.Build()
	r.seen = changes.Count()
}

// Follow lets positions in and out that came into sight or went out of it.
func (r *Weighted) Follow(view readyset.View, changes *readyset.Changes) {
	if r.seen == changes.Count() {
		return
	}
	r.seen = changes.Since(r.seen, r.first+len(r.in), func(w int) {
		if w -= r.first; w < 0 || w >= len(r.in) {
			return
		}
		if word := view.Word(r.first+w) & r.mask(w); word != r.in[w] {
			r.follow(w, word)
			r.least.Set(w, r.refresh(w))
		}
	})
}

// Next is the position whose turn it is. Excluded are positions that take part and are left out of this turn only; somebody
// else must take part.
func (r *Weighted) Next(excluded []int32) (position int) {
	for _, position := range excluded {
		r.include(int(position), false)
	}
	w := r.least.First()
	position = (r.first+w)<<6 + r.chunks[w].first(r.in[w])
	for _, position := range excluded {
		r.include(int(position), true)
	}
	return position
}

// Turn gives a position the turn, and moves virtual time on. Excluded are those that were left out of it: they lose nothing.
func (r *Weighted) Turn(position int, excluded []int32) {
	sum := r.sum
	for _, position := range excluded {
		sum -= uint64(r.weights[position])
	}
	step := 1 / float64(sum)
	r.now += step
	for _, position := range excluded {
		r.add(int(position), step)
	}
	r.add(position, 1/float64(r.weights[position]))
}

// mask are the positions of a word that the rotation is about.
func (r *Weighted) mask(w int) uint64 {
	mask := ^uint64(0)
	if w == 0 {
		mask <<= r.low & 63
	}
	if rest := r.end - (r.first+w)<<6; rest < 64 {
		mask &= 1<<rest - 1
	}
	return mask
}

// follow makes those of a word take part that a new one has.
func (r *Weighted) follow(w int, word uint64) {
	if r.now == 0 && r.chunks[w] == nil && r.in[w] == 0 {
		r.in[w] = word
		r.sum += r.sumOf(w, word)
		return
	}
	for changed := word ^ r.in[w]; changed != 0; changed &= changed - 1 {
		bit := bits.TrailingZeros64(changed)
		now, weight := r.now, uint64(r.weights[(r.first+w)<<6+bit])
		if r.in[w]>>bit&1 != 0 {
			now = -now
			weight = -weight
		}
		r.sum += weight
		if now != 0 || r.chunks[w] != nil {
			r.chunk(w).due[bit&63] += now
		}
	}
	r.in[w] = word
}

// sumOf are the weights of some positions of a word.
func (r *Weighted) sumOf(w int, word uint64) (sum uint64) {
	weights := r.weights[(r.first+w)<<6:]
	if word == ^uint64(0) {
		for _, weight := range weights[:64] {
			sum += uint64(weight)
		}
		return sum
	}
	for ; word != 0; word &= word - 1 {
		sum += uint64(weights[bits.TrailingZeros64(word)])
	}
	return sum
}

// chunk of a word, made if needed.
func (r *Weighted) chunk(w int) *chunk {
	c := r.chunks[w]
	if c == nil {
		c = new(chunk)
		r.chunks[w] = c
		for eight := range c.least {
			c.refresh(eight, r.in[w])
		}
	}
	return c
}

// add moves the deadline of a position that takes part.
func (r *Weighted) add(position int, by float64) {
	w, bit := position>>6-r.first, position&63
	c := r.chunk(w)
	c.due[bit&63] += by
	c.refresh(bit/least.Width, r.in[w])
	r.least.Set(w, least.Of(&c.least))
}

// include lets a position take part, or not, in this turn.
func (r *Weighted) include(position int, in bool) {
	w, bit := position>>6-r.first, position&63
	r.in[w] &^= 1 << bit
	if in {
		r.in[w] |= 1 << bit
	}
	if c := r.chunks[w]; c != nil {
		c.refresh(bit/least.Width, r.in[w])
		r.least.Set(w, least.Of(&c.least))
		return
	}
	r.least.Set(w, r.refresh(w))
}

// refresh makes what a word knows of its least deadline anew, and returns it.
func (r *Weighted) refresh(w int) int64 {
	c := r.chunks[w]
	switch {
	case c == nil && r.in[w] == 0:
		return least.None
	case c == nil:
		return 0
	}
	for eight := range c.least {
		c.refresh(eight, r.in[w])
	}
	return least.Of(&c.least)
}

// refresh finds the least deadline of eight positions.
func (c *chunk) refresh(eight int, in uint64) {
	found := int64(least.None)
	for in = in >> (eight * least.Width) & (1<<least.Width - 1); in != 0; in &= in - 1 {
		found = min(found, least.Key(c.due[(eight*least.Width+bits.TrailingZeros64(in))&63]))
	}
	c.least[eight] = found
}

// first is the first bit that has the least deadline, of those that take part. There must be one.
func (c *chunk) first(in uint64) int {
	if c == nil {
		return bits.TrailingZeros64(in)
	}
	eight := least.FirstOf(&c.least)
	soonest := c.least[eight]
	in &= (1<<least.Width - 1) << (eight * least.Width)
	for least.Key(c.due[bits.TrailingZeros64(in)&63]) != soonest {
		in &= in - 1
	}
	return bits.TrailingZeros64(in)
}
