package selector

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/deadline"
)

// CheckIndex compares everything that the pool changes in place with what it would be if it were made anew.
func (p *Pool) CheckIndex() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(
		p.checkMembers(), p.checkIdentities(), p.checkDomains(), p.checkDoubted(), p.checkBlocked(), p.checkTimers(), p.checkOrders(), p.checkRoutes(),
	)
}

func (p *Pool) checkMembers() error {
	x := p.runtime.index
	if !slices.IsSortedFunc(x.members, func(a, b *member) int { return compareText(a.auth.ID, b.auth.ID) }) {
		return errors.New("members are not sorted")
	}
	if len(x.byID) != len(x.members) {
		return fmt.Errorf("%d ids of %d members", len(x.byID), len(x.members))
	}
	for i, m := range x.members {
		switch {
		case int(m.index) != i || x.byID[m.auth.ID] != m:
			return fmt.Errorf("member %s is not where it should be", m.auth.ID)
		case p.runtime.identities[m.auth.identity()] != m.state || !slices.Contains(m.state.members, m):
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
	for name, s := range p.runtime.identities {
		members += len(s.members)
		if s.name != name || p.runtime.slots[s.slot] != s {
			return fmt.Errorf("identity %s is not in its slot", name)
		}
		if !slices.IsSortedFunc(s.members, func(a, b *member) int { return compareText(a.auth.ID, b.auth.ID) }) {
			return fmt.Errorf("members of identity %s are not sorted", name)
		}
		if orphan := len(s.members) == 0; orphan != s.orphan || orphan != slices.Contains(p.runtime.orphans, s) {
			return fmt.Errorf("identity %s: orphan %t, marked %t", name, orphan, s.orphan)
		}
		if s.orphan {
			orphans++
		}
	}
	for slot, s := range p.runtime.slots {
		if free := slices.Contains(p.runtime.free, Slot(slot)); free != (s == nil) {
			return fmt.Errorf("slot %d is free: %t, and holds %v", slot, free, s)
		}
		if s != nil {
			used++
		}
	}
	if members != len(p.runtime.index.members) || orphans != len(p.runtime.orphans) || used != len(p.runtime.identities) || orphans > maxOrphans {
		return fmt.Errorf("%d members, %d orphans, %d slots", members, orphans, used)
	}
	return nil
}

// eachSubject calls f for every identity and limit domain.
func (p *Pool) eachSubject(f func(name string, s *subject) error) error {
	for name, s := range p.runtime.identities {
		if s.domain != (domainKey{}) {
			return fmt.Errorf("identity %s thinks that it is %v", name, s.domain)
		}
		if err := f("identity "+name, &s.subject); err != nil {
			return err
		}
	}
	for key, s := range p.runtime.domains {
		if s.domain != key {
			return fmt.Errorf("domain %v thinks that it is %v", key, s.domain)
		}
		if !slices.Equal(s.members, p.runtime.index.sharing(key)) {
			return fmt.Errorf("domain %v does not know its members", key)
		}
		if s.empty() && (s.withdrawn.IsZero() || !s.whole.timer.Scheduled()) {
			return fmt.Errorf("domain %v is kept for nothing", key)
		}
		if err := f("domain "+key.name, s); err != nil {
			return err
		}
	}
	return nil
}

// eachSet calls f for every set of blocks.
func (p *Pool) eachSet(f func(*blockSet) error) error {
	return p.eachSubject(func(name string, s *subject) error {
		sets := []*blockSet{&s.whole}
		families, halfOpen := 0, 0
		for at, set := range s.models {
			if set.scope != at || at.model == "" {
				return fmt.Errorf("%s does not own its blocks for %v", name, at)
			}
			if at.family {
				families++
			}
			sets = append(sets, set)
		}
		for _, set := range sets {
			if set.owner != s {
				return fmt.Errorf("%s does not own its blocks for %v", name, set.scope)
			}
			if set.halfOpen {
				halfOpen++
			}
			if err := f(set); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if families != len(s.families) || halfOpen != s.halfOpen || len(s.models) > maxModelBlocks {
			return fmt.Errorf("%s counts %d families of %d, %d half-open of %d, %d models", name, len(s.families), families, s.halfOpen, halfOpen, len(s.models))
		}
		return nil
	})
}

// checkDomains compares what members know of domains with the domains.
func (p *Pool) checkDomains() error {
	unshared := 0
	for _, d := range p.runtime.domains {
		if len(d.members) == 0 {
			unshared++
		}
	}
	if unshared != p.runtime.unshared {
		return fmt.Errorf("%d domains without members, counted %d", unshared, p.runtime.unshared)
	}
	for _, m := range p.runtime.index.members {
		halfOpen := m.state.halfOpen > 0
		for _, d := range m.domains {
			if p.runtime.domains[d.domain] != d || !slices.Contains(d.members, m) {
				return fmt.Errorf("member %s is in domain %v, which does not know it", m.auth.ID, d.domain)
			}
			halfOpen = halfOpen || d.halfOpen > 0
		}
		known := 0
		for _, d := range p.runtime.domains {
			if slices.Contains(d.members, m) {
				known++
			}
		}
		if known != len(m.domains) || halfOpen != m.halfOpen {
			return fmt.Errorf("member %s knows %d domains of %d, half-open %t of %t", m.auth.ID, len(m.domains), known, m.halfOpen, halfOpen)
		}
	}
	return nil
}

// checkDoubted compares what providers know of doubt with what sets say.
func (p *Pool) checkDoubted() error {
	want := map[*provider]map[*subject]bool{}
	for _, provider := range p.runtime.index.providers {
		want[provider] = map[*subject]bool{}
	}
	want[p.runtime.index.everyone] = map[*subject]bool{}
	for _, part := range p.runtime.index.lists {
		part.eachProvider(func(of *provider) { want[of] = map[*subject]bool{} })
	}
	err := p.eachSubject(func(name string, s *subject) error {
		doubted := 0
		for _, set := range s.sets() {
			if set.doubted && !set.active {
				return fmt.Errorf("%s is in doubt for %v and not out", name, set.scope)
			}
			if set.doubted {
				doubted++
			}
		}
		if doubted != s.doubted {
			return fmt.Errorf("%s counts %d sets in doubt of %d", name, s.doubted, doubted)
		}
		for _, m := range s.members {
			if doubted > 0 {
				want[m.provider][s], want[p.runtime.index.everyone][s] = true, true
				for _, of := range p.runtime.index.partsOf(m) {
					want[of][s] = true
				}
			}
		}
		return nil
	})
	for provider, subjects := range want {
		count := 0
		for s := range provider.doubted.Part(0, math.MaxInt) {
			if count++; !subjects[s] {
				return fmt.Errorf("provider %s has %v in doubt", provider.name, s.key())
			}
		}
		if count != len(subjects) {
			return fmt.Errorf("provider %s has %d in doubt, want %d", provider.name, count, len(subjects))
		}
	}
	return err
}

func (p *Pool) checkBlocked() error {
	listed := 0
	for _, lists := range []map[string][]*blockSet{p.runtime.blocked, p.runtime.families} {
		for model, sets := range lists {
			if len(sets) == 0 {
				return fmt.Errorf("an empty list for %q", model)
			}
			for i, s := range sets {
				if s.listIndex != i || s.scope.model != model || !s.active || s.owner.models[s.scope] != s {
					return fmt.Errorf("index %d of %q has a set that does not belong there", i, model)
				}
			}
			listed += len(sets)
		}
	}
	active := 0
	err := p.eachSet(func(s *blockSet) error {
		if s.active && s.scope.model != "" {
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
	waiting := map[*deadline.Timer]bool{}
	err := p.eachSet(func(s *blockSet) error {
		if s.timer.Of != s {
			return fmt.Errorf("the timer of set %v is about something else", s.scope)
		}
		if s.ledgers == nil && s.scope.model != "" {
			return fmt.Errorf("set %v is kept for nothing", s.scope)
		}
		if (s.active || s.halfOpen) && s.span(p.last).Until != cooldown.Never || s.timer.Scheduled() {
			waiting[&s.timer] = true
		}
		return s.check()
	})
	for _, m := range p.runtime.index.members {
		if !m.auth.ExpiresAt.IsZero() && !m.expired {
			waiting[&m.timer] = true
		}
	}
	count := len(waiting)
	p.runtime.timers.Each(func(t *deadline.Timer) { delete(waiting, t) })
	if count-len(waiting) != p.runtime.timers.Len() {
		return fmt.Errorf("%d of %d timers wait for nothing", p.runtime.timers.Len()-count+len(waiting), p.runtime.timers.Len())
	}
	if len(waiting) > 0 {
		return fmt.Errorf("%d sets or members wait without a timer", len(waiting))
	}
	return err
}

// check compares what a set was when time was last worked off with what its evidence says then.
func (s *blockSet) check() error {
	if !s.timer.Scheduled() {
		if r := s.span(0); (s.active || s.halfOpen) && r.Probe != cooldown.Never {
			return fmt.Errorf("set %v is blocked until %d and nobody will look again", s.scope, r.Probe)
		}
		return nil
	}
	// At the instant before its timer is due, it is as it is marked.
	at := cooldown.Instant(s.timer.Due() - 1)
	r := s.span(at)
	firm := r.Probe > at
	halfOpen := r.Deciding != nil && !firm
	if halfOpen != s.halfOpen || (firm || halfOpen && s.probeUntil > at) != s.active {
		return fmt.Errorf("set %v is marked active %t, half-open %t, and is blocked until %d, %d", s.scope, s.active, s.halfOpen, r.Probe, r.Until)
	}
	return nil
}

func (p *Pool) checkRoutes() error {
	count := 0
	for r := p.routes.ends.older; r != &p.routes.ends; r = r.older {
		if p.routes.of(r.list)[r.key] != r || r.older.newer != r || r.view != nil && r.strategy != p.strategyFor(r.key) {
			return fmt.Errorf("route %v is not where it should be", r.key)
		}
		for slot, l := range r.orders {
			if l != nil && (l.view.provider != nil && l.view.orders[l.kind] != l || r.weighted[slot] == nil) {
				return fmt.Errorf("the weighted rotation %d of route %v is over ordered members that is gone", slot, r.key)
			}
		}
		count++
	}
	if count != p.routes.count || count > maxRoutes {
		return fmt.Errorf("%d routes, %d in the ring", p.routes.count, count)
	}
	return nil
}

// Suspicions counts what is kept to find outages.
func (p *Pool) Suspicions() int {
	n := 0
	for _, all := range p.outages {
		n += len(all)
	}
	return n
}

// Take returns the ids of auths that changed since it was last called, sorted, each once.
func (w *Watcher) Take() []string {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	ids := []string{}
	for id, ok := w.next(); ok; id, ok = w.next() {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
