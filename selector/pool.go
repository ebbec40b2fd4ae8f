package selector

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Config is what a Pool is made of.
type Config struct {
	// Settings of selection.
	Settings Settings
	// Bindings keep sessions on their auth; nil: sessions are not bound.
	Bindings Bindings
	// Seed makes what is random: backoff jitter and where group cursors start.
	Seed uint64
	// CursorStart is the first value of a rotation's cursor. Replicas of a fleet use different ones.
	CursorStart uint64
}

// Pool knows the auths and their state and decides picks. All methods may be called concurrently.
type Pool struct {
	bindings    Bindings
	seed        uint64
	cursorStart uint64

	// updating serialises changes of the membership; it is taken before mu.
	updating sync.Mutex

	// mu guards everything below.
	mu         sync.Mutex
	settings   Settings
	index      *index
	identities map[string]*identity
	slots      []*identity // by Slot; nil: free
	free       []Slot
	orphans    []*identity // without auths, the longest gone first
	blocked    map[string][]*blockSet
	timers     timers
	routes     routes
	watchers   map[*Watcher]struct{}
	random     *rand.Rand

	uses uint64 // counts picks

	// Scratch of a pick.
	excluded []*member
	scratch  []int32
}

// New returns a pool without auths.
func New(c Config) *Pool {
	p := &Pool{
		bindings: c.Bindings, seed: c.Seed, cursorStart: c.CursorStart, settings: c.Settings,
		index: newIndex(nil, 0), identities: make(map[string]*identity), blocked: make(map[string][]*blockSet),
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
	p.advance(now.UnixNano(), limit)
	if t := p.timers.next(); t != nil {
		return time.Unix(0, t.due)
	}
	return time.Time{}
}

func (p *Pool) advance(now int64, limit int) {
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

// refreshSet makes the index follow the blocks of a set: whether any is in force, and when to look again.
func (p *Pool) refreshSet(s *blockSet, now int64) {
	_, b := s.latest()
	active := b.until > now
	if active != s.active {
		s.active = active
		if s.model == "" {
			p.refreshIdentity(s.owner)
		} else {
			p.refreshModel(s)
		}
	}
	p.changed(s.owner)
	switch {
	case active:
		p.timers.schedule(&s.timer, b.until)
	case s.model != "" && (b.until == 0 || !s.remembers() || b.until+int64(ladderMemory) <= now):
		p.timers.cancel(&s.timer)
		delete(s.owner.models, s.model)
	case s.remembers() && b.until+int64(ladderMemory) > now:
		p.timers.schedule(&s.timer, b.until+int64(ladderMemory))
	default:
		p.timers.cancel(&s.timer)
		s.kinds = [numCooldownKinds]block{}
	}
}

func (p *Pool) refreshToken(m *member, now int64) {
	expired := m.tokenOver(now)
	if !expired && !m.auth.ExpiresAt.IsZero() {
		p.timers.schedule(&m.timer, nanosOf(m.auth.ExpiresAt))
	} else {
		p.timers.cancel(&m.timer)
	}
	if expired != m.expired {
		m.expired = expired
		p.refreshMember(m)
	}
	p.changed(m.state)
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

// refreshModel follows the begin or end of a block for one model.
func (p *Pool) refreshModel(s *blockSet) {
	if s.active {
		s.place = len(p.blocked[s.model])
		p.blocked[s.model] = append(p.blocked[s.model], s)
	} else {
		p.unblock(s)
	}
	for _, m := range s.owner.members {
		m.routeKeys(s.model, func(key string) {
			for _, l := range m.provider.lanes {
				l.updateModel(m, key, s.active)
			}
			for _, l := range p.index.everyone.lanes {
				l.updateModel(m, key, s.active)
			}
		})
	}
}

func (p *Pool) unblock(s *blockSet) {
	resting := p.blocked[s.model]
	last := resting[len(resting)-1]
	resting[s.place], last.place = last, s.place
	resting[len(resting)-1] = nil
	if len(resting) == 1 {
		delete(p.blocked, s.model)
		return
	}
	p.blocked[s.model] = resting[:len(resting)-1]
}

// resting are the blocks in force that may concern a requested model key: those for the key itself, and those for what
// is left of it without a prefix that some auth has.
func (p *Pool) resting(key string) (lists [][]*blockSet) {
	if sets := p.blocked[key]; sets != nil {
		lists = append(lists, sets)
	}
	for i := range len(key) {
		if key[i] == '/' && p.index.prefixes[key[:i]] {
			if sets := p.blocked[key[i+1:]]; sets != nil {
				lists = append(lists, sets)
			}
		}
	}
	return lists
}

// changed tells watchers, and makes what picks remember of a pool without a ready auth stale.
func (p *Pool) changed(s *identity) {
	for _, m := range s.members {
		m.provider.version++
		p.index.everyone.version++
		for w := range p.watchers {
			w.add(m.auth.ID)
		}
	}
}
