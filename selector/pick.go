package selector

import (
	"errors"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/modelglob"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// pickAdvance is how many ends a pick works off itself. More are left to Advance, unless nobody else is ready.
const pickAdvance = 64

// pickCounted is how many members a refused pick looks at before others get the lock. It is as many again, and a little more, each
// time that it gets the lock back, so that it comes to an end whatever changes meanwhile.
const pickCounted = 1024

// errAgain: the pick is to be made anew, and gets further then.
var errAgain = errors.New("not all members were looked at yet")

// query is one pick on its way.
type query struct {
	pool     *Pool
	req      *Request
	now      cooldown.Instant
	key      routeKey
	provider *provider
	view     *modelView
	route    *route
	excluded []*member
	pinned   binding // with a member: it must serve
	limit    int     // of members that a refusal looks at
	answer   Pick    // once somebody is found
}

// Pick chooses an auth. Its errors are ErrAuthNotFound, *PinnedError, *CooldownError and *UnavailableError.
func (p *Pool) Pick(req *Request, now time.Time) (Pick, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return pickLocked(p, req, now)
}

// pickLocked is Pool.Pick for who holds the lock. It lets others have it now and then.
func pickLocked(p *Pool, req *Request, now time.Time) (Pick, error) {
	for limit := pickCounted; ; limit += limit / 64 {
		q := query{pool: p, req: req, now: cooldown.InstantOf(now), limit: limit}
		if err := q.pick(now); !errors.Is(err, errAgain) {
			return q.answer, err
		}
		letPass(&p.mu)
	}
}

// pick is Pool.Pick as far as it gets under one hold of the lock. The error may be errAgain.
func (q *query) pick(now time.Time) error {
	found, err := pickReady(q, now)
	if !found && err == nil {
		err = q.refusal()
	}
	return err
}

// pickReady picks, unless nobody is ready. An error is one that needs nobody to be counted.
func pickReady(q *query, now time.Time) (found bool, err error) {
	p := q.pool
	p.runtime.advance(q.now, pickAdvance)
	part := p.runtime.index.part(q.req.Allow)
	if part == nil {
		return false, ErrAuthNotFound // nobody said what the list admits
	}
	if q.provider = part.provider(q.req.Provider); q.provider == nil {
		return false, part.missing
	}
	q.find()
	q.exclude()
	if err := q.pin(now); err != nil {
		return false, err
	}
	for {
		p.scratch = p.scratch[:0]
		if q.pinned.member != nil || q.anyReady() {
			if q.decide(now) {
				return true, nil
			}
		}
		if next := p.runtime.timers.Next(); next == nil || !next.Over(int64(q.now)) {
			if m := secondOpinion(q); m != nil {
				lend(q, m)
				return true, nil
			}
			return false, nil
		}
		p.runtime.advance(q.now, pickAdvance)
	}
}

// find looks up the route of the request, or makes one that is kept only if the pick succeeds.
func (q *query) find() {
	p := q.pool
	q.key = routeKey{q.req.Provider, ModelKey(q.req.Model)}
	if q.provider.scope == scopeOne {
		q.key.provider = q.provider.name
	}
	q.route = p.routes.of(q.req.Allow)[q.key]
	if q.route == nil {
		q.route = p.routes.begin(q.req.Allow, q.key)
	}
	if q.route.view == nil || q.route.view.provider != q.provider {
		q.route.view = q.provider.view(q.key.model)
		q.route.strategy = p.strategyFor(q.key)
		q.route.saveOrders()
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

// hidden is what is hidden from the requested model key in ordered members; nil: nothing.
func (q *query) hidden(l *orderedMembers) *readyset.Hidden {
	rt := &q.pool.runtime
	if q.key.model == "" || len(rt.blocked) == 0 && len(rt.families) == 0 {
		return nil
	}
	h := l.Hidden(q.key.model)
	if h == nil {
		blocks := rt.blocksFor(q.key.model)
		if blocks == nil {
			return nil
		}
		h = l.hide(q.key.model, blocks)
	}
	if h.Blocks() == 0 {
		return nil
	}
	return h
}

// list is the list of all ready candidates in ordered members, less those that the request excludes. Exclusions of the lists of one
// pick live side by side, each in the next piece of the scratch.
func (q *query) list(l *orderedMembers) readyset.List {
	h, start := q.hidden(l), len(q.pool.scratch)
	if len(q.excluded) == 0 {
		return l.List(h, nil)
	}
	for _, m := range q.excluded {
		if position := l.position(m); position >= 0 {
			q.pool.scratch = append(q.pool.scratch, int32(position)) //nolint:gosec // a pool has fewer auths
		}
	}
	return l.List(h, q.pool.scratch[start:])
}

func (q *query) anyReady() bool {
	l := q.view.plain()
	if len(q.excluded) == 0 {
		return l.View(q.hidden(l)).Len() > 0
	}
	list := q.list(l)
	return list.Len() > 0
}

// decide picks for a request that has a ready candidate: the binding first, then the strategy. False: the strategy can
// take none of them.
func (q *query) decide(now time.Time) bool {
	bound, outcome := q.bound(now)
	if bound.member != nil {
		q.stay(bound, outcome, now)
		return true
	}
	c, ok := q.chooseValid()
	if !ok {
		return false
	}
	q.answerWith(c.member, outcome)
	if bound.from != nil {
		q.answer.From = bound.from.name
	}
	if q.req.Options&Explain != 0 {
		q.answer.Explanation = q.explain(&c, bound.state)
	}
	if q.req.Options&DryRun != 0 {
		return true
	}
	c.advance()
	q.count(c.member)
	switch outcome {
	case BindingNew:
		q.answer.BoundUntil = q.bind(c.member.state.slot, now)
	case BindingRebound:
		q.answer.BoundUntil = q.rebind(c.member.state.slot, now)
	case BindingDiverted:
		return true
	}
	q.bindMarks(c.member.state, now)
	return true
}

// stay answers with the auth that the session is bound to.
func (q *query) stay(b binding, outcome Binding, now time.Time) {
	q.answerWith(b.member, outcome)
	if b.from != nil {
		q.answer.From = b.from.name
	}
	if q.req.Options&Explain != 0 {
		q.answer.Explanation = q.explain(&choice{member: b.member}, b.state)
	}
	if q.req.Options&DryRun != 0 {
		return
	}
	q.count(b.member)
	if outcome == BindingDiverted {
		return
	}
	q.answer.BoundUntil = q.prolong(b, outcome, now)
	q.bindMarks(b.state, now)
}

// answerWith makes a member the answer.
func (q *query) answerWith(m *member, outcome Binding) {
	a := &q.answer
	a.Auth, a.Model, a.Binding, a.Identity = m.auth, q.req.Model, outcome, m.name
	if m.prefixed {
		a.Model = modelglob.WithoutPrefix(m.prefix, strings.TrimSpace(a.Model))
	}
}

func (q *query) count(m *member) {
	q.pool.routes.used(q.route)
	m.picks++
	m.lastPicked = q.now
	if m.halfOpen {
		q.probe(m)
	}
}

// probe makes the pick the one request that may probe what is half-open of its auth.
func (q *query) probe(m *member) {
	p := q.pool
	key := m.blockKey(q.key.model)
	m.subjects(func(s *subject) {
		s.each(key, func(set *blockSet) {
			if set.halfOpen && !set.active {
				set.probeUntil, set.probeStarted = q.now.Add(p.settings.probeTimeout()), q.now
				p.runtime.refreshSet(set, q.now)
			}
		})
	})
}
