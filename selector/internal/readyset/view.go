package readyset

// View is a set of positions less a part of it. A nil hidden part hides nothing.
type View struct{ All, Hidden *Set }

// Len counts the visible members.
func (v View) Len() int {
	if v.Hidden == nil {
		return v.All.total
	}
	return v.All.total - v.Hidden.total
}

// Has reports whether i is visible.
func (v View) Has(i int) bool {
	return v.All.Has(i) && (v.Hidden == nil || !v.Hidden.Has(i))
}

// Rank counts the visible members below i.
func (v View) Rank(i int) int {
	if v.Hidden == nil {
		return v.All.Rank(i)
	}
	return v.All.Rank(i) - v.Hidden.Rank(i)
}

// Word has a bit for each visible position from 64*w.
func (v View) Word(w int) uint64 {
	if v.Hidden == nil {
		return v.All.words[w]
	}
	return v.All.words[w] &^ v.Hidden.words[w]
}

// At is the position of the k-th visible member, from 0. There must be more than k.
func (v View) At(k int) int {
	w := 0
	for step := v.All.top; step > 0; step >>= 1 {
		next := w + step
		if next >= len(v.All.sums) {
			continue
		}
		count := int(v.All.sums[next])
		if v.Hidden != nil {
			count -= int(v.Hidden.sums[next])
		}
		if k >= count {
			k -= count
			w = next
		}
	}
	return w<<6 + selectBit(v.Word(w), k)
}
