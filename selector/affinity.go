package selector

import (
	"cmp"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/firstturn"
)

// FirstTurnWindow is how long a first turn that comes again is taken for the same request, sent once more.
const FirstTurnWindow = firstturn.Window

// binding is what a session of the request is bound to.
type binding struct {
	key    SessionKey
	state  *identity // nil: to nothing that is known
	member *member   // nil: it cannot be used
	from   *identity // that the session itself was bound to, where it does not stay; nil: to none
	pin    bool      // it is a reference that only its issuer can resolve
	beside bool      // it is none of the session's own, and takes none of them in
}

// bound is session affinity: it looks for the auth that the request's session must stay with. Without one, the outcome is
// what the strategy's choice will mean for the session.
//
//	the auth that the session is bound to                    the session
//	is ready                                                 stays (BindingHit)
//	is ready, but excluded by this request                   stays bound, and another serves this once (BindingDiverted)
//	is out, but back within Patience or only in doubt        stays bound, and another serves this once (BindingDiverted)
//	is out otherwise: cooling, blocked, disabled, gone       is moved (BindingRebound)
//	is below the best tier, with failback on                 is moved (BindingRebound)
//
// A session that is not bound follows what it continues, or its parent session (BindingInherited), or is new (BindingNew).
// Encrypted reasoning in the request comes before all this.
func (q *query) bound(now time.Time) (b binding, outcome Binding) {
	sessions := q.req.Sessions
	switch {
	case q.pinned.member != nil:
		return q.boundPin(now)
	case q.pool.bindings == nil || len(sessions) == 0:
		return binding{}, BindingNone
	}
	var writer binding
	lost := BindingNew
	if q.req.Options&CarriesReasoning != 0 {
		if writer, lost = boundWriter(q, now); writer.member != nil {
			return writer, lost
		}
	}
	if sessions[0].Role == RolePrefix {
		b, outcome = q.boundPrefix(now)
	} else {
		b, outcome = q.boundName(now)
	}
	switch {
	case outcome != BindingNew:
		return b, outcome
	case lost != BindingNew:
		return writer, lost
	}
	return q.boundParent(b, now)
}

// boundName looks at a session that has a name: its own binding decides, wherever there is one.
func (q *query) boundName(now time.Time) (binding, Binding) {
	sessions := q.req.Sessions
	if b, ok := q.lookup(sessions[0].Key, now); ok {
		m, diverted := q.usable(b.state)
		switch {
		case m != nil:
			b.member = m
			return b, BindingHit
		case diverted:
			return b, BindingDiverted
		}
		b.from = b.state
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

// boundPrefix looks for the longest prefix of the conversation that is bound to an auth that can be used. If a longer one
// is bound to one that cannot, the first turn does not count: it is bound to where the latest conversation began that began
// alike, and all of them would move there at once.
//
//	request          its prefixes, longest first    bound before            outcome
//	hello            [hello]                        nothing                 new: the strategy's choice, a
//	hello, hi, more  [.. more] [hello]              [hello] to a            inherited: a; [.. more] is bound to a
//	the same again   [.. more] [hello]              [.. more] to a          hit: a
//	its next turn    [.. 3] [.. more] [hello]       [.. more] to a, out     rebound, though [hello] is bound to b by now
func (q *query) boundPrefix(now time.Time) (binding, Binding) {
	var longest binding
	var own *identity // that the session itself is bound to
	found := false
	first := firstPrefix(q.req.Sessions)
	for i, s := range q.req.Sessions {
		b, ok := q.lookup(s.Key, now)
		if !ok || found && i == first {
			continue
		}
		if i == 0 {
			own = b.state
			if q.ambiguous(now) {
				break
			}
		}
		var diverted bool
		switch b.member, diverted = q.usable(b.state); {
		case b.member != nil && b.state == own:
			b.key = q.req.Sessions[0].Key
			return b, BindingHit
		case b.member != nil:
			b.from = own
			return b, BindingInherited
		case diverted && !found:
			return b, BindingDiverted
		case !found:
			longest, found = b, true
		}
	}
	if !found {
		return binding{from: own}, BindingNew
	}
	longest.from = cmp.Or(own, longest.state)
	return longest, BindingRebound
}

// firstPrefix is the index of the first turn, the last of the prefixes that are worth a binding.
func firstPrefix(sessions []Session) int {
	past := slices.IndexFunc(sessions, func(s Session) bool { return s.Role == RolePast })
	if past < 0 {
		return len(sessions) - 1
	}
	return past - 1
}

// ambiguous reports whether a session that is bound is the first turn of another conversation: no repetition, and nothing else that
// it continues is known. What is past does not tell: of a request that begins its answer itself, that is its question.
func (q *query) ambiguous(now time.Time) bool {
	if !q.req.isFirstTurn() || q.pool.firstTurns.Repeats(q.req.Sessions[0].Key, int64(q.now)) {
		return false
	}
	for _, s := range q.req.Sessions[1:] {
		if s.Role == RolePast {
			break
		}
		if _, ok := q.pool.bindings.Find(s.Key, now); ok {
			return false
		}
	}
	return true
}

// boundParent looks at the session that one without a binding of its own belongs to.
func (q *query) boundParent(own binding, now time.Time) (binding, Binding) {
	if q.req.Parent == (SessionKey{}) {
		return own, BindingNew
	}
	b, ok := q.lookup(q.req.Parent, now)
	if !ok {
		return own, BindingNew
	}
	if b.member, _ = q.usable(b.state); b.member == nil {
		return own, BindingNew
	}
	b.from = own.from
	return b, BindingInherited
}

// prolong notes that a request stays with what it is bound to, and returns the end of that.
func (q *query) prolong(b binding, outcome Binding, now time.Time) time.Time {
	bindings, sessions := q.pool.bindings, q.req.Sessions
	switch {
	case b.pin:
		return q.prolongPinned(b, outcome, now)
	case b.beside:
		bindings.Renew(b.key, now)
		return q.rebind(b.state.slot, now)
	case outcome == BindingHit:
		if q.req.isFirstTurn() {
			q.pool.firstTurns.Again(b.key)
		}
		return bindings.Renew(b.key, now)
	case sessions[0].Role == RolePrefix || b.key == q.req.Parent:
		bindings.Renew(b.key, now)
		q.pool.firstTurns.Answered(b.key)
		return q.rebind(b.state.slot, now)
	}
	return bindings.Join(sessions[0], b.key, now)
}

// bind binds the sessions of the request to what was chosen for them.
func (q *query) bind(slot Slot, now time.Time) time.Time {
	if q.req.isFirstTurn() {
		q.pool.firstTurns.Begin(q.req.Sessions[0].Key, int64(q.now))
	}
	return q.pool.bindings.Bind(q.req.Sessions, slot, now)
}

// rebind binds the session alone to what was chosen for it. What it continues stays where it is: the next request of the
// conversation names this session among what it continues.
func (q *query) rebind(slot Slot, now time.Time) time.Time {
	if q.req.Sessions[0].Role == RolePrefix {
		return q.bind(slot, now)
	}
	return q.pool.bindings.Bind(q.req.Sessions[:1], slot, now)
}

// bindMarks binds the marks and the reasoning of the request. Without any it does not look at the identity: of many no cache
// holds all.
func (q *query) bindMarks(s *identity, now time.Time) {
	if q.pool.bindings == nil {
		return
	}
	if len(q.req.Reasoning) > 0 {
		bindReasoning(q, s, now)
	}
	for i := range q.req.Marks {
		q.pool.bindings.Bind(q.req.Marks[i:i+1], s.slot, now)
	}
}

func (q *query) lookup(key SessionKey, now time.Time) (binding, bool) {
	slot, ok := q.pool.bindings.Find(key, now)
	if !ok {
		return binding{}, false
	}
	return binding{key: key, state: q.pool.runtime.identityOf(slot)}, true
}

// usable is the auth of an identity that a bound session can stay with: a ready candidate, of any tier or, with
// failback, of the best. If there is none, diverted tells whether only this request's exclusions are in the way, or what is
// over soon.
func (q *query) usable(s *identity) (m *member, diverted bool) {
	return q.ready(s, q.pool.settings.Failback)
}

// ready is a ready candidate of an identity; with best, one of the best tier only.
func (q *query) ready(s *identity, best bool) (m *member, diverted bool) {
	if s == nil {
		return nil, false
	}
	q.catchUp(s)
	l := q.view.plain()
	seen := l.View(q.hidden(l))
	for _, candidate := range s.members {
		position := l.position(candidate)
		switch {
		case position < 0 || best && !q.inBestTier(candidate):
		case !seen.Has(position):
			diverted = diverted || backSoon(q, candidate)
		case !q.excludes(candidate):
			return candidate, false
		default:
			diverted = true
		}
	}
	return nil, diverted
}

// backSoon: what keeps a member out is over before its sessions have to move, or is only doubtful.
func backSoon(q *query, m *member) bool {
	patience := q.pool.settings.Patience
	if patience <= 0 {
		return false
	}
	until := m.eligibility(q.key.model, q.now).until
	return until != 0 && until != cooldown.Never && (until <= q.now.Add(patience) || m.onlyDoubted(q.key.model, false, q.now))
}

// catchUp works off the ends that decide whether auths of an identity are ready.
func (q *query) catchUp(s *identity) {
	p := q.pool
	for _, m := range s.members {
		if m.timer.Over(int64(q.now)) {
			p.runtime.refreshToken(m, q.now)
		}
		key := m.blockKey(q.key.model)
		m.subjects(func(s *subject) {
			s.each(key, func(set *blockSet) {
				if set.timer.Over(int64(q.now)) {
					p.runtime.refreshSet(set, q.now)
				}
			})
		})
	}
}

// inBestTier reports whether the strategy could take nobody of a higher priority.
func (q *query) inBestTier(m *member) bool {
	l := q.view.ordered(q.strategyOrder())
	list := q.list(l)
	if list.Len() == 0 {
		return true
	}
	best := list.Best()
	return m.priority >= l.Tiers[best].Priority
}
