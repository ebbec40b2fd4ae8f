package selector

import (
	"maps"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// Cooldown blocks an auth, or one model of it, and returns the block in force afterwards. Its errors are ErrUnknownAuth
// and *FieldError (`model`: the auth does not serve it, or there is no room for it; `until`: not in the future).
func (p *Pool) Cooldown(id string, c Cooldown, now time.Time) (Block, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	if m == nil {
		return Block{}, ErrUnknownAuth
	}
	key := ModelKey(c.Model)
	if !m.patterns.Serve(key) {
		return Block{}, &FieldError{"model", "auth " + id + " does not serve it"}
	}
	if !c.Endless && !c.Until.IsZero() && !c.Until.After(now) {
		return Block{}, &FieldError{"until", "must be in the future"}
	}
	set := m.state.makeSet(scope{model: m.blockKey(key)})
	e := cooldown.Observation{Received: p.stamp(now), Command: true, Reason: c.Reason}
	secret := cooldown.Fingerprint(0)
	if c.Kind == cooldown.Authentication && key == "" {
		secret = m.secret()
		e.Secret = secret
	}
	if l := set.ledger(c.Kind); p.order(&e, l, c, cooldown.InstantOf(now)) {
		l.Add(e)
	}
	m.state.report = cooldown.Report{ReceivedAt: now, What: "cooldown", Model: set.scope.model, Reason: c.Reason}
	p.runtime.refreshSet(set, cooldown.InstantOf(now))
	p.runtime.outbox.saveSet(set)
	if !p.runtime.bound(set) {
		return Block{}, &FieldError{"model", noRoom}
	}
	b, _ := set.block(c.Kind, secret, cooldown.InstantOf(now))
	return b, nil
}

// noRoom says why a block of a further model is not kept.
const noRoom = "there are cooldowns of 1,024 other models of it, which end later or were told by the upstream"

// order gives the observation that a cooldown makes its times. False: it makes none, because a ladder found a cooldown in
// force. A burst of reports in one open window climbs once.
func (p *Pool) order(e *cooldown.Observation, l *cooldown.Ledger, c Cooldown, now cooldown.Instant) bool {
	switch {
	case c.Endless:
		e.Until = cooldown.Never
	case !c.Until.IsZero():
		e.Until = cooldown.InstantOf(c.Until)
	default:
		if l.Span(e.Secret, now).Deciding != nil {
			return false
		}
		e.Ladder = cooldown.LadderOf(c.Kind)
		l.Prune(now)
		e.Level, _ = l.Climb(e, 0, now, now)
		e.Until = now.Add(e.Ladder.Step(e.Level, p.random))
	}
	e.Probe = e.Until
	return true
}

// ClearCooldown ends the blocks of one model, or all blocks of the auth if model is blank, and returns how many were in
// force. Those of limit domains of the auth are among them: what they shared is over for every auth.
func (p *Pool) ClearCooldown(id, model string, now time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	if m == nil {
		return 0, ErrUnknownAuth
	}
	key, stamp, at, secret := m.blockKey(ModelKey(model)), p.stamp(now), cooldown.InstantOf(now), m.secret()
	cleared := 0
	for _, s := range append(slices.Clone(m.domains), &m.state.subject) {
		p.runtime.outbox.save(s)
		for _, set := range p.cleared(s, key, stamp) {
			cleared += set.inForce(secret, at)
			for kind := range cooldown.NumKinds {
				set.ledger(kind).Clear(stamp)
			}
			p.runtime.refreshSet(set, at)
			p.runtime.outbox.saveSet(set)
			p.runtime.bound(set)
		}
	}
	p.runtime.changed(&m.state.subject)
	return cleared, nil
}

// cleared are the sets of a subject that an operator clears at a time: those that concern a model key, or all.
func (p *Pool) cleared(s *subject, key string, at cooldown.Instant) (sets []*blockSet) {
	if key == "" {
		s.cleared = at
		return slices.AppendSeq([]*blockSet{&s.whole}, maps.Values(s.models))
	}
	if s.identity != nil {
		s.makeSet(scope{model: key})
	}
	s.each(key, func(set *blockSet) {
		if set != &s.whole {
			sets = append(sets, set)
		}
	})
	return sets
}

// Enable undoes Disable. ErrManagedByConfig: the configuration disables the auth.
func (p *Pool) Enable(id string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	switch {
	case m == nil:
		return ErrUnknownAuth
	case m.auth.Disabled:
		return ErrManagedByConfig
	}
	m.state.report = cooldown.Report{ReceivedAt: now, What: "enable"}
	p.switchTo(m.state, cooldown.Switch{At: p.stamp(now)})
	return nil
}

// Disable takes an auth, and all others of its identity, out of rotation.
func (p *Pool) Disable(id, reason string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	if m == nil {
		return ErrUnknownAuth
	}
	m.state.report = cooldown.Report{ReceivedAt: now, What: "disable", Reason: reason}
	p.switchTo(m.state, cooldown.Switch{At: p.stamp(now), Disabled: true, Why: reason})
	return nil
}

func (p *Pool) switchTo(s *identity, to cooldown.Switch) {
	s.change = to
	p.runtime.refreshIdentity(s)
	p.runtime.changed(&s.subject)
	p.runtime.outbox.save(&s.subject)
}

// Release ends every binding to an auth and returns how many there were.
func (p *Pool) Release(id, reason string, now time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	if m == nil {
		return 0, ErrUnknownAuth
	}
	m.state.report = cooldown.Report{ReceivedAt: now, What: "invalidate", Reason: reason}
	p.runtime.changed(&m.state.subject)
	p.runtime.outbox.save(&m.state.subject)
	return p.release(m.state, p.stamp(now)), nil
}

// release ends every binding to an identity here and, as its record says so, wherever else one is kept.
func (p *Pool) release(s *identity, at cooldown.Instant) int {
	s.released = at
	if p.bindings == nil {
		return 0
	}
	return p.bindings.Release(s.slot)
}
