package selector

import (
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// pin finds the auth that must serve the request, because the request names what nobody else can resolve. The error is
// a *PinnedError.
func (q *query) pin(now time.Time) error {
	if q.pool.bindings == nil {
		return nil
	}
	for i, pin := range q.req.Pins {
		b, ok := q.lookup(pin.Key, now)
		if !ok {
			continue
		}
		if b.member, _ = q.ready(b.state, false); b.member == nil {
			b.member = doubtedOf(q, b.state)
		}
		if b.member == nil {
			return q.pinnedError(i, b.state)
		}
		b.pin = true
		q.pinned = b
		return nil
	}
	return nil
}

// doubtedOf an identity is a member that only doubt keeps from the request, nil without one. Nobody else can serve what is pinned, so
// the failure of one other request does not keep it from its issuer, and those of several do not where the request tells whose
// fault they were.
func doubtedOf(q *query, s *identity) *member {
	if s == nil {
		return nil
	}
	l := q.view.plain()
	for _, m := range s.members {
		if l.position(m) >= 0 && !q.excludes(m) && m.onlyDoubted(q.key.model, q.req.Tag != 0, q.now) {
			return m
		}
	}
	return nil
}

// issued reports whether a reference is of an identity, so that no other can serve who names it.
func issued(p *Pool, s *identity, pin SessionKey, now time.Time) bool {
	if p.bindings == nil || pin == (SessionKey{}) {
		return false
	}
	slot, ok := p.bindings.Find(pin, now)
	return ok && p.runtime.identityOf(slot) == s
}

// boundPin is what the issuer of a reference means for the session that the request has beside it.
func (q *query) boundPin(now time.Time) (binding, Binding) {
	b := q.pinned
	if !q.bindsBesidePin() {
		return b, BindingHit
	}
	own, ok := q.lookup(q.req.Sessions[0].Key, now)
	switch {
	case ok && own.state == b.state:
		return b, BindingHit
	case ok:
		b.from = own.state
	}
	return b, BindingInherited
}

// bindsBesidePin reports whether the request has a session that is worth a binding: a first turn says nothing that the
// reference does not.
func (q *query) bindsBesidePin() bool { return len(q.req.Sessions) > 0 && !q.req.isFirstTurn() }

// prolongPinned notes that a request stays with the issuer of its reference.
func (q *query) prolongPinned(b binding, outcome Binding, now time.Time) time.Time {
	bindings := q.pool.bindings
	until := bindings.Renew(b.key, now)
	switch {
	case !q.bindsBesidePin():
		return until
	case outcome == BindingHit:
		return bindings.Renew(q.req.Sessions[0].Key, now)
	}
	return q.rebind(b.state.slot, now)
}

// pinnedError tells what keeps the issuer of a reference away, and when it may be back.
func (q *query) pinnedError(pin int, issuer *identity) error {
	e := &PinnedError{Pin: pin, Model: q.req.Model, Provider: q.req.Provider, Lost: true}
	earliest := cooldown.Never
	if issuer != nil {
		for _, m := range issuer.members {
			if q.provider.indexOf(m) < 0 {
				continue
			}
			s := q.eligibility(m)
			if e.AuthID == "" || s.until < earliest {
				e.AuthID, e.Reason = m.auth.ID, s.reason
			}
			if s.until != cooldown.Never {
				e.Lost, earliest = false, min(earliest, s.until)
			}
		}
	}
	if !e.Lost {
		e.Wait = time.Duration(max(earliest-q.now, 0))
	}
	if q.req.Options&Explain != 0 {
		e.Explanation = q.explain(nil, issuer)
	}
	return e
}
