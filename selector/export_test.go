package selector

import (
	"errors"
	"fmt"
	"slices"
)

// CheckIndex compares everything that the pool changes in place with what it would be if it were made anew.
func (p *Pool) CheckIndex() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(
		p.checkMembers(), p.checkIdentities(), p.checkBlocked(), p.checkTimers(), p.checkLanes(), p.checkRoutes(),
	)
}

func (p *Pool) checkMembers() error {
	x := p.index
	if !slices.IsSortedFunc(x.members, func(a, b *member) int { return compareText(a.auth.ID, b.auth.ID) }) {
		return errors.New("members are not in text order")
	}
	if len(x.byID) != len(x.members) {
		return fmt.Errorf("%d ids of %d members", len(x.byID), len(x.members))
	}
	for i, m := range x.members {
		switch {
		case m.index != i || x.byID[m.auth.ID] != m:
			return fmt.Errorf("member %s is not at its place", m.auth.ID)
		case p.identities[m.auth.identity()] != m.state || !slices.Contains(m.state.members, m):
			return fmt.Errorf("member %s and its identity do not know each other", m.auth.ID)
		case !slices.Contains(m.provider.members, m) || m.provider.name != m.auth.Provider:
			return fmt.Errorf("member %s and its provider do not know each other", m.auth.ID)
		case m.expired && m.auth.ExpiresAt.IsZero():
			return fmt.Errorf("member %s is expired without an end", m.auth.ID)
		case m.priority != m.auth.priority() || m.weight != m.auth.weight() || m.prefix != m.auth.Prefix:
			return fmt.Errorf("member %s is not what its auth says", m.auth.ID)
		}
	}
	return nil
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (p *Pool) checkIdentities() error {
	members, orphans, used := 0, 0, 0
	for name, s := range p.identities {
		members += len(s.members)
		if s.name != name || p.slots[s.slot] != s {
			return fmt.Errorf("identity %s is not in its slot", name)
		}
		if !slices.IsSortedFunc(s.members, func(a, b *member) int { return compareText(a.auth.ID, b.auth.ID) }) {
			return fmt.Errorf("members of identity %s are not in text order", name)
		}
		if orphan := len(s.members) == 0; orphan != s.orphan || orphan != slices.Contains(p.orphans, s) {
			return fmt.Errorf("identity %s: orphan %t, marked %t", name, orphan, s.orphan)
		}
		if s.orphan {
			orphans++
		}
		if len(s.models) > maxModelBlocks {
			return fmt.Errorf("identity %s has blocks for %d models", name, len(s.models))
		}
	}
	for slot, s := range p.slots {
		if free := slices.Contains(p.free, Slot(slot)); free != (s == nil) {
			return fmt.Errorf("slot %d is free: %t, and holds %v", slot, free, s)
		}
		if s != nil {
			used++
		}
	}
	if members != len(p.index.members) || orphans != len(p.orphans) || used != len(p.identities) || orphans > maxOrphans {
		return fmt.Errorf("%d members, %d orphans, %d slots", members, orphans, used)
	}
	return nil
}

// eachSet calls f for every set of blocks.
func (p *Pool) eachSet(f func(*blockSet) error) error {
	for _, s := range p.identities {
		if s.whole.owner != s || s.whole.model != "" {
			return fmt.Errorf("identity %s does not own its blocks", s.name)
		}
		if err := f(&s.whole); err != nil {
			return err
		}
		for model, set := range s.models {
			if set.owner != s || set.model != model || model == "" {
				return fmt.Errorf("identity %s does not own its blocks for %q", s.name, model)
			}
			if err := f(set); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Pool) checkBlocked() error {
	listed := 0
	for model, sets := range p.blocked {
		if len(sets) == 0 {
			return fmt.Errorf("an empty list for %q", model)
		}
		for i, s := range sets {
			if s.place != i || s.model != model || !s.active || s.owner.models[model] != s || p.identities[s.owner.name] != s.owner {
				return fmt.Errorf("place %d of %q holds a set that does not belong there", i, model)
			}
		}
		listed += len(sets)
	}
	active := 0
	err := p.eachSet(func(s *blockSet) error {
		if s.active && s.model != "" {
			active++
		}
		return nil
	})
	if active != listed {
		return fmt.Errorf("%d sets are active, %d listed", active, listed)
	}
	return err
}

// checkTimers looks at the heap's order and places, and at who must and who must not be in it.
func (p *Pool) checkTimers() error {
	want := map[*timer]int64{}
	err := p.eachSet(func(s *blockSet) error {
		_, b := s.latest()
		switch {
		case s.active && b.until == never:
		case s.active:
			want[&s.timer] = b.until
		case b.until == never:
			return fmt.Errorf("set %q of %s does not end and is not active", s.model, s.owner.name)
		case s.remembers():
			want[&s.timer] = b.until + int64(ladderMemory)
		case s.model != "":
			return fmt.Errorf("set %q of %s is kept for nothing", s.model, s.owner.name)
		}
		if s.timer.set != s || s.timer.member != nil {
			return fmt.Errorf("the timer of set %q of %s is about something else", s.model, s.owner.name)
		}
		return nil
	})
	for _, m := range p.index.members {
		if !m.auth.ExpiresAt.IsZero() && !m.expired {
			want[&m.timer] = nanosOf(m.auth.ExpiresAt)
		}
	}
	for i, t := range p.timers.heap {
		if due, ok := want[t]; !ok || due != t.due && due != never {
			return fmt.Errorf("timer %d is due at %d, want %d, %t", i, t.due, due, ok)
		}
		if t.place != i+1 || i > 0 && t.due < p.timers.heap[(i-1)/2].due {
			return fmt.Errorf("timer %d is out of place", i)
		}
		delete(want, t)
	}
	for t, due := range want {
		if due != never {
			return fmt.Errorf("no timer for set %p, member %p at %d", t.set, t.member, due)
		}
	}
	return err
}

func (p *Pool) checkRoutes() error {
	count := 0
	for r := p.routes.ends.older; r != &p.routes.ends; r = r.older {
		if p.routes.byKey[r.key] != r || r.older.newer != r || r.strategy != p.settings.strategyFor(r.key.provider, r.key.model) {
			return fmt.Errorf("route %v is not at its place", r.key)
		}
		for kind, c := range r.credits {
			if c == nil {
				continue
			}
			if err := c.check(); err != nil {
				return fmt.Errorf("credits %d of route %v: %w", kind, r.key, err)
			}
		}
		count++
	}
	if count != len(p.routes.byKey) || count > maxRoutes {
		return fmt.Errorf("%d routes, %d in the ring", len(p.routes.byKey), count)
	}
	return nil
}
