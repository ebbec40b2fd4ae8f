package selector

// rest is what a ledger says at a time.
type rest struct {
	kind CooldownKind
	// firm is the end of the time in which nobody may try, and end that of the time in which one at a time may. One that
	// is not after the time is over.
	firm, end int64
	piece     *Evidence // the one that decides end; nil: all is over
}

// rest of the auths whose secret is not refused. With a secret it is the rest of those that have it.
func (l *Ledger) rest(secret uint64, now int64) (r rest) {
	for i := range l.Evidence {
		e := &l.Evidence[i]
		if e.Until <= now || e.Secret != 0 && e.Secret != secret {
			continue
		}
		r.firm = max(r.firm, e.Probe)
		if e.Until >= r.end {
			r.end, r.piece = e.Until, e
		}
	}
	return r
}

// climb finds the step that a failure takes on the ladder of e, and the end of the window that is open for it, or 0. One
// whose attempt began before the window was over belongs to the burst that opened it, and takes none.
func (l *Ledger) climb(e *Evidence, started, now int64) (level int, window int64) {
	burst := false
	for i := range l.Evidence {
		known := &l.Evidence[i]
		if !known.alike(e) {
			continue
		}
		level = max(level, known.Level)
		if started < known.Probe {
			burst = true
		}
		if known.Probe > now {
			window = max(window, known.Probe)
		}
	}
	if !burst {
		return level + 1, 0
	}
	return level, window
}

// tried finds the hint that an attempt tried before its end; nil: none, or another kept everybody away when it began.
func (l *Ledger) tried(started, now int64) *Evidence {
	var hint *Evidence
	for i := range l.Evidence {
		e := &l.Evidence[i]
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
