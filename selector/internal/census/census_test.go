package census_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/credbroker/credbroker/selector/internal/census"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

func TestCensusCountsWhatAScanCounts(t *testing.T) {
	for seed := range uint64(20) {
		for _, n := range []int{1, 63, 64, 65, 200} {
			random := rand.New(rand.NewPCG(seed, uint64(n)))
			marks, ends := make([]uint8, n), make([]int64, n)
			changes := readyset.NewChanges(n>>6 + 1)
			var c census.Census
			classified := 0
			classify := func(i int) (uint8, int64) {
				classified++
				return marks[i], ends[i]
			}
			for step := range 300 {
				for range random.IntN(3) {
					i := random.IntN(n)
					marks[i], ends[i] = uint8(random.IntN(256)), int64(random.IntN(100))
					if random.IntN(3) == 0 {
						ends[i] = census.Never
					}
					changes.Add(i)
				}
				if random.IntN(20) == 0 {
					c.Forget()
				}
				limit := 64 + random.IntN(100)
				for before := classified; !c.Follow(n, limit, &changes, classify); before = classified {
					if classified-before > limit+64 {
						t.Fatalf("looked at %d at once, want about %d", classified-before, limit)
					}
					if c.Current(&changes) {
						t.Fatal("current before all were looked at")
					}
				}
				if !c.Known() || !c.Current(&changes) {
					t.Fatalf("step %d: after Follow: known %t, current %t", step, c.Known(), c.Current(&changes))
				}
				counts := [census.Marks]int{}
				c.Each(func(mark uint8, count int) { counts[mark] = count })
				for _, mark := range marks {
					counts[mark]--
				}
				if counts != [census.Marks]int{} || c.Earliest() != slices.Min(ends) {
					t.Fatalf("seed %d, of %d, step %d: earliest %d, want %d; counts are off by %v", seed, n, step, c.Earliest(), slices.Min(ends), counts)
				}
			}
			if classified > 300*2*64+30*n {
				t.Errorf("of %d: classified %d times", n, classified)
			}
		}
	}
}

func TestCensusIsCurrentUntilSomethingChanges(t *testing.T) {
	changes := readyset.NewChanges(1)
	var c census.Census
	if c.Current(&changes) {
		t.Error("a census that looked at nothing is current")
	}
	c.Follow(2, 64, &changes, func(int) (uint8, int64) { return 7, 5 })
	if c.Forget(); !c.Current(&changes) || c.Known() || c.Earliest() != 5 {
		t.Error("the sums must be good after Forget")
	}
	if changes.Add(0); c.Current(&changes) {
		t.Error("current after a change")
	}
}
