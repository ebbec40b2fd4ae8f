package selector

import (
	"cmp"
	"time"
)

// maxMates is among how many auths of an organization a pick looks for one that is ready.
const maxMates = 64

// boundWriter looks for the auth that wrote the encrypted reasoning of the request. That one is to serve it under any model, in
// any tier; if it cannot, one of its organization, which can read the reasoning too. The member is nil where there is
// neither: then the outcome is what that means for the session, if it has no other binding that can be used.
func boundWriter(q *query, now time.Time) (binding, Binding) {
	writer, known := writerOf(q, now)
	if !known {
		return binding{}, BindingNew
	}
	own, _ := q.lookup(q.req.Sessions[0].Key, now)
	m, diverted := q.ready(writer.state, false)
	switch {
	case m != nil && own.state == writer.state:
		own.member = m
		return own, BindingHit
	case m != nil:
		writer.member, writer.from, writer.beside = m, own.state, true
		return writer, BindingInherited
	}
	b := binding{key: writer.key, from: cmp.Or(own.state, writer.state), beside: true}
	if b.member = mateOf(q, writer.state); b.member != nil {
		b.state = b.member.state
	}
	if diverted {
		return b, BindingDiverted
	}
	return b, BindingRebound
}

// writerOf a request is what the reasoning of the request is bound to.
func writerOf(q *query, now time.Time) (binding, bool) {
	for _, s := range q.req.Writer() {
		if b, ok := q.lookup(s.Key, now); ok {
			return b, b.state != nil
		}
	}
	return binding{}, false
}

// mateOf an identity is a ready auth that has a limit domain of kind org in common with it, nil without one. Which one,
// depends on the session, so that many of them spread.
func mateOf(q *query, s *identity) *member {
	choosable := q.view.ordered(q.strategyOrder())
	for _, m := range s.members {
		for _, key := range domainsOf(m.auth, "org") {
			mates := q.pool.runtime.index.sharing(key)
			if len(mates) == 0 {
				continue
			}
			first := int(q.req.Sessions[0].Key.Lo % uint64(len(mates))) //nolint:gosec // less than their number
			for i := range min(len(mates), maxMates) {
				candidate := mates[(first+i)%len(mates)]
				if ready, _ := q.ready(candidate.state, false); ready != nil && choosable.position(ready) >= 0 {
					return ready
				}
			}
		}
	}
	return nil
}

// bindReasoning binds the reasoning of the request to the auth that serves it. A request of a named conversation that
// carries none, such as one for a title, leaves it where it is.
func bindReasoning(q *query, s *identity, now time.Time) {
	ids := q.req.Reasoning
	if ids[0].Role == RoleName && q.req.Options&CarriesReasoning == 0 && !q.pool.bindings.Renew(ids[0].Key, now).IsZero() {
		return
	}
	q.pool.bindings.Bind(ids, s.slot, now)
}
