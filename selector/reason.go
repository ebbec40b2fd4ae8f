package selector

import (
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// standing is why a member is or is not a ready candidate.
type standing struct {
	reason Reason           // ReasonReady if it is
	until  cooldown.Instant // when that ends; never, or 0 where nothing has to end
	detail string
	quota  bool // it is out for a quota
}

// standing classifies a member for a requested model key that it serves.
func (m *member) standing(key string, now cooldown.Instant) standing {
	if m.disabled() {
		return standing{reason: ReasonDisabled, until: cooldown.Never, detail: m.whyDisabled()}
	}
	if e := m.refusal(now); e != nil && e.Until == cooldown.Never {
		return standing{reason: ReasonInvalidated, until: cooldown.Never, detail: e.Message()}
	}
	if m.tokenOver(now) {
		return standing{reason: ReasonTokenExpired, until: cooldown.Never, detail: "the access token is over"}
	}
	h := m.hold(m.blockKey(key), now)
	if h.set == nil {
		return standing{reason: ReasonReady}
	}
	s := standing{reason: ReasonBlocked, until: h.Probe, detail: h.Deciding.Message(), quota: h.Kind == cooldown.Quota}
	switch {
	case h.Probe <= now:
		s.reason, s.until = ReasonHalfOpen, 0
		if h.set.trial.until > now {
			s.until = min(h.set.trial.until, h.Until)
		}
	case !s.quota || h.Probe == cooldown.Never:
	case h.set.owner != &m.state.subject:
		s.reason = ReasonCoolingDomain
	case h.set.scope.model != "":
		s.reason = ReasonCoolingModel
	default:
		s.reason = ReasonCoolingAuth
	}
	return s
}

// hold is what keeps a member away; without a set nothing does.
type hold struct {
	cooldown.Span
	set *blockSet
}

// hold finds what decides for a model key, in the order of rest: of a member's domains, then of its identity.
func (m *member) hold(key string, now cooldown.Instant) (best hold) {
	consider := func(set *blockSet, r cooldown.Span) {
		if r.Deciding == nil || r.Probe <= now && set.trial.until <= now && set.mayTry(now) {
			return
		}
		equal := best.set != nil && !r.Outlasts(best.Span, now) && !best.Outlasts(r, now)
		if r.Outlasts(best.Span, now) || equal && r.Kind == cooldown.Quota && best.Kind != cooldown.Quota {
			best = hold{r, set}
		}
	}
	m.subjects(func(s *subject) {
		s.each(key, func(set *blockSet) { consider(set, set.rest(now)) })
	})
	if e := m.refusal(now); e != nil {
		consider(&m.state.whole, cooldown.Span{Kind: cooldown.Authentication, Probe: e.Probe, Until: e.Until, Deciding: e})
	}
	return best
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

// standing of a member in this pick.
func (q *query) standing(m *member) standing {
	if q.excludes(m) {
		return standing{reason: ReasonExcluded, until: cooldown.Never}
	}
	s := q.view.standing(m, q.key.model, q.now)
	if s.reason == ReasonReady && m.weight == 0 && q.route.strategy == WeightedRoundRobin {
		s.reason = ReasonZeroWeight
	}
	return s
}

// standing classifies a member of the view's provider, whether the view serves it or not.
func (v *view) standing(m *member, key string, now cooldown.Instant) standing {
	s := m.standing(key, now)
	if s.reason > ReasonModelNotServed && !v.serves(m) {
		return standing{reason: ReasonModelNotServed, until: cooldown.Never}
	}
	return s
}

// refusal is the error of a pick that nobody is ready for.
func (q *query) refusal() error {
	found := q.exhaustion()
	var explanation *Explanation
	if q.req.Options&Explain != 0 {
		explanation = q.explain(nil, nil)
	}
	wait := time.Duration(0)
	if found.earliest != cooldown.Never {
		wait = time.Duration(max(found.earliest-q.now, 0))
	}
	if found.candidates > 0 && found.cooling == found.candidates {
		return &CooldownError{q.req.Model, q.req.Provider, wait, found.counts, explanation}
	}
	return &UnavailableError{q.req.Model, q.req.Provider, wait, found.counts, explanation}
}
