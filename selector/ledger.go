package selector

import (
	"cmp"
	"math"
	"slices"
	"time"
)

const (
	// memory is how long evidence is kept after its end, for the ladder, and a clear or a strike after it was made.
	memory = 24 * time.Hour
	// burst is within which pieces of evidence are one.
	burst = int64(time.Second)
	// maxEvidence bounds the pieces of one sort in a ledger, maxSecrets those about secrets, and maxStrikes the strikes.
	maxEvidence = 8
	maxSecrets  = 8
	maxStrikes  = 8
	// never is the end of what does not end.
	never = math.MaxInt64
)

// Strike is one failure that counts towards a Repeat.
type Strike struct {
	At     int64
	Reason string
}

// Ledger is what is known of one scope for one kind of cooldown: a horizon and the evidence past it. Ledgers of replicas
// merge in any order, any number of times, to the same. The zero value knows nothing.
type Ledger struct {
	// Horizon is the latest start of a request that succeeded. Evidence received until then is dead, but for commands.
	Horizon int64
	// Cleared is when an operator last cleared it. Evidence received until then is dead, commands too.
	Cleared int64
	// Evidence past the horizon that no other piece covers, oldest first.
	Evidence []Evidence
	// Strikes past the horizon, oldest first.
	Strikes []Strike
}

// Merge takes in what another replica knows.
func (l *Ledger) Merge(o *Ledger) {
	l.Horizon, l.Cleared = max(l.Horizon, o.Horizon), max(l.Cleared, o.Cleared)
	l.Evidence = append(l.Evidence, o.Evidence...)
	l.Strikes = append(l.Strikes, o.Strikes...)
	l.tidy()
}

// succeed takes in that a request which began at start was served.
func (l *Ledger) succeed(start int64) {
	if start > l.Horizon {
		l.Horizon = start
		l.tidy()
	}
}

// clear takes in an operator's word.
func (l *Ledger) clear(at int64) {
	if at > l.Cleared {
		l.Cleared = at
		l.tidy()
	}
}

// add takes in a piece that was received now. Pieces of one sort that come within a second are one, and so are the oldest
// where there are many: that may keep an auth out for longer than each alone would, never for less.
func (l *Ledger) add(e Evidence) {
	count, oldest := 0, -1
	for i := range l.Evidence {
		known := &l.Evidence[i]
		if !known.alike(&e) {
			continue
		}
		if e.Received-known.Received < burst {
			e.join(known)
		}
		if count++; oldest < 0 {
			oldest = i
		}
	}
	if count >= maxEvidence {
		e.join(&l.Evidence[oldest])
	}
	l.Evidence = append(l.Evidence, e)
	l.tidy()
}

// strike counts a failure, unless its attempt began before the last one was known.
func (l *Ledger) strike(s Strike, started int64) {
	for _, known := range l.Strikes {
		if known.Reason == s.Reason && started <= known.At {
			return
		}
	}
	l.Strikes = append(l.Strikes, s)
	l.tidy()
}

// struck counts the strikes for a reason since a time.
func (l *Ledger) struck(reason string, since int64) int {
	n := 0
	for _, s := range l.Strikes {
		if s.Reason == reason && s.At >= since {
			n++
		}
	}
	return n
}

// tidy drops what is dead or covered and puts the rest in order.
func (l *Ledger) tidy() {
	l.Evidence = slices.DeleteFunc(l.Evidence, func(e Evidence) bool { return l.dead(&e) })
	slices.SortFunc(l.Evidence, func(a, b Evidence) int { return a.compare(&b) })
	kept := l.Evidence[:0]
	for i := range l.Evidence {
		covered := func(o Evidence) bool { return o.covers(&l.Evidence[i]) }
		// What covers a piece comes after it, and equals follow each other.
		if !slices.ContainsFunc(l.Evidence[i+1:], covered) {
			kept = append(kept, l.Evidence[i])
		}
	}
	clear(l.Evidence[len(kept):])
	l.Evidence = kept
	l.boundSecrets()
	if len(l.Strikes) == 0 {
		return
	}
	l.Strikes = slices.DeleteFunc(l.Strikes, func(s Strike) bool { return s.At <= max(l.Cleared, l.Horizon) })
	slices.SortFunc(l.Strikes, func(a, b Strike) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Reason, b.Reason)) })
	l.Strikes = slices.Compact(l.Strikes)
	l.Strikes = l.Strikes[max(0, len(l.Strikes)-maxStrikes):]
}

// dead: the piece is not past the horizon.
func (l *Ledger) dead(e *Evidence) bool {
	return e.Received <= l.Cleared || !e.Command && e.Received <= l.Horizon
}

// boundSecrets drops the oldest pieces about secrets where there are many.
func (l *Ledger) boundSecrets() {
	count := 0
	for i := range l.Evidence {
		if l.Evidence[i].Secret != 0 {
			count++
		}
	}
	if count <= maxSecrets {
		return
	}
	l.Evidence = slices.DeleteFunc(l.Evidence, func(e Evidence) bool {
		if e.Secret == 0 || count <= maxSecrets {
			return false
		}
		count--
		return true
	})
}

// forget drops what has been over for so long that no ladder counts on it. It returns when there will be more to forget;
// 0: nothing is left.
func (l *Ledger) forget(now int64) (next int64) {
	gone := func(end int64, keep time.Duration) bool {
		if end == never {
			next = never
			return false
		}
		if end += int64(keep); end <= now {
			return true
		}
		next = max(next, end)
		return false
	}
	l.Evidence = slices.DeleteFunc(l.Evidence, func(e Evidence) bool {
		if e.Level > 0 {
			return gone(e.Until, memory)
		}
		return gone(e.Until, 0)
	})
	l.Strikes = slices.DeleteFunc(l.Strikes, func(s Strike) bool { return gone(s.At, memory) })
	if known := max(l.Cleared, l.Horizon); known > 0 {
		gone(known, memory)
	}
	return next
}

// knowsMore: there is live evidence that o lacks, or o holds on to some that is dead.
func (l *Ledger) knowsMore(o *Ledger, now int64) bool {
	for i := range l.Evidence {
		e := &l.Evidence[i]
		known := func(piece Evidence) bool { return piece.covers(e) }
		if e.Until > now && !slices.ContainsFunc(o.Evidence, known) {
			return true
		}
	}
	return slices.ContainsFunc(o.Evidence, func(e Evidence) bool { return e.Until > now && l.dead(&e) })
}
