package selector

import (
	"slices"

	"github.com/credbroker/credbroker/internal/glob"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/deadline"
	"github.com/credbroker/credbroker/selector/internal/feed"
)

// runtimeState is what is known of identities and limit domains at a time: what blocks them, what is half-open, and when that
// ends; and the index, which it keeps true to that. Pool.mu guards it.
type runtimeState struct {
	bindings Bindings // nil: none
	permits  bool     // what is half-open is probed only with a permit
	index    *index

	identities map[string]*identity
	slots      []*identity // by Slot; nil: free
	free       []Slot
	orphans    []*identity // without auths, the longest gone first
	domains    map[domainKey]*subject
	unshared   int // domains that no auth of the index declares

	blocked  map[string][]*blockSet // in force, by model key
	families map[string][]*blockSet // in force, by glob
	timers   deadline.Heap

	feed   feed.Feed[domainKey] // of ids of auths, and of domains of which all members changed
	outbox outbox
}

func newRuntime(c Config) runtimeState {
	return runtimeState{
		bindings: c.Bindings, permits: c.Permits, index: newIndex(nil, 0),
		identities: make(map[string]*identity), domains: make(map[domainKey]*subject),
		blocked: make(map[string][]*blockSet), families: make(map[string][]*blockSet),
		outbox: outbox{recording: c.Recording, wake: c.Wake},
	}
}

func (rt *runtimeState) advance(now cooldown.Instant, limit int) {
	for ; limit > 0; limit-- {
		t := rt.timers.Next()
		if t == nil || !t.Over(int64(now)) {
			return
		}
		switch of := t.Of.(type) {
		case *blockSet:
			rt.refreshSet(of, now)
		case *member:
			rt.refreshToken(of, now)
		}
	}
}

// refreshSet makes the index follow the blocks of a set: whether any is in force, whether it is half-open, and when to
// look again.
func (rt *runtimeState) refreshSet(s *blockSet, now cooldown.Instant) {
	r := s.span(now)
	firm := r.Probe > now
	halfOpen := r.Deciding != nil && !firm
	probed := halfOpen && s.probeUntil > now
	if halfOpen != s.halfOpen {
		s.halfOpen = halfOpen
		rt.countHalfOpen(s)
	}
	rt.refreshPermit(s, now)
	active := firm || probed || halfOpen && !s.mayProbe(now)
	changed := active != s.active
	if s.active = active; changed {
		rt.refreshScope(s)
	}
	rt.refreshDoubted(s, active && s.inDoubt(now))
	if changed = s.count(r, firm) || changed; changed || s.owner.identity != nil {
		rt.recount(s.owner)
	}
	rt.tellWatchers(s.owner)
	due := rt.refreshRefusals(s, now)
	if s.permit != 0 && s.probeUntil > now {
		due = min(due, s.probeUntil) // it is given back then
	}
	switch {
	case firm:
		due = min(due, r.Probe)
	case probed:
		due = min(due, s.probeUntil, r.Until)
	case halfOpen && s.permit != 0:
		due = min(due, s.permit+1, r.Until)
	case halfOpen:
		due = min(due, r.Until)
	case due == cooldown.Never:
		rt.refreshMemory(s, now)
		return
	}
	rt.timers.Schedule(&s.timer, int64(due))
}

// refreshRefusals follows the begin or end of an upstream's refusing secrets, and returns when the next of them ends.
func (rt *runtimeState) refreshRefusals(s *blockSet, now cooldown.Instant) (next cooldown.Instant) {
	next = cooldown.Never
	if s.ledgers == nil || s.scope.model != "" {
		return next
	}
	for _, e := range s.ledgers.Authentication.Observations {
		if e.Secret != 0 && e.Until > now {
			next = min(next, e.Until)
		}
	}
	if s.owner.domain == (domainKey{}) {
		for _, m := range s.owner.members {
			if refused := m.refusal(now) != nil; refused != m.refused {
				m.refused = refused
				rt.refreshMember(m)
			}
		}
	}
	return next
}

// refreshMemory keeps what is over for as long as something counts on it.
func (rt *runtimeState) refreshMemory(s *blockSet, now cooldown.Instant) {
	if next := s.prune(now); next != 0 {
		rt.timers.Schedule(&s.timer, int64(next))
		return
	}
	rt.timers.Cancel(&s.timer)
	if s.scope.model != "" {
		rt.dropSet(s)
	}
	if s.owner.domain != (domainKey{}) {
		rt.dropEmpty(s.owner, now)
	}
}

// refreshDoubted follows the begin or end of a set's keeping auths out over what is doubtful.
func (rt *runtimeState) refreshDoubted(s *blockSet, doubted bool) {
	if doubted == s.doubted {
		return
	}
	if s.doubted = doubted; doubted {
		s.owner.doubted++
	} else {
		s.owner.doubted--
	}
	rt.listDoubted(s.owner)
}

// listDoubted has the providers of a subject's auths know whether it is in doubt.
func (rt *runtimeState) listDoubted(s *subject) {
	in := s.doubted > 0
	for i, m := range s.members {
		if i == 0 || s.identity != nil { // auths of a domain are of one provider
			m.provider.doubted.Change(s, in)
			rt.index.everyone.doubted.Change(s, in)
		} else if len(rt.index.parts) == 0 {
			return
		}
		for _, p := range rt.index.partsOf(m) {
			p.doubted.Change(s, in)
		}
	}
}

// countHalfOpen follows the begin or end of a set's being half-open.
func (rt *runtimeState) countHalfOpen(s *blockSet) {
	if s.halfOpen {
		s.owner.halfOpen++
	} else {
		s.owner.halfOpen--
	}
	for _, m := range s.owner.members {
		m.noteHalfOpen()
	}
}

// refreshScope follows the begin or end of a set's keeping auths away.
func (rt *runtimeState) refreshScope(s *blockSet) {
	if s.scope.model == "" {
		for _, m := range s.owner.members {
			rt.refreshMember(m)
		}
		return
	}
	rt.refreshModel(s)
}

func (rt *runtimeState) refreshToken(m *member, now cooldown.Instant) {
	expired := m.tokenOver(now)
	if !expired && !m.auth.ExpiresAt.IsZero() {
		rt.timers.Schedule(&m.timer, int64(cooldown.InstantOf(m.auth.ExpiresAt)))
	} else {
		rt.timers.Cancel(&m.timer)
	}
	if expired != m.expired {
		m.expired = expired
		rt.refreshMember(m)
	}
	rt.changed(&m.state.subject)
}

func (rt *runtimeState) refreshIdentity(s *identity) {
	for _, m := range s.members {
		rt.refreshMember(m)
	}
}

func (rt *runtimeState) refreshMember(m *member) {
	for _, l := range m.provider.orders {
		l.update(m)
	}
	for _, l := range rt.index.everyone.orders {
		l.update(m)
	}
	for _, p := range rt.index.partsOf(m) {
		for _, l := range p.orders {
			l.update(m)
		}
	}
}

// refreshModel follows the begin or end of a block for one model, or for a family.
func (rt *runtimeState) refreshModel(s *blockSet) {
	if lists := rt.listsOf(s); s.active {
		s.listIndex = len(lists[s.scope.model])
		lists[s.scope.model] = append(lists[s.scope.model], s)
	} else {
		unblock(lists, s)
	}
	for _, m := range s.owner.members {
		m.provider.updateModel(m, s)
		rt.index.everyone.updateModel(m, s)
		for _, p := range rt.index.partsOf(m) {
			p.updateModel(m, s)
		}
	}
}

// updateModel follows the begin or end of a block of a member of the provider.
func (p *provider) updateModel(m *member, s *blockSet) {
	for _, l := range p.orders {
		l.eachKey(m, s, func(key string) { l.updateModel(m, key, s.active) })
	}
}

// listsOf are the lists of which a set in force is in one.
func (rt *runtimeState) listsOf(s *blockSet) map[string][]*blockSet {
	if s.scope.family {
		return rt.families
	}
	return rt.blocked
}

func unblock(lists map[string][]*blockSet, s *blockSet) {
	firm := lists[s.scope.model]
	last := firm[len(firm)-1]
	firm[s.listIndex], last.listIndex = last, s.listIndex
	firm[len(firm)-1] = nil
	if len(firm) == 1 {
		delete(lists, s.scope.model)
		return
	}
	lists[s.scope.model] = firm[:len(firm)-1]
}

// blocksFor are the blocks in force that may concern a requested model key: those for the key itself, those for what is
// left of it without a prefix that some auth has, and those for families of either.
func (rt *runtimeState) blocksFor(key string) (lists [][]*blockSet) {
	keys := []string{key}
	for i := range len(key) {
		if key[i] == '/' && rt.index.prefixes[key[:i]] {
			keys = append(keys, key[i+1:])
		}
	}
	for _, key := range keys {
		if sets := rt.blocked[key]; sets != nil {
			lists = append(lists, sets)
		}
	}
	for family, sets := range rt.families {
		if slices.ContainsFunc(keys, func(key string) bool { return glob.Match(family, key) }) {
			lists = append(lists, sets)
		}
	}
	return lists
}

// changed tells watchers, and those who keep count of why auths are not ready.
func (rt *runtimeState) changed(s *subject) {
	rt.recount(s)
	rt.tellWatchers(s)
}

// recount has the members of a subject looked at again by those who keep count of why auths are not ready.
func (rt *runtimeState) recount(s *subject) {
	for _, m := range s.members {
		m.provider.changes.Add(m.providerIndex)
		rt.index.everyone.changes.Add(int(m.index))
		for _, p := range rt.index.partsOf(m) {
			p.changes.Add(p.indexOf(m))
		}
	}
}

// dropSet forgets the blocks of one model or family.
func (rt *runtimeState) dropSet(s *blockSet) {
	if s.halfOpen {
		s.halfOpen = false
		rt.countHalfOpen(s)
	}
	if s.active {
		s.active = false
		rt.refreshModel(s)
	}
	rt.refreshDoubted(s, false)
	rt.outbox.giveBack(s)
	rt.timers.Cancel(&s.timer)
	s.owner.remove(s)
}

// subjectOf a key, made if needed; nil: the key makes no sense, or there is no room for it.
func (rt *runtimeState) subjectOf(key cooldown.RecordKey) *subject {
	switch key.Kind {
	case cooldown.RecordIdentity:
		s := rt.identity(key.Name)
		rt.countOrphan(s)
		rt.boundOrphans()
		return &s.subject
	case cooldown.RecordDomain:
		return rt.domainOf(domainKey{provider: key.Provider, name: key.Name})
	case cooldown.RecordProvider:
		return rt.domainOf(outageKey(key.Provider))
	}
	return nil
}
