package cooldown

import (
	"cmp"
	"slices"
)

const (
	// doubtMemory is how long a doubtful observation is kept after it was made. That is less than withdrawn tags are, so
	// that none comes back to life.
	doubtMemory = memory / 2
	// maxDoubts bounds those of a ledger that count towards a Repeat, and the others.
	maxDoubts = 8
)

// Doubt is an observation that may be the fault of the request which failed. It counts for nothing but itself and ends
// within DoubtSpan, unless a second request fails alike; then it is like any other observation, until one of the two is
// withdrawn because its request turned out to be to blame.
type Doubt struct {
	Observation

	Tag Tag `json:"tag"`
	// Repeated: it counts towards a Repeat, once nobody can tell any more that the request was to blame.
	Repeated bool `json:"repeated,omitempty"`
	// Withdrawn: its tag is among those of the record, see Withdrawn. It takes up its place all the same: if that were free
	// again, what is kept of many would depend on the order in which replicas hear of them.
	Withdrawn bool `json:"-"`
}

// compare is a total order of all that is kept; the later ones come last.
func (d *Doubt) compare(o *Doubt) int {
	return cmp.Or(d.Observation.compare(&o.Observation), cmp.Compare(d.Tag, o.Tag), compareBools(d.Repeated, o.Repeated))
}

// AddDoubt takes in a doubtful observation that was received now.
func (l *Ledger) AddDoubt(d Doubt) {
	d.Until, d.Probe = min(d.Until, d.Received.Add(doubtMemory)), min(d.Probe, d.Received.Add(doubtMemory))
	l.Doubts = append(l.Doubts, d)
	l.tidyDoubts()
}

// tidyDoubts puts them in order and drops what is dead or too much: the oldest, so that it does not matter which others were
// withdrawn by then.
func (l *Ledger) tidyDoubts() {
	if len(l.Doubts) == 0 {
		return
	}
	l.Doubts = slices.DeleteFunc(l.Doubts, func(d Doubt) bool { return l.dead(&d.Observation) })
	slices.SortFunc(l.Doubts, func(a, b Doubt) int { return a.compare(&b) })
	kept := l.Doubts[:0]
	for _, d := range l.Doubts {
		if last := len(kept) - 1; last >= 0 && kept[last].compare(&d) == 0 {
			kept[last].Withdrawn = kept[last].Withdrawn || d.Withdrawn
			continue
		}
		kept = append(kept, d)
	}
	clear(l.Doubts[len(kept):])
	l.Doubts = kept
	l.boundDoubts()
}

// boundDoubts drops the oldest of those that count towards a Repeat where there are many, and of the others: many failures at one
// time count once, and must not push out what counts of earlier ones.
func (l *Ledger) boundDoubts() {
	repeated := 0
	for i := range l.Doubts {
		if l.Doubts[i].Repeated {
			repeated++
		}
	}
	excess := map[bool]int{true: repeated - maxDoubts, false: len(l.Doubts) - repeated - maxDoubts}
	if excess[true] <= 0 && excess[false] <= 0 {
		return
	}
	l.Doubts = slices.DeleteFunc(l.Doubts, func(d Doubt) bool {
		excess[d.Repeated]--
		return excess[d.Repeated] >= 0
	})
}

// certainAt is from when on nobody can be told any more that the request was to blame.
func (d *Doubt) certainAt() Instant { return d.Received.Add(DoubtSpan) }

// seconded: another request failed alike.
func (l *Ledger) seconded(d *Doubt) bool {
	return slices.ContainsFunc(l.Doubts, func(o Doubt) bool { return !o.Withdrawn && o.Tag != d.Tag && o.Reason == d.Reason })
}

// Doubtful reports whether anything doubtful is in force.
func (l *Ledger) Doubtful(now Instant) bool {
	return slices.ContainsFunc(l.Doubts, func(d Doubt) bool {
		until, _ := l.doubtEnds(&d)
		return until > now
	})
}

// Seconded reports whether what several requests met is in force.
func (l *Ledger) Seconded(now Instant) bool {
	return slices.ContainsFunc(l.Doubts, func(d Doubt) bool { return !d.Withdrawn && d.Until > now && l.seconded(&d) })
}

// doubtEnds is until when a doubtful observation keeps the auth out, and from when on it may be probed; 0: it does not any more.
func (l *Ledger) doubtEnds(d *Doubt) (until, probe Instant) {
	switch end := d.certainAt(); {
	case d.Withdrawn:
		return 0, 0
	case l.seconded(d):
		return d.Until, d.Probe
	default:
		return min(d.Until, end), min(d.Probe, end)
	}
}

// climbs reports whether a doubtful observation counts as a step of the ladder of another one: it is seconded, or that one
// seconds it.
func (l *Ledger) climbs(d *Doubt, e *Observation, tag Tag) bool {
	return d.alike(e) && !d.Withdrawn && (l.seconded(d) || tag != 0 && tag != d.Tag && d.Reason == e.Reason)
}

// Repeats reports whether a failure counts that began at a time: only after the last one for its reason was known.
func (l *Ledger) Repeats(reason string, started Instant) bool {
	return !slices.ContainsFunc(l.Failures, func(s Failure) bool { return s.Reason == reason && started <= s.At }) &&
		!slices.ContainsFunc(l.Doubts, func(d Doubt) bool {
			return d.Repeated && !d.Withdrawn && d.Reason == reason && started <= d.Received
		})
}
