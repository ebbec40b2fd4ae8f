package selector

import (
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// pickAdvance is how many ends a pick works off itself. More are left to Advance, unless nobody else is ready.
const pickAdvance = 64

// query is one pick on its way.
type query struct {
	pool     *Pool
	req      *Request
	now      cooldown.Instant
	key      routeKey
	provider *provider
	view     *view
	route    *route
	excluded []*member
	pinned   binding // with a member: it must serve
}

// Pick chooses an auth. Its errors are ErrAuthNotFound, *PinnedError, *CooldownError and *UnavailableError.
func (p *Pool) Pick(req *Request, now time.Time) (Pick, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := query{pool: p, req: req, now: cooldown.InstantOf(now)}
	p.runtime.advance(q.now, pickAdvance)
	q.provider = p.runtime.index.provider(req.Provider)
	if q.provider == nil {
		return Pick{}, ErrAuthNotFound
	}
	q.find()
	q.exclude()
	if err := q.pin(now); err != nil {
		return Pick{}, err
	}
	for {
		p.scratch = p.scratch[:0]
		if q.anyReady() {
			if pick, ok := q.decide(now); ok {
				return pick, nil
			}
		}
		if next := p.runtime.timers.next(); next == nil || !next.over(q.now) {
			return Pick{}, q.refusal()
		}
		p.runtime.advance(q.now, pickAdvance)
	}
}

// find looks up the route of the request, or makes one that is kept only if the pick succeeds.
func (q *query) find() {
	p := q.pool
	q.key = routeKey{q.req.Provider, ModelKey(q.req.Model)}
	q.route = p.routes.byKey[q.key]
	if q.route == nil {
		q.route = &route{key: q.key, strategy: p.settings.strategyFor(q.key.provider, q.key.model)}
	}
	if q.route.index != p.runtime.index || q.route.view.provider == nil {
		q.route.index, q.route.view = p.runtime.index, q.provider.view(q.key.model)
		q.route.saveWeights()
	}
	q.view = q.route.view
	p.uses++
	q.view.used = p.uses
}

// exclude finds the auths that the request excludes.
func (q *query) exclude() {
	if len(q.req.Exclude) == 0 {
		return
	}
	q.excluded = q.pool.excluded[:0]
	for _, id := range q.req.Exclude {
		if m := q.pool.runtime.index.byID[id]; m != nil && !q.excludes(m) {
			m.excludedBy = q.pool.uses
			q.excluded = append(q.excluded, m)
		}
	}
	q.pool.excluded = q.excluded
}

func (q *query) excludes(m *member) bool { return m.excludedBy == q.pool.uses }

// mask of a lane for the requested model key; nil: no auth of it rests for that model only.
func (q *query) mask(l *lane) *mask {
	if q.key.model == "" || len(q.pool.runtime.blocked) == 0 && len(q.pool.runtime.families) == 0 {
		return nil
	}
	k := l.masks[q.key.model]
	if k == nil {
		resting := q.pool.runtime.resting(q.key.model)
		if resting == nil {
			return nil
		}
		k = l.newMask(q.key.model, resting)
	}
	if k.blocked == 0 {
		return nil
	}
	return k
}

func (q *query) anyReady() bool {
	list := q.present(q.view.plain())
	return list.length > 0
}

// decide picks for a request that has a ready candidate: the binding first, then the strategy. False: the strategy can
// take none of them.
func (q *query) decide(now time.Time) (Pick, bool) {
	bound, outcome := q.bound(now)
	if bound.member != nil {
		return q.keep(bound, outcome, now), true
	}
	c, ok := q.chooseValid()
	if !ok {
		return Pick{}, false
	}
	pick := q.answer(c.member, outcome)
	if bound.from != nil {
		pick.From = bound.from.name
	}
	if q.req.Options&Explain != 0 {
		pick.Explanation = q.explain(&c, bound.state)
	}
	if q.req.Options&DryRun != 0 {
		return pick, true
	}
	c.take()
	q.count(c.member)
	switch outcome {
	case BindingNew:
		pick.BoundUntil = q.bind(c.member.state.slot, now)
	case BindingRebound:
		pick.BoundUntil = q.rebind(c.member.state.slot, now)
	case BindingDiverted:
		return pick, true
	}
	q.mark(c.member.state.slot, now)
	return pick, true
}

// keep answers with the auth that the session is bound to.
func (q *query) keep(b binding, outcome Binding, now time.Time) Pick {
	pick := q.answer(b.member, outcome)
	if b.from != nil {
		pick.From = b.from.name
	}
	if q.req.Options&Explain != 0 {
		pick.Explanation = q.explain(&choice{member: b.member}, b.state)
	}
	if q.req.Options&DryRun != 0 {
		return pick
	}
	q.count(b.member)
	pick.BoundUntil = q.hold(b, outcome, now)
	q.mark(b.state.slot, now)
	return pick
}

func (q *query) answer(m *member, outcome Binding) Pick {
	model := q.req.Model
	if m.prefix != "" {
		model = withoutPrefix(m.prefix, strings.TrimSpace(model))
	}
	return Pick{Auth: m.auth, Model: model, Binding: outcome, Identity: m.state.name}
}

func (q *query) count(m *member) {
	q.pool.routes.keep(q.route)
	m.picks++
	m.lastPicked = q.now
	if m.trial {
		q.try(m)
	}
}

// try makes the pick the one request that may try what is half-open of its auth.
func (q *query) try(m *member) {
	p := q.pool
	key := m.blockKey(q.key.model)
	m.subjects(func(s *subject) {
		s.each(key, func(set *blockSet) {
			if set.halfOpen && !set.active {
				set.trial = trial{until: q.now.Add(p.settings.probeTimeout()), started: q.now}
				p.runtime.refreshSet(set, q.now)
			}
		})
	})
}
