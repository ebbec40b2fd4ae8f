package selector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// maxOrphans bounds the identities that are kept after their last auth left the pool, and the limit domains that only others know.
const maxOrphans = 10_000

// Update adds or replaces the auths of put, and then removes those named by remove. State belongs to identities: a
// replaced auth keeps it, a removed one gets it back when it returns.
func (p *Pool) Update(put []*Auth, remove []string, now time.Time) {
	p.updating.Lock()
	defer p.updating.Unlock()
	// Only Update writes p.runtime.index and the auths in it, so reading them here needs no other lock.
	changed := make(map[string]*Auth, len(put)+len(remove))
	for _, a := range put {
		changed[a.ID] = a
	}
	for _, id := range remove {
		changed[id] = nil
	}
	x := p.runtime.index
	if x.fits(changed) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.swapAuths(changed, cooldown.InstantOf(now))
		return
	}
	generation := x.generation + 1
	next := newIndex(x.merge(changed, generation, cooldown.InstantOf(now)), generation)
	next.lists, next.parts = next.partition(slices.Collect(maps.Keys(x.lists)))
	for r, kinds := range p.usedOrders() {
		next.prepare(r, kinds)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swapIndex(next, changed, cooldown.InstantOf(now))
}

// fits reports whether the changed auths can take their places in the present index.
func (x *index) fits(changed map[string]*Auth) bool {
	for id, a := range changed {
		m := x.byID[id]
		if (m == nil) != (a == nil) || m != nil && (!sameShape(m.auth, a) || len(x.lists) > 0 && m.auth.Label != a.Label) {
			return false
		}
	}
	return true
}

// merge is the membership after a change, sorted by id.
func (x *index) merge(changed map[string]*Auth, generation uint64, now cooldown.Instant) []*member {
	added := make([]*Auth, 0, len(changed))
	for _, a := range changed {
		if a != nil {
			added = append(added, a)
		}
	}
	slices.SortFunc(added, func(a, b *Auth) int { return cmp.Compare(a.ID, b.ID) })
	auths := make([]*Auth, 0, len(x.members)+len(added))
	for _, old := range x.members {
		if _, ok := changed[old.auth.ID]; ok {
			continue
		}
		for len(added) > 0 && added[0].ID < old.auth.ID {
			auths, added = append(auths, added[0]), added[1:]
		}
		auths = append(auths, old.auth)
	}
	auths = append(auths, added...)
	// Members lie side by side, so that a rotation walks through memory.
	side := make([]member, len(auths))
	members := make([]*member, len(auths))
	for i, a := range auths {
		members[i] = &side[i]
		makeMember(members[i], a)
		members[i].born = generation
		old := x.byID[a.ID]
		if old == nil {
			continue
		}
		members[i].before = old
		members[i].dateSecret(a, old, now)
		if old.auth == a || sameRotation(old.auth, a) {
			members[i].born, members[i].state = old.born, old.state
		}
	}
	return members
}

// usedOrders are the kinds of orders, as a set of bits, that routes look at.
func (p *Pool) usedOrders() map[*route]uint {
	p.mu.Lock()
	defer p.mu.Unlock()
	used := make(map[*route]uint, p.routes.count)
	p.routes.each(func(r *route) {
		if r.view == nil {
			return
		}
		for kind, l := range r.view.orders {
			if l != nil {
				used[r] |= 1 << kind
			}
		}
	})
	return used
}

// prepare makes the ordered members of a route before an index is in use, so that no pick has to.
func (x *index) prepare(r *route, kinds uint) {
	part := x.part(r.list)
	if part == nil {
		return
	}
	provider := part.provider(r.key.provider)
	if provider == nil {
		return
	}
	v := provider.view(r.key.model)
	for kind := range orderKind(numOrderKinds) {
		if kinds>>kind&1 != 0 {
			v.makeOrder(kind)
		}
	}
}

// swapAuths replaces what picks hand out, without a new index.
func (p *Pool) swapAuths(changed map[string]*Auth, now cooldown.Instant) {
	for id, a := range changed {
		m := p.runtime.index.byID[id]
		if m == nil {
			continue // it was to be removed, and is not there
		}
		m.dateSecret(a, m, now)
		m.auth, m.expires, m.print = a, !a.ExpiresAt.IsZero(), 0
		m.refused = m.refusal(now) != nil
		p.runtime.refreshToken(m, now)
		p.runtime.refreshMember(m)
	}
}

// dateSecret notes when an auth that takes the place of old got another secret.
func (m *member) dateSecret(a *Auth, old *member, now cooldown.Instant) {
	m.secretSince = old.secretSince
	if old.auth != a && !sameHeaders(old.auth, a) {
		m.secretSince = now
	}
}

// swapIndex puts a new membership in place of the old, from which it differs by the changed auths. Picks wait for it.
func (p *Pool) swapIndex(next *index, changed map[string]*Auth, now cooldown.Instant) {
	p.routes.each(func(r *route) {
		r.view = nil
		r.saveOrders()
		r.parents.Prune(maxParents, next.parents)
	})
	for name := range p.outages {
		if next.providers[name] == nil {
			delete(p.outages, name)
		}
	}
	clear(p.excluded[:cap(p.excluded)])
	old := p.runtime.index
	p.runtime.index = next
	p.names.Store(next)
	p.setRules()
	p.runtime.unlink(old)
	p.runtime.link(next, now)
	for id, a := range changed {
		if m := old.byID[id]; m != nil && a == nil {
			p.runtime.feed.Change(id)
		}
	}
	p.runtime.countOrphans(old)
}

// unlink takes the members of an index that is not in use any more from their identities, which keep what they counted.
func (rt *runtimeState) unlink(old *index) {
	for _, m := range old.members {
		rt.timers.Cancel(&m.timer)
		m.state.picks += m.picks
		m.state.lastPicked = max(m.state.lastPicked, m.lastPicked)
		clear(m.state.members)
		m.state.members = m.state.members[:0]
	}
}

// link gives the members of the index in use to their identities and domains, and sets who is ready.
func (rt *runtimeState) link(x *index, now cooldown.Instant) {
	for _, m := range x.members {
		if m.state == nil {
			m.state = rt.identity(m.auth.identity())
		}
		m.name = m.state.name
		m.state.members = append(m.state.members, m)
		m.expired = m.expires && m.tokenOver(now)
		m.refused = m.refusal(now) != nil
		if m.expires && !m.expired {
			rt.timers.Schedule(&m.timer, int64(cooldown.InstantOf(m.auth.ExpiresAt)))
		}
		m.noteHalfOpen()
		if m.state.doubted > 0 {
			rt.listDoubted(&m.state.subject)
		}
	}
	rt.unshared = 0
	for _, d := range rt.domains {
		rt.attach(d)
	}
	x.fill()
	for _, part := range x.lists {
		part.fill()
	}
	for _, m := range x.members {
		if before := m.before; before == nil || before.auth != m.auth || before.expired != m.expired {
			rt.changed(&m.state.subject)
		}
		m.before = nil
	}
}

// pinSlot marks the slot that references are bound to. Releasing an identity's sessions leaves them: nobody else can ever
// resolve what it issued.
const pinSlot Slot = 1 << 31

// SlotOf returns the slot of an identity for what was bound to it at a time, in Unix nanoseconds. False: the pool does not
// know the identity, or its sessions were released since.
func (p *Pool) SlotOf(identity string, bound int64) (Slot, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.runtime.identities[identity]
	if s == nil || bound <= int64(s.released) {
		return 0, false
	}
	return s.slot, true
}

// Released is when the sessions of an identity were last released, as Record.Released has it.
func (p *Pool) Released(identity string) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.runtime.identities[identity]; s != nil {
		return int64(s.released)
	}
	return 0
}

// NameOf returns the identity behind a slot. False: it is gone, and nothing is bound to the slot any more.
func (p *Pool) NameOf(slot Slot) (identity string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.runtime.identityOf(slot)
	if s == nil {
		return "", false
	}
	return s.name, true
}

// AuthOf returns the id of an auth of the identity behind a slot, the first sorted. False: it left the pool.
func (p *Pool) AuthOf(slot Slot) (id string, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.runtime.identityOf(slot)
	if s == nil || len(s.members) == 0 {
		return "", false
	}
	return s.members[0].auth.ID, true
}
