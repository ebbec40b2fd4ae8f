package selector

import (
	"testing"

	"github.com/credbroker/credbroker/selector/cooldown"
)

func TestOpeningsAreBounded(t *testing.T) {
	var o openings
	const more = 1000
	for i := range uint64(maxOpenings + more) {
		o.begin(SessionKey{Lo: i + 1}, cooldown.Instant(i))
		o.begin(SessionKey{Lo: 1}, cooldown.Instant(i)) // the same one again and again must cost no more
	}
	if len(o.byKey) > maxOpenings || len(o.queue) > maxOpenings {
		t.Errorf("%d openings in a queue of %d, want at most %d", len(o.byKey), len(o.queue), maxOpenings)
	}
	newest := SessionKey{Lo: maxOpenings + more}
	if now := cooldown.Instant(maxOpenings + more); !o.repeats(newest, now) || !o.repeats(SessionKey{Lo: 1}, now) || o.repeats(SessionKey{Lo: 2}, now) {
		t.Error("past the bound the oldest must go, and nothing else")
	}
	o.begin(newest, 2*cooldown.Instant(OpeningWindow))
	if len(o.byKey) != 1 || len(o.queue) != 1 {
		t.Errorf("%d openings in a queue of %d after the window, want one", len(o.byKey), len(o.queue))
	}
}
