package selector_test

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// oracleFirstTurn is a first turn that was given an auth lately.
type oracleFirstTurn struct {
	at    time.Time
	picks int
}

// boundTo is the identity that a session is bound to; empty: to none.
func (o *oracle) boundTo(key selector.SessionKey) string {
	identity, _ := o.bindings.Find(key, o.now)
	return strings.TrimPrefix(identity, issuerMark)
}

// issuerMark is before the identity that a reference is bound to, so that it is not released with the sessions.
const issuerMark = "issuer "

// usable are the ready auths of an identity that a session may stay with.
func (o *oracle) usable(p *oraclePick, ready []*selector.Auth, identity string) []*selector.Auth {
	var found []*selector.Auth
	for _, a := range ready {
		if identityOf(a) == identity && o.mayStay(p, a) {
			found = append(found, a)
		}
	}
	return found
}

// decideBinding is section 8: which auth the session must stay with, or what a new choice means for it.
func (o *oracle) decideBinding(p *oraclePick, req *selector.Request, ready []*selector.Auth) {
	if o.bindings == nil || len(req.Sessions) == 0 {
		p.outcome = selector.BindingNone
		return
	}
	if req.Sessions[0].Role == selector.RolePrefix {
		o.decidePrefixes(p, req, ready)
	} else {
		o.decideNames(p, req, ready)
	}
	if p.outcome != selector.BindingNew {
		return
	}
	if parent := o.boundTo(req.Parent); parent != "" {
		if p.kept = o.usable(p, ready, parent); p.kept != nil {
			p.outcome, p.bound, p.inherits = selector.BindingInherited, parent, req.Parent
		}
	}
}

func (o *oracle) decideNames(p *oraclePick, req *selector.Request, ready []*selector.Auth) {
	if identity := o.boundTo(req.Sessions[0].Key); identity != "" {
		p.bound = identity
		switch p.kept = o.usable(p, ready, identity); {
		case p.kept != nil:
			p.outcome = selector.BindingHit
		case o.onlyExcluded(p, req, identity):
			p.outcome = selector.BindingDiverted
		default:
			p.outcome, p.from = selector.BindingRebound, identity
		}
		return
	}
	p.outcome = selector.BindingNew
	for _, fallback := range req.Sessions[1:] {
		if p.kept = o.usable(p, ready, o.boundTo(fallback.Key)); p.kept != nil {
			p.outcome, p.bound, p.inherits = selector.BindingInherited, o.boundTo(fallback.Key), fallback.Key
			return
		}
	}
}

func (o *oracle) decidePrefixes(p *oraclePick, req *selector.Request, ready []*selector.Auth) {
	primary := req.Sessions[0].Key
	own := o.boundTo(primary)
	candidates := slices.DeleteFunc(slices.Clone(req.Sessions), func(s selector.Session) bool { return o.boundTo(s.Key) == "" })
	current := slices.DeleteFunc(slices.Clone(candidates), func(s selector.Session) bool { return s.Role == selector.RolePast })
	if first, ok := o.firstTurns[primary]; req.Options&selector.FirstTurn != 0 && len(current) == 1 && current[0].Key == primary &&
		(!ok || !o.now.Before(first.at.Add(5*time.Second)) || first.picks >= 3) {
		candidates = nil
	}
	if len(candidates) == 0 {
		p.outcome, p.from = selector.BindingNew, own
		return
	}
	if longest := o.boundTo(candidates[0].Key); o.usable(p, ready, longest) == nil && o.onlyExcluded(p, req, longest) {
		p.outcome, p.bound = selector.BindingDiverted, longest
		return
	}
	var opener selector.SessionKey
	for _, s := range req.Sessions {
		if s.Role == selector.RolePrefix {
			opener = s.Key
		}
	}
	for i, s := range candidates {
		if p.kept = o.usable(p, ready, o.boundTo(s.Key)); p.kept == nil {
			continue
		}
		if i > 0 && s.Key == opener && o.boundTo(s.Key) != o.boundTo(candidates[0].Key) &&
			o.usable(p, ready, o.boundTo(candidates[0].Key)) == nil {
			p.kept = nil
			continue
		}
		if p.bound = o.boundTo(s.Key); p.bound == own {
			p.outcome = selector.BindingHit
		} else {
			p.outcome, p.from, p.inherits = selector.BindingInherited, own, s.Key
		}
		return
	}
	p.outcome, p.bound = selector.BindingRebound, o.boundTo(candidates[0].Key)
	p.from = cmp.Or(own, p.bound)
}

// decidePin: a reference that is known must be served by who issued it.
func (o *oracle) decidePin(p *oraclePick, req *selector.Request, ready []*selector.Auth) (decided bool) {
	pin := slices.IndexFunc(req.Pins, func(s selector.Session) bool { return o.bindings != nil && o.boundTo(s.Key) != "" })
	if pin < 0 {
		return false
	}
	p.bound = o.boundTo(req.Pins[pin].Key)
	lost := selector.PinnedError{Pin: pin, Lost: true, Model: req.Model, Provider: req.Provider}
	var earliest time.Time
	for _, a := range p.known {
		s := p.eligibility[a.ID]
		if identityOf(a) != p.bound {
			continue
		}
		if slices.Contains(ready, a) {
			p.kept = append(p.kept, a)
		}
		if lost.AuthID == "" || !s.until.IsZero() && (earliest.IsZero() || s.until.Before(earliest)) {
			lost.AuthID, lost.Reason = a.ID, s.reason
		}
		if !s.until.IsZero() {
			lost.Lost = false
			if earliest.IsZero() || s.until.Before(earliest) {
				earliest = s.until
			}
			lost.Wait = earliest.Sub(o.now)
		}
	}
	if p.kept == nil {
		p.lost = &lost
		return true
	}
	p.outcome, p.pin = selector.BindingHit, req.Pins[pin].Key
	if own := req.Sessions; len(own) > 0 && req.Options&selector.FirstTurn == 0 && o.boundTo(own[0].Key) != p.bound {
		p.outcome, p.from = selector.BindingInherited, o.boundTo(own[0].Key)
	}
	return true
}

// bind does to the bindings what a pick of an auth does, and returns the binding's end.
func (o *oracle) bind(p *oraclePick, req *selector.Request, taken *selector.Auth) time.Time {
	ends := o.bindSession(p, req, taken)
	if p.outcome != selector.BindingDiverted {
		for _, s := range req.Marks {
			o.bindings.Bind([]selector.Session{s}, identityOf(taken), o.now)
		}
	}
	return ends
}

func (o *oracle) bindSession(p *oraclePick, req *selector.Request, taken *selector.Auth) (ends time.Time) {
	b, isFirst := o.bindings, req.Options&selector.FirstTurn != 0
	if p.pin != (selector.SessionKey{}) {
		ends = b.Renew(p.pin, o.now)
		if len(req.Sessions) == 0 || isFirst {
			return ends
		}
	}
	if p.inherits != (selector.SessionKey{}) && p.outcome == selector.BindingInherited {
		b.Renew(p.inherits, o.now)
		delete(o.firstTurns, p.inherits)
	}
	switch {
	case p.outcome == selector.BindingHit:
		if first := o.firstTurns[req.Sessions[0].Key]; isFirst && first != nil {
			first.picks++
		}
		return b.Renew(req.Sessions[0].Key, o.now)
	case p.outcome == selector.BindingNone || p.outcome == selector.BindingDiverted:
		return time.Time{}
	case req.Sessions[0].Role == selector.RolePrefix:
		if isFirst {
			o.firstTurns[req.Sessions[0].Key] = &oracleFirstTurn{at: o.now, picks: 1}
		}
		return b.Bind(req.Sessions, identityOf(taken), o.now)
	case p.outcome == selector.BindingNew:
		return b.Bind(req.Sessions, identityOf(taken), o.now)
	case p.outcome == selector.BindingInherited && p.pin == (selector.SessionKey{}) && p.inherits != req.Parent:
		return b.Join(req.Sessions[0], p.inherits, o.now)
	}
	return b.Bind(req.Sessions[:1], identityOf(taken), o.now)
}
