package cooldown

// Span is the time for which a ledger keeps auths out.
type Span struct {
	Kind Kind
	// Until Probe nobody may use the auth, and until Until one request at a time may probe it. One that is not after the
	// time is over.
	Probe, Until Instant
	Deciding     *Observation // the one that decides Until; nil: all is over
}

// Span of the auths whose secret was not refused. With a fingerprint it is that of those that have the secret.
func (l *Ledger) Span(secret Fingerprint, now Instant) Span {
	r := l.BeyondDoubt(secret, now)
	for i := range l.Doubts {
		d := &l.Doubts[i]
		until, probe := l.doubtEnds(d)
		if until <= now {
			continue
		}
		r.Probe = max(r.Probe, probe)
		if until >= r.Until {
			r.Until, r.Deciding = until, &d.Observation
		}
	}
	return r
}

// BeyondDoubt is Span without what is doubtful.
func (l *Ledger) BeyondDoubt(secret Fingerprint, now Instant) (r Span) {
	for i := range l.Observations {
		e := &l.Observations[i]
		if e.Until <= now || e.Secret != 0 && e.Secret != secret {
			continue
		}
		r.Probe = max(r.Probe, e.Probe)
		if e.Until >= r.Until {
			r.Until, r.Deciding = e.Until, e
		}
	}
	return r
}

// ends are the last end of what an upstream said, and of all, that is not withdrawn, whether it is over or not; 0: there is none.
func (l *Ledger) ends() (heard, last Instant) {
	add := func(e *Observation, until Instant) {
		if last = max(last, until); e.heard() {
			heard = max(heard, until)
		}
	}
	for i := range l.Observations {
		add(&l.Observations[i], l.Observations[i].Until)
	}
	for i := range l.Doubts {
		until, _ := l.doubtEnds(&l.Doubts[i])
		add(&l.Doubts[i].Observation, until)
	}
	return heard, last
}

// Outlasts reports whether r decides beside another.
func (r Span) Outlasts(o Span, now Instant) bool {
	if r.Probe > now || o.Probe > now {
		return r.Probe > o.Probe
	}
	return r.Until > o.Until
}

// Climb finds the step that a failure takes on the ladder of e, and the end of the window that is open for it, or 0. One
// whose attempt began before the window was over belongs to the burst that opened it, and takes none. A tag says that e is doubtful.
func (l *Ledger) Climb(e *Observation, tag Tag, started, now Instant) (level int, window Instant) {
	burst := false
	take := func(known *Observation) {
		level = max(level, known.Level)
		if started < known.Probe {
			burst = true
		}
		if known.Probe > now {
			window = max(window, known.Probe)
		}
	}
	for i := range l.Observations {
		if known := &l.Observations[i]; known.alike(e) {
			take(known)
		}
	}
	for i := range l.Doubts {
		if d := &l.Doubts[i]; l.climbs(d, e, tag) {
			take(&d.Observation)
		}
	}
	if !burst {
		return level + 1, 0
	}
	return level, window
}

// ProbedHint finds the hint that an attempt probed before its end; nil: none, or another kept everybody away when it began.
func (l *Ledger) ProbedHint(started, now Instant) *Observation {
	var hint *Observation
	for i := range l.Observations {
		e := &l.Observations[i]
		switch {
		case e.Until <= now:
		case e.Probe > started:
			return nil
		case !e.Command && e.Probe < e.Until && (hint == nil || e.Until >= hint.Until):
			hint = e
		}
	}
	return hint
}
