package selector

import (
	"github.com/credbroker/credbroker/selector/cooldown"
)

// eligibility is why a member is or is not a ready candidate.
type eligibility struct {
	reason Reason           // ReasonReady if it is
	until  cooldown.Instant // when that ends; never, or 0 where nothing has to end
	detail string
	quota  bool // it is out for a quota
}

// eligibility classifies a member for a requested model key that it serves.
func (m *member) eligibility(key string, now cooldown.Instant) eligibility {
	if m.disabled() {
		return eligibility{reason: ReasonDisabled, until: cooldown.Never, detail: m.whyDisabled()}
	}
	if e := m.refusal(now); e != nil && e.Until == cooldown.Never {
		return eligibility{reason: ReasonInvalidated, until: cooldown.Never, detail: e.Message()}
	}
	if m.tokenOver(now) {
		return eligibility{reason: ReasonTokenExpired, until: cooldown.Never, detail: "the access token is over"}
	}
	if m.nothingKnown() {
		return eligibility{reason: ReasonReady}
	}
	set, span := m.blocking(m.blockKey(key), now)
	if set == nil {
		return eligibility{reason: ReasonReady}
	}
	s := eligibility{reason: ReasonBlocked, until: span.Probe, detail: span.Deciding.Message(), quota: span.Kind == cooldown.Quota}
	switch {
	case span.Probe <= now:
		s.reason, s.until = ReasonHalfOpen, 0
		if set.probeUntil > now {
			s.until = min(set.probeUntil, span.Until)
		}
	case !s.quota || span.Probe == cooldown.Never:
	case set.owner != &m.state.subject:
		s.reason = ReasonCoolingDomain
	case set.scope.model != "":
		s.reason = ReasonCoolingModel
	default:
		s.reason = ReasonCoolingAuth
	}
	return s
}

// blocking finds the blocks that decide for a model key, and their span, in the order of cooldown.Span: of a member's domains,
// then of its identity. Without a set nothing keeps the member away.
func (m *member) blocking(key string, now cooldown.Instant) (set *blockSet, span cooldown.Span) {
	consider := func(other *blockSet, r cooldown.Span) {
		if r.Deciding == nil || r.Probe <= now && other.probeUntil <= now && other.mayProbe(now) {
			return
		}
		longer := r.Outlasts(span, now)
		equal := set != nil && !longer && !span.Outlasts(r, now)
		if longer || equal && r.Kind == cooldown.Quota && span.Kind != cooldown.Quota {
			set, span = other, r
		}
	}
	m.subjects(func(s *subject) {
		s.each(key, func(set *blockSet) { consider(set, set.span(now)) })
	})
	if e := m.refusal(now); e != nil {
		consider(&m.state.whole, cooldown.Span{Kind: cooldown.Authentication, Probe: e.Probe, Until: e.Until, Deciding: e})
	}
	return set, span
}

func (m *member) whyDisabled() string {
	if m.auth.Disabled {
		return "disabled in " + m.auth.Source
	}
	return m.state.change.Why
}

func (m *member) tokenOver(now cooldown.Instant) bool {
	return !m.auth.ExpiresAt.IsZero() && cooldown.InstantOf(m.auth.ExpiresAt) <= now
}

// eligibility of a member in this pick.
func (q *query) eligibility(m *member) eligibility {
	if q.excludes(m) {
		return eligibility{reason: ReasonExcluded, until: cooldown.Never}
	}
	s := q.view.eligibility(m, q.key.model, q.now)
	if s.reason == ReasonReady && q.neverTakes(m) {
		s.reason = ReasonZeroWeight
	}
	return s
}

// eligibility classifies a member of the view's provider, whether the view serves it or not.
func (v *modelView) eligibility(m *member, key string, now cooldown.Instant) eligibility {
	s := m.eligibility(key, now)
	if s.reason > ReasonModelNotServed && !v.serves(m) {
		return eligibility{reason: ReasonModelNotServed, until: cooldown.Never}
	}
	return s
}

// refusal is the error of a pick that nobody is ready for; errAgain: it has not looked at all members yet.
func (q *query) refusal() error {
	c, key, done := q.census()
	if !done {
		return errAgain
	}
	counts, wait, cooling := q.exhaustion(c, key)
	var explanation *Explanation
	if q.req.Options&Explain != 0 {
		explanation = q.explain(nil, nil)
	}
	if cooling {
		return &CooldownError{q.req.Model, q.req.Provider, wait, counts, explanation}
	}
	return &UnavailableError{q.req.Model, q.req.Provider, wait, counts, explanation}
}
