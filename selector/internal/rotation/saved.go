package rotation

import "math/bits"

// Saved is what outlives the ordered list of a Weighted, by name of what stood at a position.
type Saved struct {
	now        float64
	generation uint64    // of the list, for Tiers
	names      []string  // of those that are not where they began
	lags       []float64 // of each, what it is ahead of virtual time; below zero: behind
}

// Save leaves out those that take part and never had a turn: all of them are due since the beginning. Nil: nobody had a turn.
func (r *Weighted) Save(name func(position int) string) *Saved {
	if r.now == 0 {
		return nil
	}
	saved := &Saved{now: r.now}
	for w, c := range r.chunks {
		members := r.mask(w)
		if c == nil {
			members &^= r.in[w] // nobody of the word had a turn
		}
		for ; members != 0; members &= members - 1 {
			bit, due := bits.TrailingZeros64(members), 0.0
			if c != nil {
				due = c.due[bit&63]
			}
			if r.in[w]>>bit&1 != 0 {
				if due == 0 {
					continue
				}
				due -= r.now
			}
			saved.names, saved.lags = append(saved.names, name((r.first+w)<<6+bit)), append(saved.lags, due)
		}
	}
	return saved
}

// Restore makes a rotation in which nobody takes part yet go on where another stopped. New are positions of what came since
// then: they start at the present virtual time. Position is where a name stands now, or -1.
func (r *Weighted) Restore(saved *Saved, isNew func(position int) bool, position func(name string) int) {
	r.now = saved.now
	for w := range r.in {
		r.in[w] = r.mask(w)
		for members := r.in[w]; members != 0; members &= members - 1 {
			if bit := bits.TrailingZeros64(members); isNew((r.first+w)<<6 + bit) {
				r.in[w] &^= 1 << bit
			} else {
				r.sum += uint64(r.weights[(r.first+w)<<6+bit])
			}
		}
	}
	for i, name := range saved.names {
		at := position(name)
		if at < r.low || at >= r.end || isNew(at) {
			continue
		}
		w, bit := at>>6-r.first, at&63
		r.in[w] &^= 1 << bit
		r.sum -= uint64(r.weights[at])
		r.chunk(w).due[bit] = saved.lags[i]
	}
}
