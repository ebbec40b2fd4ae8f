package readyset_test

import (
	"math/rand/v2"
	"testing"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

func TestViewsCountAndSelectLikeAList(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{0, 1, 63, 64, 65, 128, 200, 1000} {
		all, hidden := readyset.New(n), readyset.New(n)
		for range 5 * n {
			i := r.IntN(n)
			all.Put(i, r.IntN(3) > 0)
			hidden.Put(i, all.Has(i) && r.IntN(4) == 0)
		}
		for name, seen := range map[string]readyset.View{"all": {All: all}, "less the hidden": {All: all, Hidden: hidden}} {
			var list []int
			for i := range n {
				if got := seen.Rank(i); got != len(list) {
					t.Fatalf("%d positions, %s: rank(%d) = %d, want %d", n, name, i, got, len(list))
				}
				if all.Has(i) && (seen.Hidden == nil || !hidden.Has(i)) {
					list = append(list, i)
				}
			}
			if seen.Len() != len(list) || seen.Rank(n) != len(list) {
				t.Fatalf("%d positions, %s: count %d, rank of the end %d, want %d", n, name, seen.Len(), seen.Rank(n), len(list))
			}
			for k, want := range list {
				if got := seen.At(k); got != want || !seen.Has(got) {
					t.Fatalf("%d positions, %s: at(%d) = %d, want %d", n, name, k, got, want)
				}
			}
		}
	}
}

func TestChangesNameTheWordsThatChanged(t *testing.T) {
	c := readyset.NewChanges(2)
	seen := c.Count()
	words := func() (words []int) {
		seen = c.Since(seen, 3, func(w int) { words = append(words, w) })
		return words
	}
	c.Add(0)
	c.Add(130)
	if got := words(); len(got) != 2 || got[0] != 0 || got[1] != 2 {
		t.Errorf("after two changes: look at %v, want 0 and 2", got)
	}
	if got := words(); got != nil {
		t.Errorf("after no change: look at %v", got)
	}
	for range 1000 {
		c.Add(70)
	}
	if got := words(); len(got) != 3 {
		t.Errorf("after more changes than are kept: look at %v, want every word", got)
	}
	if c.Skip(); len(words()) != 3 {
		t.Error("after Skip: want every word")
	}
}

func BenchmarkView(b *testing.B) {
	const n = 100_000
	v := readyset.View{All: readyset.New(n), Hidden: readyset.New(n)}
	for i := range n {
		v.All.Put(i, true)
		v.Hidden.Put(i, i%3 == 0)
	}
	b.Run("At", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_ = v.At(i % v.Len())
		}
	})
	b.Run("Rank", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			_ = v.Rank(i % n)
		}
	})
	b.Run("Put", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			v.All.Put(i/2%n, i%2 == 1)
		}
	})
}
