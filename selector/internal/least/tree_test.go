package least_test

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/selector/internal/least"
)

func TestTreeFindsWhatAScanFinds(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 63, 64, 65, 511, 512, 513, 1000} {
		random := rand.New(rand.NewPCG(uint64(n), 1))
		tree, numbers := least.New(n), make([]int64, n)
		for i := range numbers {
			numbers[i] = least.None
		}
		check := func() {
			t.Helper()
			want := int64(least.None)
			if n > 0 {
				want = slices.Min(numbers)
			}
			if got := tree.Least(); got != want {
				t.Fatalf("%d numbers: Least = %d, want %d", n, got, want)
			}
			if want == least.None {
				return
			}
			if got, first := tree.First(), slices.Index(numbers, want); got != first {
				t.Fatalf("%d numbers: First = %d, want %d", n, got, first)
			}
		}
		check()
		for range 5 * n {
			i, number := random.IntN(n), int64(random.IntN(n))
			if random.IntN(4) == 0 {
				number = least.None
			}
			numbers[i] = number
			tree.Set(i, number)
			check()
		}
		for i := range numbers {
			numbers[i] = int64(random.IntN(n))
			tree.Fill(i, numbers[i])
		}
		tree.Build()
		check()
	}
}

func TestKeysAreInTheOrderOfTheirFloats(t *testing.T) {
	floats := []float64{math.Inf(-1), -1e300, -2, -1, -1e-300, 0, 1e-300, 0.5, 1, 2, 1e300, math.Inf(1)}
	for i, a := range floats {
		for j, b := range floats {
			if got, want := cmp.Compare(least.Key(a), least.Key(b)), cmp.Compare(i, j); got != want {
				t.Errorf("the keys of %v and %v compare as %d, want %d", a, b, got, want)
			}
		}
	}
}

func BenchmarkTree(b *testing.B) {
	const n = 33_333
	tree, due := least.New(n), make([]float64, n)
	for i := range n {
		tree.Fill(i, 0)
	}
	tree.Build()
	for b.Loop() {
		i := tree.First()
		due[i] += 1 / float64(i*3%5+1)
		tree.Set(i, least.Key(due[i]))
	}
}
