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
	var list []Candidate
	for _, m := range q.provider.members {
		s := q.eligibility(m)
		if m == selected {
			s = eligibility{reason: ReasonSelected}
		} else {
			s.reason = refine(m, s.reason)
		}
		e.Counts[s.reason]++
		list = addCandidate(list, &Candidate{
			Auth: m.auth, Priority: m.priority, Reason: s.reason, Until: timeOf(s.until),
			Bound: bound != nil && m.state == bound, Detail: s.detail,
		})
	}
	e.Candidates = firstCandidates(list)
	return e
}

// tiering tells the ready candidates that the strategy looked at from those below or beside them. A pick that kept its
// session on an auth looked at no list.
func (q *query) tiering(c *choice) func(*member, Reason) Reason {
	kind := q.strategyOrder()
	l := q.view.ordered(kind)
	list := q.list(l)
	if list.Len() == 0 {
		return func(_ *member, r Reason) Reason { return r }
	}
	t := list.Best()
	best := l.Tiers[t].Priority
	preferred := false
	if c != nil && c.route != nil && q.req.wantsWebSocket() {
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

// addCandidate keeps the MaxExplained candidates that come first in the order of Explanation.Candidates, and some that came
// since those were last found: list[:MaxExplained] is in order. So a candidate costs the same in whichever order they come.
func addCandidate(list []Candidate, c *Candidate) []Candidate {
	if len(list) >= MaxExplained && compareCandidates(c, &list[MaxExplained-1]) >= 0 {
		return list
	}
	list = append(list, *c)
	if len(list) == MaxExplained || len(list) == 2*MaxExplained {
		return firstCandidates(list)
	}
	return list
}

// firstCandidates sorts, and drops what is too much.
func firstCandidates(list []Candidate) []Candidate {
	slices.SortFunc(list, func(a, b Candidate) int { return compareCandidates(&a, &b) })
	if len(list) > MaxExplained {
		clear(list[MaxExplained:])
		list = list[:MaxExplained]
	}
	return list
}

func compareCandidates(a, b *Candidate) int {
	rank := func(c *Candidate) int {
		switch {
		case c.Reason == ReasonSelected:
			return 0
		case c.Bound:
			return 1
		}
		return 2
	}
	if order := cmp.Or(cmp.Compare(rank(a), rank(b)), -cmp.Compare(a.Reason, b.Reason), -cmp.Compare(a.Priority, b.Priority)); order != 0 {
		return order
	}
	return cmp.Compare(a.Auth.ID, b.Auth.ID)
}

// timeOf is the time of an end that comes by itself.
func timeOf(i cooldown.Instant) time.Time {
	if i == 0 || i == cooldown.Never {
		return time.Time{}
	}
	return i.Time()
}
