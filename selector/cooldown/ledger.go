package cooldown

import (
	"cmp"
	"slices"
	"time"
)

const (
	// memory is how long an observation is kept after its end, for the ladder, and a clear or a failure after it was made.
	memory = 24 * time.Hour
	// burst is the time within which observations are one.
	burst = Instant(time.Second)
	// maxObservations bounds those of one sort in a ledger, maxSecrets those about secrets, and maxFailures the failures.
	maxObservations = 8
	maxSecrets      = 8
	maxFailures     = 8
)

// Failure is one that counts towards a Repeat.
type Failure struct {
	At     Instant `json:"at"`
	Reason string  `json:"reason,omitempty"`
}

// Ledger is what is known of one scope for one kind of cooldown: a success watermark and the observations made after it.
// Ledgers of replicas merge in any order, any number of times, to the same. The zero value knows nothing.
//
// Two requests of an auth are under way, and one of its replicas hears late:
//
//	10:00:00  request A begins
//	10:00:05  request B begins
//	10:00:06  B is answered 429, retry in 60 s: an observation of 10:00:06, until 10:01:06
//	10:00:09  A is served: the watermark moves to 10:00:00, where A began, and B's observation stays
//	10:00:20  another replica reports 429, retry in 10 s: an observation of 10:00:20, until 10:00:30; 10:01:06 still holds
//	10:01:10  request C begins; when it is served, the watermark moves to 10:01:10 and both observations are gone
type Ledger struct {
	// Watermark is the latest start of a request that succeeded. What was observed until then is dead, but for commands.
	Watermark Instant `json:"horizon,omitempty"`
	// Cleared is when an operator last cleared it. What was observed until then is dead, commands too.
	Cleared Instant `json:"cleared,omitempty"`
	// Observations after the watermark that no other covers, oldest first.
	Observations []Observation `json:"evidence,omitempty"`
	// Failures after the watermark, oldest first.
	Failures []Failure `json:"strikes,omitempty"`
	// Doubts after the watermark, oldest first.
	Doubts []Doubt `json:"doubts,omitempty"`
}

// Ledgers are those of one scope, one for each kind of cooldown.
type Ledgers struct {
	Quota          Ledger `json:"quota,omitzero"`
	Transient      Ledger `json:"transient,omitzero"`
	Authentication Ledger `json:"authentication,omitzero"`
	Other          Ledger `json:"other,omitzero"`
}

// Of a kind.
func (l *Ledgers) Of(kind Kind) *Ledger {
	switch kind {
	case Quota:
		return &l.Quota
	case Transient:
		return &l.Transient
	case Authentication:
		return &l.Authentication
	default:
		return &l.Other
	}
}

// Clone returns ledgers that share nothing with these.
func (l *Ledgers) Clone() Ledgers {
	c := *l
	for kind := range NumKinds {
		one := c.Of(kind)
		one.Observations, one.Failures, one.Doubts = slices.Clone(one.Observations), slices.Clone(one.Failures), slices.Clone(one.Doubts)
	}
	return c
}

// Equal reports whether both say the same.
func (l *Ledgers) Equal(o *Ledgers) bool {
	for kind := range NumKinds {
		a, b := l.Of(kind), o.Of(kind)
		if a.Watermark != b.Watermark || a.Cleared != b.Cleared ||
			!slices.Equal(a.Observations, b.Observations) || !slices.Equal(a.Failures, b.Failures) || !slices.Equal(a.Doubts, b.Doubts) {
			return false
		}
	}
	return true
}

// Ends are when all is over that an upstream said, and was served or cleared, and when what callers said is over as well; 0: nothing
// is known.
func (l *Ledgers) Ends() (heard, last Instant) {
	for kind := range NumKinds {
		of := l.Of(kind)
		fromUpstream, end := of.ends()
		heard, last = max(heard, fromUpstream, of.Watermark, of.Cleared), max(last, end)
		for i := range of.Failures {
			heard = max(heard, of.Failures[i].At)
		}
	}
	return heard, max(heard, last)
}

// CompareEnds orders what goes of too much: first what only callers said, whatever ends earlier before what ends later. So nothing that callers
// say pushes out what an upstream said.
func (l *Ledgers) CompareEnds(o *Ledgers) int {
	heard, last := l.Ends()
	otherHeard, otherLast := o.Ends()
	return cmp.Or(cmp.Compare(heard, otherHeard), cmp.Compare(last, otherLast))
}

// IsZero reports whether the ledger knows nothing.
func (l *Ledger) IsZero() bool {
	return l.Watermark == 0 && l.Cleared == 0 && l.Count() == 0
}

// Count of all that is known against the auth.
func (l *Ledger) Count() int { return len(l.Observations) + len(l.Failures) + len(l.Doubts) }

// Merge takes in what another replica knows.
func (l *Ledger) Merge(o *Ledger) {
	l.Watermark, l.Cleared = max(l.Watermark, o.Watermark), max(l.Cleared, o.Cleared)
	l.Observations = append(l.Observations, o.Observations...)
	l.Failures = append(l.Failures, o.Failures...)
	l.Doubts = append(l.Doubts, o.Doubts...)
	l.tidy()
}

// Succeed takes in that a request which began at start was served.
func (l *Ledger) Succeed(start Instant) {
	if start > l.Watermark {
		l.Watermark = start
		l.tidy()
	}
}

// Clear takes in that an operator cleared it.
func (l *Ledger) Clear(at Instant) {
	if at > l.Cleared {
		l.Cleared = at
		l.tidy()
	}
}

// Add takes in an observation that was received now. Observations of one sort that come within a second are one, and so are the oldest
// where there are many: that may keep an auth out for longer than each alone would, never for less.
func (l *Ledger) Add(e Observation) {
	count, oldest := 0, -1
	for i := range l.Observations {
		known := &l.Observations[i]
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
	if count >= maxObservations {
		e.join(&l.Observations[oldest])
	}
	l.Observations = append(l.Observations, e)
	l.tidy()
}

// AddFailure counts a failure, unless its attempt began before the last one was known.
func (l *Ledger) AddFailure(s Failure, started Instant) {
	if l.Repeats(s.Reason, started) {
		l.Failures = append(l.Failures, s)
		l.tidy()
	}
}

// CountFailures counts the failures for a reason since a time, doubtful ones only once nobody can be told any more that the
// request was to blame.
func (l *Ledger) CountFailures(reason string, since, now Instant) int {
	n := 0
	for _, s := range l.Failures {
		if s.Reason == reason && s.At >= since {
			n++
		}
	}
	for _, d := range l.Doubts {
		if d.Repeated && !d.Withdrawn && d.Reason == reason && d.Received >= since && d.certainAt() <= now {
			n++
		}
	}
	return n
}

// tidy drops what is dead or covered and puts the rest in order.
func (l *Ledger) tidy() {
	l.Observations = slices.DeleteFunc(l.Observations, func(e Observation) bool { return l.dead(&e) })
	slices.SortFunc(l.Observations, func(a, b Observation) int { return a.compare(&b) })
	kept := l.Observations[:0]
	for i := range l.Observations {
		covered := func(o Observation) bool { return o.covers(&l.Observations[i]) }
		// What covers an observation comes after it, and equals follow each other.
		if !slices.ContainsFunc(l.Observations[i+1:], covered) {
			kept = append(kept, l.Observations[i])
		}
	}
	clear(l.Observations[len(kept):])
	l.Observations = kept
	l.boundSecrets()
	l.tidyDoubts()
	if len(l.Failures) == 0 {
		return
	}
	l.Failures = slices.DeleteFunc(l.Failures, func(s Failure) bool { return s.At <= max(l.Cleared, l.Watermark) })
	slices.SortFunc(l.Failures, func(a, b Failure) int { return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Reason, b.Reason)) })
	l.Failures = slices.Compact(l.Failures)
	l.Failures = l.Failures[max(0, len(l.Failures)-maxFailures):]
}

// dead: the observation is not after the watermark.
func (l *Ledger) dead(e *Observation) bool {
	return e.Received <= l.Cleared || !e.Command && e.Received <= l.Watermark
}

// boundSecrets drops the oldest observations about secrets where there are many.
func (l *Ledger) boundSecrets() {
	count := 0
	for i := range l.Observations {
		if l.Observations[i].Secret != 0 {
			count++
		}
	}
	if count <= maxSecrets {
		return
	}
	l.Observations = slices.DeleteFunc(l.Observations, func(e Observation) bool {
		if e.Secret == 0 || count <= maxSecrets {
			return false
		}
		count--
		return true
	})
}

// Prune drops what has been over for so long that no ladder counts on it. It returns when there will be more to forget;
// 0: nothing is left.
func (l *Ledger) Prune(now Instant) (next Instant) {
	if l.IsZero() {
		return 0
	}
	gone := func(end Instant, keep time.Duration) bool {
		if end >= Never-Instant(keep) {
			next = Never
			return false
		}
		if end += Instant(keep); end <= now {
			return true
		}
		next = max(next, end)
		return false
	}
	l.Observations = slices.DeleteFunc(l.Observations, func(e Observation) bool {
		if e.Level > 0 {
			return gone(e.Until, memory)
		}
		return gone(e.Until, 0)
	})
	l.Failures = slices.DeleteFunc(l.Failures, func(s Failure) bool { return gone(s.At, memory) })
	l.Doubts = slices.DeleteFunc(l.Doubts, func(d Doubt) bool { return gone(d.Received, doubtMemory) })
	if known := max(l.Cleared, l.Watermark); known > 0 {
		gone(known, memory)
	}
	return next
}

// knowsMore: there is a live observation that o lacks, or o holds on to one that is dead.
func (l *Ledger) knowsMore(o *Ledger, now Instant) bool {
	for i := range l.Observations {
		e := &l.Observations[i]
		known := func(other Observation) bool { return other.covers(e) }
		if e.Until > now && !slices.ContainsFunc(o.Observations, known) {
			return true
		}
	}
	return slices.ContainsFunc(o.Observations, func(e Observation) bool { return e.Until > now && l.dead(&e) }) || l.doubtsMore(o, now)
}

// doubtsMore is knowsMore for what is doubtful.
func (l *Ledger) doubtsMore(o *Ledger, now Instant) bool {
	for i := range l.Doubts {
		d := &l.Doubts[i]
		same := func(other Doubt) bool { return other.compare(d) == 0 }
		if until, _ := l.doubtEnds(d); until > now && !slices.ContainsFunc(o.Doubts, same) {
			return true
		}
	}
	return slices.ContainsFunc(o.Doubts, func(d Doubt) bool {
		until, _ := o.doubtEnds(&d)
		return until > now && l.dead(&d.Observation)
	})
}
