package cooldown

import (
	"cmp"
	"slices"
)

// maxWithdrawn bounds the tags of a record.
const maxWithdrawn = 32

// Withdrawn are the tags of requests whose doubtful failures were taken back, mostly since they turned out to be to blame themselves.
// The set only grows; where there are too many tags the oldest go, and with them all doubtful observations that were made until a DoubtSpan later. So no bound
// brings one back to life that still holds, whatever the order in which replicas hear of tags and observations.
type Withdrawn struct {
	// Until is when the last of the tags was withdrawn that are not kept.
	Until Instant `json:"until,omitempty"`
	// Tags, the oldest first.
	Tags []WithdrawnTag `json:"tags,omitempty"`
}

// WithdrawnTag is one of them, and when it was withdrawn.
type WithdrawnTag struct {
	At  Instant `json:"at"`
	Tag Tag     `json:"tag"`
}

func (t WithdrawnTag) compare(o WithdrawnTag) int {
	return cmp.Or(cmp.Compare(t.At, o.At), cmp.Compare(t.Tag, o.Tag))
}

// Add withdraws a tag at a time.
func (w *Withdrawn) Add(tag Tag, at Instant) {
	w.Merge(&Withdrawn{Tags: []WithdrawnTag{{At: at, Tag: tag}}})
}

// Merge takes in what another replica knows.
func (w *Withdrawn) Merge(o *Withdrawn) {
	if len(o.Tags) == 0 && o.Until <= w.Until {
		return
	}
	w.Until = max(w.Until, o.Until)
	w.Tags = append(slices.Clone(w.Tags), o.Tags...) // records share what they do not change
	slices.SortFunc(w.Tags, WithdrawnTag.compare)
	w.Tags = slices.Compact(w.Tags)
	if excess := len(w.Tags) - maxWithdrawn; excess > 0 {
		w.Until = max(w.Until, w.Tags[excess-1].At)
	}
	w.forget(w.Until)
}

// forget drops the tags that were withdrawn until a time.
func (w *Withdrawn) forget(until Instant) {
	over := func(t WithdrawnTag) bool { return t.At <= until }
	if slices.ContainsFunc(w.Tags, over) {
		w.Tags = slices.DeleteFunc(slices.Clone(w.Tags), over) // records share them
	}
}

// Has reports whether a tag is withdrawn.
func (w *Withdrawn) Has(tag Tag) bool {
	return slices.ContainsFunc(w.Tags, func(t WithdrawnTag) bool { return t.Tag == tag })
}

// IsZero reports whether nothing was ever withdrawn.
func (w *Withdrawn) IsZero() bool { return w.Until == 0 && len(w.Tags) == 0 }

// Apply marks what is withdrawn of a ledger.
func (w *Withdrawn) Apply(l *Ledger) {
	for i := range l.Doubts {
		d := &l.Doubts[i]
		d.Withdrawn = w.Until > 0 && d.Received <= w.Until.Add(DoubtSpan) || w.Has(d.Tag)
	}
}

// End is when nothing is left anywhere of what was withdrawn; 0: nothing was.
func (w *Withdrawn) End() Instant {
	last := w.Until
	if n := len(w.Tags); n > 0 {
		last = max(last, w.Tags[n-1].At)
	}
	if last == 0 {
		return 0
	}
	return last.Add(memory)
}

// prune forgets what was withdrawn so long ago that nothing is left of it anywhere.
func (w *Withdrawn) prune(now Instant) {
	if w.forget(now.Add(-memory)); w.Until <= now.Add(-memory) {
		w.Until = 0
	}
}

// knowsMore: a tag is withdrawn that matters at a time and that o has not heard of.
func (w *Withdrawn) knowsMore(o *Withdrawn, now Instant) bool {
	since := max(o.Until, now.Add(-memory))
	return w.Until > since ||
		slices.ContainsFunc(w.Tags, func(t WithdrawnTag) bool { return t.At > since && !slices.Contains(o.Tags, t) })
}
