package selector

import (
	"cmp"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// explain says why, before anything is done about it. Without a choice the pick failed.
func (q *query) explain(c *choice, bound *identity) *Explanation {
	e := &Explanation{Strategy: q.route.strategy}
	var selected *member
	if c != nil {
		e.Position, selected = c.position, c.member
	}
	refine := q.tiering(c)
	var list shortlist
	for _, m := range q.provider.members {
		s := q.standing(m)
		if m == selected {
			s = standing{reason: ReasonSelected}
		} else {
			s.reason = refine(m, s.reason)
		}
		e.Counts[s.reason]++
		list.add(&Candidate{
			Auth: m.auth, Priority: m.priority, Reason: s.reason, Until: timeOf(s.until),
			Bound: bound != nil && m.state == bound, Detail: s.detail,
		})
	}
	e.Candidates = list.cut()
	return e
}

// tiering tells the ready candidates that the strategy looked at from those below or beside them. A pick that kept its
// session on an auth looked at no list.
func (q *query) tiering(c *choice) func(*member, Reason) Reason {
	kind := q.strategyLane()
	l := q.view.lane(kind)
	list := q.list(l)
	if list.Len() == 0 {
		return func(_ *member, r Reason) Reason { return r }
	}
	_, t := list.Best()
	best := l.Tiers[t].Priority
	preferred := false
	if c != nil && c.route != nil && q.wantsWebSocket() {
		_, _, preferred = q.preferred(kind, best)
	}
	return func(m *member, r Reason) Reason {
		switch {
		case r != ReasonReady && r != ReasonZeroWeight:
			return r
		case m.priority < best:
			return ReasonLowerPriority
		case preferred && !m.webSocks && m.priority == best:
			return ReasonNotPreferredTransport
		}
		return r
	}
}

// shortlist keeps the MaxExplained candidates that come first in the order of Explanation.Candidates. It sorts now and
// then, so that a candidate costs the same in whichever order they come.
type shortlist struct {
	candidates []Candidate
	last       Candidate // of a full list
	full       bool
}

func (l *shortlist) add(c *Candidate) {
	if l.full && compareCandidates(c, &l.last) >= 0 {
		return
	}
	l.candidates = append(l.candidates, *c)
	if len(l.candidates) == 2*MaxExplained {
		l.cut()
	}
}

// cut sorts, and drops what is too much.
func (l *shortlist) cut() []Candidate {
	slices.SortFunc(l.candidates, func(a, b Candidate) int { return compareCandidates(&a, &b) })
	if len(l.candidates) >= MaxExplained {
		clear(l.candidates[MaxExplained:])
		l.candidates = l.candidates[:MaxExplained]
		l.full, l.last = true, l.candidates[MaxExplained-1]
	}
	return l.candidates
}

func compareCandidates(a, b *Candidate) int {
	return cmp.Or(
		-compareBools(a.Reason == ReasonSelected, b.Reason == ReasonSelected),
		-compareBools(a.Bound, b.Bound),
		-cmp.Compare(a.Reason, b.Reason),
		-cmp.Compare(a.Priority, b.Priority),
		cmp.Compare(a.Auth.ID, b.Auth.ID),
	)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// timeOf is the time of an end that comes by itself.
func timeOf(i cooldown.Instant) time.Time {
	if i == 0 || i == cooldown.Never {
		return time.Time{}
	}
	return i.Time()
}
