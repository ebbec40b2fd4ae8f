package selector

import "time"

// standing is why a member is or is not a ready candidate.
type standing struct {
	reason Reason // ReasonReady if it is
	until  int64  // when that ends; never, or 0 where nothing has to end
	detail string
}

// standing classifies a member for a requested model key that it serves.
func (m *member) standing(key string, now int64) standing {
	switch {
	case m.disabled():
		return standing{ReasonDisabled, never, m.whyDisabled()}
	case m.refused():
		return standing{ReasonInvalidated, never, m.state.whole.kinds[Authentication].reason}
	case m.tokenOver(now):
		return standing{ReasonTokenExpired, never, "the access token is over"}
	}
	kind, b, ofModel := m.state.applying(m.blockKey(key), now)
	switch {
	case b == nil:
		return standing{reason: ReasonReady}
	case kind != Quota || b.until == never:
		return standing{ReasonBlocked, b.until, b.reason}
	case ofModel:
		return standing{ReasonCoolingModel, b.until, b.reason}
	default:
		return standing{ReasonCoolingAuth, b.until, b.reason}
	}
}

func (m *member) whyDisabled() string {
	if m.auth.Disabled {
		return "disabled in " + m.auth.Source
	}
	return m.state.why
}

// refused: the upstream refused the secret, and it has not changed since.
func (m *member) refused() bool { return m.state.whole.kinds[Authentication].until == never }

func (m *member) tokenOver(now int64) bool {
	return !m.auth.ExpiresAt.IsZero() && nanosOf(m.auth.ExpiresAt) <= now
}

// outlook is what a pick without a ready candidate finds, kept until something changes.
type outlook struct {
	version    uint64 // of the provider, when this was found; 0: never
	strategy   Strategy
	counts     Counts
	candidates int
	cooling    int
	earliest   int64 // end among the candidates' blocks; never: none ends
}

func (o *outlook) add(s standing) {
	o.counts[s.reason]++
	if s.reason == ReasonExcluded || s.until == never {
		return // no candidate
	}
	o.candidates++
	if s.reason == ReasonCoolingAuth || s.reason == ReasonCoolingModel {
		o.cooling++
	}
	if s.until != 0 {
		o.earliest = min(o.earliest, s.until)
	}
}

// outlook finds or recalls what there is instead of a ready candidate.
func (q *query) outlook() outlook {
	memory, version := &q.view.outlook, q.provider.version
	if k := q.mask(q.view.plain()); k != nil {
		memory = &k.outlook
	}
	if len(q.excluded) == 0 && memory.version == version && memory.strategy == q.route.strategy {
		return *memory
	}
	found := outlook{version: version, strategy: q.route.strategy, earliest: never}
	for _, m := range q.provider.members {
		found.add(q.standing(m))
	}
	if len(q.excluded) == 0 {
		*memory = found
	}
	return found
}

// standing of a member in this pick.
func (q *query) standing(m *member) standing {
	if q.excludes(m) {
		return standing{reason: ReasonExcluded, until: never}
	}
	s := m.standing(q.key.model, q.now)
	if s.reason > ReasonModelNotServed && !q.view.serves(m) {
		return standing{reason: ReasonModelNotServed, until: never}
	}
	if s.reason == ReasonReady && m.weight == 0 && q.route.strategy == WeightedRoundRobin {
		s.reason = ReasonZeroWeight
	}
	return s
}

// refusal is the error of a pick that nobody is ready for.
func (q *query) refusal() error {
	found := q.outlook()
	var explanation *Explanation
	if q.req.Options&Explain != 0 {
		explanation = q.explain(nil, nil)
	}
	wait := time.Duration(0)
	if found.earliest != never {
		wait = time.Duration(max(found.earliest-q.now, 0))
	}
	if found.candidates > 0 && found.cooling == found.candidates {
		return &CooldownError{q.req.Model, q.req.Provider, wait, found.counts, explanation}
	}
	return &UnavailableError{q.req.Model, q.req.Provider, wait, found.counts, explanation}
}
