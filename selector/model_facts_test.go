package selector_test

import (
	"slices"
	"time"
)

// facts are all that a replica was told of one scope: nothing is ever dropped, so that what follows from them is plain.
type facts struct {
	pieces           []fact
	horizon, cleared time.Time
}

type fact struct {
	received, until, probe time.Time
	command, ladder        bool
}

func (f *facts) clone() facts {
	c := *f
	c.pieces = slices.Clone(f.pieces)
	return c
}

func (f *facts) merge(o *facts) {
	f.horizon, f.cleared = later2(f.horizon, o.horizon), later2(f.cleared, o.cleared)
	for _, p := range o.pieces {
		if !slices.Contains(f.pieces, p) {
			f.pieces = append(f.pieces, p)
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
	for _, known := range f.pieces {
		if f.live(known) && known.command == p.command && known.ladder == p.ladder && p.received.Sub(known.received) < time.Second {
			p.until, p.probe = later2(p.until, known.until), later2(p.probe, known.probe)
		}
	}
	f.pieces = append(f.pieces, p)
}

// live: a clear takes everything that was known before it, a success what upstreams said before its attempt began.
func (f *facts) live(p fact) bool {
	return p.received.After(f.cleared) && (p.command || p.received.After(f.horizon))
}

// renew notes that the hints which an attempt tried stand for another max_hint, or until the failure says.
func (f *facts) renew(started, now, until time.Time) {
	next := now.Add(15 * time.Minute)
	if !until.IsZero() {
		next = earlier(next, until)
	}
	var tried fact
	for _, p := range f.pieces {
		switch {
		case !f.live(p) || !p.until.After(now):
		case p.probe.After(started):
			return
		case !p.command && p.probe.Before(p.until) && p.until.After(tried.until):
			tried = p
		}
	}
	if !tried.until.IsZero() {
		tried.received, tried.probe = now, later2(tried.probe, earlier(tried.until, next))
		f.add(tried)
	}
}

// rest is until when nobody may try, and until when only one at a time.
func (f *facts) rest(now time.Time) (firm, end time.Time) {
	for _, p := range f.pieces {
		if f.live(p) && p.until.After(now) {
			firm, end = later2(firm, p.probe), later2(end, p.until)
		}
	}
	return firm, end
}

func (f *facts) deadline(now time.Time) time.Time {
	_, end := f.rest(now)
	return end
}

// ordered reports whether a caller ordered a cooldown that ends after a time.
func (f *facts) ordered(after time.Time) bool {
	return slices.ContainsFunc(f.pieces, func(p fact) bool { return p.command && f.live(p) && p.until.After(after) })
}
