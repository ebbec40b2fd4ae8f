package doubt_test

import (
	"testing"

	"github.com/credbroker/credbroker/selector/internal/doubt"
)

func TestTwoOtherRequestsShowThatAnAuthFailsWhoeverAsks(t *testing.T) {
	type failed struct {
		reason    string
		tag       uint64
		at, proof int64
	}
	for name, c := range map[string]struct {
		failures []failed
		proof    int64
		since    int64
		want     bool
	}{
		"nothing":              {nil, 0, 0, false},
		"one other":            {[]failed{{"r", 1, 1, 0}, {"r", 9, 2, 0}}, 0, 1, false},
		"one other twice":      {[]failed{{"r", 1, 1, 0}, {"r", 1, 2, 0}}, 0, 1, false},
		"two others":           {[]failed{{"r", 1, 1, 0}, {"r", 2, 2, 0}}, 0, 1, true},
		"and the request":      {[]failed{{"r", 1, 1, 0}, {"r", 2, 2, 0}, {"r", 9, 3, 0}}, 0, 1, true},
		"many others":          {[]failed{{"r", 1, 1, 0}, {"r", 2, 2, 0}, {"r", 3, 3, 0}, {"r", 4, 4, 0}, {"r", 9, 5, 0}}, 0, 1, true},
		"for another reason":   {[]failed{{"s", 1, 1, 0}, {"s", 2, 2, 0}}, 0, 1, false},
		"another in between":   {[]failed{{"r", 1, 1, 0}, {"s", 2, 2, 0}, {"r", 3, 3, 0}}, 0, 3, false},
		"served in between":    {[]failed{{"r", 1, 1, 0}, {"r", 2, 3, 2}}, 2, 3, false},
		"served after all":     {[]failed{{"r", 1, 1, 0}, {"r", 2, 2, 0}}, 2, 1, false},
		"slow answers":         {[]failed{{"r", 1, 1, 0}, {"r", 2, 2, 0}, {"r", 3, 3, 1}, {"r", 4, 4, 2}, {"r", 5, 5, 3}}, 3, 4, true},
		"a slow answer":        {[]failed{{"r", 1, 1, 0}, {"r", 2, 2, 0}, {"r", 3, 3, 0}}, 1, 2, true},
		"served before others": {[]failed{{"r", 1, 1, 0}, {"r", 2, 3, 2}, {"r", 3, 4, 2}}, 2, 3, true},
	} {
		var r doubt.Recent
		for _, f := range c.failures {
			r.Note(f.reason, f.tag, f.at, f.proof, 0)
		}
		got, ok := r.Streak("r", 9, c.proof, 0)
		if ok != c.want || ok && got.Since != c.since {
			t.Errorf("%s: Streak = %+v, %t, want since %d, %t", name, got, ok, c.since, c.want)
		}
	}
}

func TestAStreakCountsWhatIsServedBeside(t *testing.T) {
	var r doubt.Recent
	r.Note("r", 1, 10, 0, 100)
	r.Note("r", 2, 20, 0, 110)
	for _, c := range []struct {
		proof  int64
		served uint64
		want   uint64
	}{{0, 110, 10}, {0, 130, 30}, {5, 140, 0}, {5, 145, 5}, {5, 3, 0}, {5, 4, 1}} {
		if got, ok := r.Streak("r", 9, c.proof, c.served); !ok || got.Served != c.want {
			t.Errorf("proof %d, served %d: Streak = %+v, %t, want %d served beside it", c.proof, c.served, got, ok, c.want)
		}
	}
}
