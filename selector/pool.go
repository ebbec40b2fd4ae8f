package selector

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/credbroker/credbroker/internal/glob"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// Config is what a Pool is made of.
type Config struct {
	// Settings of selection.
	Settings Settings
	// Bindings keep sessions on their auth; nil: sessions are not bound.
	Bindings Bindings
	// Seed makes what is random: backoff jitter and where group cursors start.
	Seed uint64
	// Recording: changes are kept for Take until it is called.
	Recording bool
	// Permits: what is half-open is tried only with a permit, see Wanted and Grant.
	Permits bool
	// Wake is called when there is something new for Take, Wanted or Returned; nil: nobody is told. The pool calls it under
	// its own lock, so it must not wait and must not call back.
	Wake func()
	// CursorStart is the first value of a rotation's cursor. Replicas of a fleet use different ones.
	CursorStart uint64
}

// Pool knows the auths and their state and decides picks. All methods may be called concurrently.
type Pool struct {
	bindings    Bindings
	seed        uint64
	cursorStart uint64
	recording   bool
	permits     bool
	wake        func()

	// updating serialises changes of the membership; it is taken before mu.
	updating sync.Mutex

	// mu guards everything below.
	mu         sync.Mutex
	settings   Settings
	index      *index
	identities map[string]*identity
	slots      []*identity // by Slot; nil: free
	free       []Slot
	orphans    []*identity            // without auths, the longest gone first
	blocked    map[string][]*blockSet // in force, by model key
	families   map[string][]*blockSet // in force, by glob
	domains    map[domainKey]*subject
	outages    outages
	timers     timers
	routes     routes
	watchers   map[*Watcher]struct{}
	random     *rand.Rand
	last       cooldown.Instant // stamp

	// What is to be stored, asked for and given back. A subject or set is in each at most once.
	changes  uint64
	dirty    []*subject
	wanted   []*blockSet
	returned []PermitKey

	uses     uint64 // counts picks
	openings openings

	// Scratch of a pick.
	excluded []*member
	scratch  []int32
}

// New returns a pool without auths.
func New(c Config) *Pool {
	if c.Wake == nil {
		c.Wake = func() {}
	}
	p := &Pool{
		bindings: c.Bindings, seed: c.Seed, cursorStart: c.CursorStart, settings: c.Settings,
		recording: c.Recording, permits: c.Permits, wake: c.Wake,
		index: newIndex(nil, 0), identities: make(map[string]*identity), domains: make(map[domainKey]*subject),
		blocked: make(map[string][]*blockSet), families: make(map[string][]*blockSet),
		watchers: make(map[*Watcher]struct{}),
		random:   rand.New(rand.NewPCG(c.Seed, c.Seed)), //nolint:gosec // jitter is no secret
	}
	p.routes.init()
	return p
}

// Configure changes the settings. Cursors, bindings and cooldowns stay.
func (p *Pool) Configure(s Settings) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.settings = s
	for key, r := range p.routes.byKey {
		r.strategy = s.strategyFor(key.provider, key.model)
	}
}

// Advance works off up to limit ends of cooldowns that are over at now, and returns when to call it next: zero if
// nothing will end. A pick does a little of that work itself, so late calls cost fairness, not correctness.
func (p *Pool) Advance(now time.Time, limit int) (next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance(cooldown.InstantOf(now), limit)
	if t := p.timers.next(); t != nil {
		return t.due.Time()
	}
	return time.Time{}
}

func (p *Pool) advance(now cooldown.Instant, limit int) {
	for ; limit > 0; limit-- {
		t := p.timers.next()
		if t == nil || t.due > now {
			return
		}
		if t.set != nil {
			p.refreshSet(t.set, now)
		} else {
			p.refreshToken(t.member, now)
		}
	}
}

// stamp is the time at which something is taken in: later than all that was before.
func (p *Pool) stamp(now time.Time) cooldown.Instant {
	p.last = max(cooldown.InstantOf(now), p.last+1)
	return p.last
}

// refreshSet makes the index follow the blocks of a set: whether any is in force, whether it is half-open, and when to
// look again.
func (p *Pool) refreshSet(s *blockSet, now cooldown.Instant) {
	r := s.rest(now)
	resting := r.Probe > now
	halfOpen := r.Deciding != nil && !resting
	tried := halfOpen && s.trial.until > now
	if halfOpen != s.halfOpen {
		s.halfOpen = halfOpen
		p.countTrial(s)
	}
	p.refreshPermit(s, now)
	if active := resting || tried || halfOpen && !s.mayTry(now); active != s.active {
		s.active = active
		p.refreshScope(s)
	}
	p.changed(s.owner)
	due := p.refreshRefusals(s, now)
	if s.permit != 0 && s.trial.until > now {
		due = min(due, s.trial.until) // it is given back then
	}
	switch {
	case resting:
		due = min(due, r.Probe)
	case tried:
		due = min(due, s.trial.until, r.Until)
	case halfOpen && s.permit != 0:
		due = min(due, s.permit+1, r.Until)
	case halfOpen:
		due = min(due, r.Until)
	case due == cooldown.Never:
		p.refreshMemory(s, now)
		return
	}
	p.timers.schedule(&s.timer, due)
}

// refreshRefusals follows the begin or end of an upstream's refusing secrets, and returns when the next of them ends.
func (p *Pool) refreshRefusals(s *blockSet, now cooldown.Instant) (next cooldown.Instant) {
	next = cooldown.Never
	if s.ledgers == nil || s.scope.model != "" {
		return next
	}
	for i := range s.ledgers[cooldown.Authentication].Observations {
		if e := &s.ledgers[cooldown.Authentication].Observations[i]; e.Secret != 0 && e.Until > now {
			next = min(next, e.Until)
		}
	}
	if s.owner.domain == (domainKey{}) {
		for _, m := range s.owner.members {
			if refused := m.refusal(now) != nil; refused != m.refused {
				m.refused = refused
				p.refreshMember(m)
			}
		}
	}
	return next
}

// refreshMemory keeps what is over for as long as something counts on it.
func (p *Pool) refreshMemory(s *blockSet, now cooldown.Instant) {
	if next := s.forget(now); next != 0 {
		p.timers.schedule(&s.timer, next)
		return
	}
	p.timers.cancel(&s.timer)
	if s.scope.model != "" {
		p.dropSet(s)
	}
	if s.owner.domain != (domainKey{}) && s.owner.empty() {
		p.dropDomain(s.owner)
	}
}

// countTrial follows the begin or end of a set's being half-open.
func (p *Pool) countTrial(s *blockSet) {
	if s.halfOpen {
		s.owner.trials++
	} else {
		s.owner.trials--
	}
	for _, m := range s.owner.members {
		m.noteTrials()
	}
}

// refreshScope follows the begin or end of a set's keeping auths away.
func (p *Pool) refreshScope(s *blockSet) {
	if s.scope.model == "" {
		for _, m := range s.owner.members {
			p.refreshMember(m)
		}
		return
	}
	p.refreshModel(s)
}

func (p *Pool) refreshToken(m *member, now cooldown.Instant) {
	expired := m.tokenOver(now)
	if !expired && !m.auth.ExpiresAt.IsZero() {
		p.timers.schedule(&m.timer, cooldown.InstantOf(m.auth.ExpiresAt))
	} else {
		p.timers.cancel(&m.timer)
	}
	if expired != m.expired {
		m.expired = expired
		p.refreshMember(m)
	}
	p.changed(&m.state.subject)
}

func (p *Pool) refreshIdentity(s *identity) {
	for _, m := range s.members {
		p.refreshMember(m)
	}
}

func (p *Pool) refreshMember(m *member) {
	for _, l := range m.provider.lanes {
		l.update(m)
	}
	for _, l := range p.index.everyone.lanes {
		l.update(m)
	}
}

// refreshModel follows the begin or end of a block for one model, or for a family.
func (p *Pool) refreshModel(s *blockSet) {
	if lists := p.listsOf(s); s.active {
		s.place = len(lists[s.scope.model])
		lists[s.scope.model] = append(lists[s.scope.model], s)
	} else {
		unblock(lists, s)
	}
	for _, m := range s.owner.members {
		for _, lanes := range [][]*lane{m.provider.lanes, p.index.everyone.lanes} {
			for _, l := range lanes {
				l.eachKey(m, s, func(key string) { l.updateModel(m, key, s.active) })
			}
		}
	}
}

// listsOf are the lists of which a set in force is in one.
func (p *Pool) listsOf(s *blockSet) map[string][]*blockSet {
	if s.scope.family {
		return p.families
	}
	return p.blocked
}

func unblock(lists map[string][]*blockSet, s *blockSet) {
	resting := lists[s.scope.model]
	last := resting[len(resting)-1]
	resting[s.place], last.place = last, s.place
	resting[len(resting)-1] = nil
	if len(resting) == 1 {
		delete(lists, s.scope.model)
		return
	}
	lists[s.scope.model] = resting[:len(resting)-1]
}

// resting are the blocks in force that may concern a requested model key: those for the key itself, those for what is
// left of it without a prefix that some auth has, and those for families of either.
func (p *Pool) resting(key string) (lists [][]*blockSet) {
	keys := []string{key}
	for i := range len(key) {
		if key[i] == '/' && p.index.prefixes[key[:i]] {
			keys = append(keys, key[i+1:])
		}
	}
	for _, key := range keys {
		if sets := p.blocked[key]; sets != nil {
			lists = append(lists, sets)
		}
	}
	for family, sets := range p.families {
		if slices.ContainsFunc(keys, func(key string) bool { return glob.Match(family, key) }) {
			lists = append(lists, sets)
		}
	}
	return lists
}

// changed tells watchers, and those who keep count of why auths are not ready.
func (p *Pool) changed(s *subject) {
	for _, m := range s.members {
		m.provider.changes.Add(m.place)
		p.index.everyone.changes.Add(m.index)
		for w := range p.watchers {
			w.add(m.auth.ID)
		}
	}
}
