package doubt_test

import (
	"slices"
	"testing"

	"github.com/credbroker/credbroker/selector/internal/doubt"
)

func TestSetHasWhatWasAddedLast(t *testing.T) {
	var s doubt.Set[int]
	for i := range 10 {
		s.Change(i, true)
		s.Change(i, true)
	}
	for _, i := range []int{9, 0, 4, 4, 17} {
		s.Change(i, false)
	}
	got := slices.Sorted(s.Part(3, 10))
	if want := []int{1, 2, 3, 5, 6, 7, 8}; !slices.Equal(got, want) {
		t.Errorf("the set has %v, want %v", got, want)
	}
	for i := range 10 {
		s.Change(i, false)
	}
	if got := slices.Collect(s.Part(3, 10)); len(got) > 0 {
		t.Errorf("the empty set has %v", got)
	}
}

func TestPartsOfALargeSetCoverIt(t *testing.T) {
	var s doubt.Set[int]
	for i := range 100 {
		s.Change(i, true)
	}
	seen := map[int]bool{}
	for number := range uint64(100) {
		part := slices.Collect(s.Part(number, 7))
		if len(part) != 7 || !slices.Equal(part, slices.Collect(s.Part(number, 7))) {
			t.Fatalf("part %d is %v", number, part)
		}
		for _, i := range part {
			seen[i] = true
		}
	}
	if len(seen) != 100 {
		t.Errorf("all parts together have %d of 100", len(seen))
	}
}
