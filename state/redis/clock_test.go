package redis

import (
	"testing"
	"time"
)

// A clock that was set counts from the first sample after it, however quick earlier ones were.
func TestClockThatIsSet(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	// A sample: when it was asked and what the server said, both since the beginning, and how long it took.
	type sample struct{ asked, server, took time.Duration }
	tests := []struct {
		name string
		next sample
		want time.Duration
	}{
		{"the local one, back", sample{-time.Hour, 2 * time.Second, 2 * time.Millisecond}, time.Hour + 2*time.Second - time.Millisecond},
		{"the server's, forward", sample{time.Second, time.Minute, 2 * time.Millisecond}, 59*time.Second - time.Millisecond},
		{"neither, and the answer was late", sample{time.Second, time.Second, 200 * time.Millisecond}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var c clock
			for _, l := range []sample{{0, 0, 0}, test.next} {
				asked := begin.Add(l.asked)
				c.add(asked, asked.Add(l.took), begin.Add(l.server))
			}
			if got := c.offset(); got != test.want {
				t.Errorf("offset = %v, want %v", got, test.want)
			}
		})
	}
}
