package firstturn

import "testing"

func TestLogIsBounded(t *testing.T) {
	var l Log[uint64]
	const more = 1000
	for i := range uint64(Max + more) {
		l.Begin(i+1, int64(i))
		l.Begin(1, int64(i)) // the same one again and again must cost no more
	}
	if len(l.byKey) > Max || len(l.queue) > Max {
		t.Errorf("%d first turns in a queue of %d, want at most %d", len(l.byKey), len(l.queue), Max)
	}
	const newest, now = Max + more, Max + more
	if !l.Repeats(newest, now) || !l.Repeats(1, now) || l.Repeats(2, now) {
		t.Error("past the bound the oldest must go, and nothing else")
	}
	l.Begin(newest, 2*int64(Window))
	if len(l.byKey) != 1 || len(l.queue) != 1 {
		t.Errorf("%d first turns in a queue of %d after the window, want one", len(l.byKey), len(l.queue))
	}
}
