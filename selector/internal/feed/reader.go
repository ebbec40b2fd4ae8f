package feed

import (
	"container/list"
	"math/bits"
)

const wordBits = 64

// Reader reads a feed.
type Reader[G comparable] struct {
	feed   *Feed[G]
	at     *list.Element // nil: it is closed
	signal chan struct{}
	known  []uint64 // a bit for each number
}

// Changed has a value when Next has something after it had nothing.
func (r *Reader[G]) Changed() <-chan struct{} { return r.signal }

func (r *Reader[G]) notify() {
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// Next returns a name that changed, or else a group. False: that was all.
func (r *Reader[G]) Next() (name string, group G, ok bool) {
	if r.at == nil {
		return name, group, false
	}
	for e := r.at.Next(); e != nil; e = e.Next() {
		i, ok := e.Value.(item[G])
		if !ok {
			continue
		}
		r.feed.order.MoveAfter(r.at, e)
		r.feed.trim()
		return i.name, i.group, true
	}
	return name, group, false
}

// Learn notes that the reader passed a name on.
func (r *Reader[G]) Learn(name string) {
	if r.at == nil {
		return
	}
	n := r.feed.number(name)
	for int(n/wordBits) >= len(r.known) {
		r.known = append(r.known, 0)
	}
	if word := &r.known[n/wordBits]; *word>>(n%wordBits)&1 == 0 {
		*word |= 1 << (n % wordBits)
		r.feed.known[n].readers++
	}
}

// Forget undoes Learn. It reports whether the reader knew the name.
func (r *Reader[G]) Forget(name string) bool {
	n, ok := r.feed.numbers[name]
	if !ok || int(n/wordBits) >= len(r.known) || r.known[n/wordBits]>>(n%wordBits)&1 == 0 {
		return false
	}
	r.known[n/wordBits] &^= 1 << (n % wordBits)
	r.feed.release(n)
	return true
}

// Close ends reading. The reader then has nothing, and knows nothing.
func (r *Reader[G]) Close() {
	if r.at == nil {
		return
	}
	for i, word := range r.known {
		for ; word != 0; word &= word - 1 {
			r.feed.release(uint32(i*wordBits + bits.TrailingZeros64(word))) //nolint:gosec // it is a number of a name
		}
	}
	r.feed.order.Remove(r.at)
	r.feed.readers--
	r.feed.trim()
	r.at, r.known = nil, nil
}
