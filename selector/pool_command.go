package selector

import "time"

// Cooldown blocks an auth, or one model of it, and returns the block in force afterwards. Its errors are ErrUnknownAuth
// and *FieldError (`model`: the auth does not serve it; `until`: not in the future).
func (p *Pool) Cooldown(id string, c Cooldown, now time.Time) (Block, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.index.byID[id]
	if m == nil {
		return Block{}, ErrUnknownAuth
	}
	key := ModelKey(c.Model)
	if !m.patterns.serve(key) {
		return Block{}, &FieldError{"model", "auth " + id + " does not serve it"}
	}
	if !c.Endless && !c.Until.IsZero() && !c.Until.After(now) {
		return Block{}, &FieldError{"until", "must be in the future"}
	}
	key = m.blockKey(key)
	nanos := now.UnixNano()
	set, victim := m.state.makeSet(key)
	if victim != nil {
		p.dropSet(victim)
	}
	b := &set.kinds[c.Kind]
	until, level := p.end(b, c, nanos)
	if until > b.until {
		*b = block{until: until, level: level, given: c.Endless || !c.Until.IsZero(), reason: c.Reason}
	}
	m.state.report = Report{ReceivedAt: now, What: "cooldown", Model: key, Reason: c.Reason}
	p.refreshSet(set, nanos)
	return b.shown(key, c.Kind), nil
}

// end is the end that a cooldown asks for, and the step of the ladder that it takes. A burst of reports in one open
// window climbs once.
func (p *Pool) end(b *block, c Cooldown, now int64) (until int64, level int) {
	if b.until > now-int64(ladderMemory) {
		level = b.level
	}
	switch {
	case c.Endless:
		return never, level
	case !c.Until.IsZero():
		return nanosOf(c.Until), level
	case b.until > now:
		return b.until, level
	}
	level++
	return now + int64(ladderOf(c.Kind).step(level, p.random)), level
}

// ClearCooldown ends the blocks of one model, or all blocks of the auth if model is blank, and returns how many were in force.
func (p *Pool) ClearCooldown(id, model string, now time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.index.byID[id]
	if m == nil {
		return 0, ErrUnknownAuth
	}
	nanos := now.UnixNano()
	key := m.blockKey(ModelKey(model))
	cleared := 0
	if key != "" {
		if set := m.state.models[key]; set != nil {
			cleared = set.inForce(nanos)
			p.dropSet(set)
		}
	} else {
		cleared = m.state.whole.inForce(nanos)
		m.state.whole.kinds = [numCooldownKinds]block{}
		p.refreshSet(&m.state.whole, nanos)
		for _, set := range m.state.models {
			cleared += set.inForce(nanos)
			p.dropSet(set)
		}
	}
	p.changed(m.state)
	return cleared, nil
}

func (s *blockSet) inForce(now int64) int {
	count := 0
	for i := range s.kinds {
		if s.kinds[i].until > now {
			count++
		}
	}
	return count
}

// Enable undoes Disable. ErrManagedByConfig: the configuration disables the auth.
func (p *Pool) Enable(id string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.index.byID[id]
	switch {
	case m == nil:
		return ErrUnknownAuth
	case m.auth.Disabled:
		return ErrManagedByConfig
	}
	m.state.report = Report{ReceivedAt: now, What: "enable"}
	p.setDisabled(m.state, false, "")
	return nil
}

// Disable takes an auth, and all others of its identity, out of rotation.
func (p *Pool) Disable(id, reason string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.index.byID[id]
	if m == nil {
		return ErrUnknownAuth
	}
	m.state.report = Report{ReceivedAt: now, What: "disable", Reason: reason}
	p.setDisabled(m.state, true, reason)
	return nil
}

func (p *Pool) setDisabled(s *identity, disabled bool, why string) {
	s.disabled, s.why = disabled, why
	p.refreshIdentity(s)
	p.changed(s)
}

// Release ends every binding to an auth and returns how many there were.
func (p *Pool) Release(id, reason string, now time.Time) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.index.byID[id]
	if m == nil {
		return 0, ErrUnknownAuth
	}
	m.state.report = Report{ReceivedAt: now, What: "invalidate", Reason: reason}
	p.changed(m.state)
	if p.bindings == nil {
		return 0, nil
	}
	return p.bindings.Release(m.state.slot), nil
}
