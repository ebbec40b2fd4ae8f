package selector

import "time"

// binding is what a session of the request is bound to.
type binding struct {
	key    SessionKey
	state  *identity // nil: to nothing that is known
	member *member   // nil: it cannot be used
}

// bound looks for the auth that the request's session must stay with. Without one, the outcome is what the strategy's
// choice will mean for the session.
func (q *query) bound(now time.Time) (binding, Binding) {
	sessions := q.req.Sessions
	if q.pool.bindings == nil || len(sessions) == 0 {
		return binding{}, BindingNone
	}
	if b, ok := q.lookup(sessions[0].Key, now); ok {
		m, diverted := q.usable(b.state)
		switch {
		case m != nil:
			b.member = m
			return b, BindingHit
		case diverted:
			return b, BindingDiverted
		}
		return b, BindingRebound
	}
	for _, fallback := range sessions[1:] {
		b, ok := q.lookup(fallback.Key, now)
		if !ok {
			continue
		}
		if b.member, _ = q.usable(b.state); b.member != nil {
			return b, BindingInherited
		}
	}
	return binding{}, BindingNew
}

func (q *query) lookup(key SessionKey, now time.Time) (binding, bool) {
	slot, ok := q.pool.bindings.Find(key, now)
	if !ok {
		return binding{}, false
	}
	return binding{key: key, state: q.pool.identityOf(slot)}, true
}

// usable is the auth of an identity that a bound session can stay with: a ready candidate, of any tier or, with
// failback, of the best. If there is none, diverted tells whether only this request's exclusions are in the way.
func (q *query) usable(s *identity) (m *member, diverted bool) {
	if s == nil {
		return nil, false
	}
	q.catchUp(s)
	l := q.view.plain()
	seen := l.seen(q.mask(l))
	for _, candidate := range s.members {
		position := l.position(candidate)
		if position < 0 || !seen.has(position) || q.pool.settings.Failback && !q.inBestTier(candidate) {
			continue
		}
		if !q.excludes(candidate) {
			return candidate, false
		}
		diverted = true
	}
	return nil, diverted
}

// catchUp works off the ends that decide whether auths of an identity are ready.
func (q *query) catchUp(s *identity) {
	p := q.pool
	for _, m := range s.members {
		if m.timer.over(q.now) {
			p.refreshToken(m, q.now)
		}
		key := m.blockKey(q.key.model)
		m.subjects(func(s *subject) {
			s.each(key, func(set *blockSet) {
				if set.timer.over(q.now) {
					p.refreshSet(set, q.now)
				}
			})
		})
	}
}

// inBestTier reports whether the strategy could take nobody of a higher priority.
func (q *query) inBestTier(m *member) bool {
	l := q.view.lane(q.strategyLane())
	list := q.present(l)
	if list.length == 0 {
		return true
	}
	_, best := list.best()
	return m.priority >= l.tiers[best].priority
}
