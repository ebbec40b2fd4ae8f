package selector_test

import (
	"slices"
	"time"
)

// facts are all that a replica knows of one scope: nothing is ever dropped, so that what follows from them is plain.
type facts struct {
	observations       []fact
	watermark, cleared time.Time
}

type fact struct {
	received, until, probe time.Time
	command, ladder        bool
}

func (f *facts) clone() facts {
	c := *f
	c.observations = slices.Clone(f.observations)
	return c
}

func (f *facts) merge(o *facts) {
	f.watermark, f.cleared = later2(f.watermark, o.watermark), later2(f.cleared, o.cleared)
	for _, p := range o.observations {
		if !slices.Contains(f.observations, p) {
			f.observations = append(f.observations, p)
		}
	}
}

func later2(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// add notes what was learnt now. What came within a second before is part of it.
func (f *facts) add(p fact) {
	for _, known := range f.observations {
		if f.live(known) && known.command == p.command && known.ladder == p.ladder && p.received.Sub(known.received) < time.Second {
			p.until, p.probe = later2(p.until, known.until), later2(p.probe, known.probe)
		}
	}
	f.observations = append(f.observations, p)
}

// live: a clear takes everything that was known before it, a success what upstreams said before its attempt began.
func (f *facts) live(p fact) bool {
	return p.received.After(f.cleared) && (p.command || p.received.After(f.watermark))
}

// renew notes that the hints which an attempt probed stand for another max_hint, or until the failure says.
func (f *facts) renew(started, now, until time.Time) {
	next := now.Add(15 * time.Minute)
	if !until.IsZero() {
		next = earlier(next, until)
	}
	var probed fact
	for _, p := range f.observations {
		switch {
		case !f.live(p) || !p.until.After(now):
		case p.probe.After(started):
			return
		case !p.command && p.probe.Before(p.until) && p.until.After(probed.until):
			probed = p
		}
	}
	if !probed.until.IsZero() {
		probed.received, probed.probe = now, later2(probed.probe, earlier(probed.until, next))
		f.add(probed)
	}
}

// span is until when nobody may probe, and until when only one at a time.
func (f *facts) span(now time.Time) (firm, end time.Time) {
	for _, p := range f.observations {
		if f.live(p) && p.until.After(now) {
			firm, end = later2(firm, p.probe), later2(end, p.until)
		}
	}
	return firm, end
}

func (f *facts) deadline(now time.Time) time.Time {
	_, end := f.span(now)
	return end
}

// ordered reports whether a caller ordered a cooldown that ends after a time.
func (f *facts) ordered(after time.Time) bool {
	return slices.ContainsFunc(f.observations, func(p fact) bool { return p.command && f.live(p) && p.until.After(after) })
}
