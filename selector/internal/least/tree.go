package least

import (
	"math"
	"slices"
)

// Width is how many numbers have a node in common.
const Width = 8

// None is the greatest number.
const None = math.MaxInt64

// Tree holds numbers by index.
type Tree struct {
	// levels from the numbers themselves up to the one that has no more than Width nodes, each filled up with None.
	levels [][]int64
}

// New returns a tree of n numbers that are all None.
func New(n int) *Tree {
	t := &Tree{}
	for {
		n = max(1, (n+Width-1)/Width) * Width
		level := make([]int64, n)
		for i := range level {
			level[i] = None
		}
		t.levels = append(t.levels, level)
		if n == Width {
			return t
		}
		n /= Width
	}
}

// Set changes the number at an index.
func (t *Tree) Set(i int, n int64) {
	t.levels[0][i] = n
	for level := 1; level < len(t.levels); level++ {
		least := Of((*[Width]int64)(t.levels[level-1][i&^(Width-1):]))
		i /= Width
		if t.levels[level][i] == least {
			return
		}
		t.levels[level][i] = least
	}
}

// Fill is Set without the nodes above: call Build afterwards.
func (t *Tree) Fill(i int, n int64) { t.levels[0][i] = n }

// Build makes all nodes anew.
func (t *Tree) Build() {
	for level := 1; level < len(t.levels); level++ {
		below := t.levels[level-1]
		for i := range len(below) / Width {
			t.levels[level][i] = Of((*[Width]int64)(below[i*Width:]))
		}
	}
}

// Least is the least number.
func (t *Tree) Least() int64 { return Of((*[Width]int64)(t.levels[len(t.levels)-1])) }

// First is the first index that has the least number.
func (t *Tree) First() int {
	at := 0
	for _, level := range slices.Backward(t.levels) {
		at = (at + FirstOf((*[Width]int64)(level[at:]))) * Width
	}
	return at / Width
}

// Of is the least of some numbers, without a branch.
func Of(n *[Width]int64) int64 {
	return min(min(min(n[0], n[1]), min(n[2], n[3])), min(min(n[4], n[5]), min(n[6], n[7])))
}

// FirstOf is the first index of their least.
func FirstOf(numbers *[Width]int64) (first int) {
	least := Of(numbers)
	for numbers[first&(Width-1)] != least {
		first++
	}
	return first
}

// Key is a number that comes before that of another float where that float is greater. It must be one that can be compared.
func Key(float float64) int64 {
	bits := int64(math.Float64bits(float)) //nolint:gosec // all bits are kept
	return bits ^ bits>>63&math.MaxInt64
}
