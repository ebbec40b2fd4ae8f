package selector

import (
	"cmp"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/modelglob"
)

// Filter selects auths for List.
type Filter struct {
	// Allow is what is listed: one of Settings.Lists, by its pointer; nil: everything.
	Allow *allow.List
	// Provider, by any name that a request may use; empty: all.
	Provider string
	// Model that they serve; blank: any. State is then about this model.
	Model string
	// State; 0: any.
	State State
	// After is the id to go on after.
	After string
	// Limit is how many to return at most; 0: all.
	Limit int
}

// Auth returns one auth as it is configured. False: it is not in the pool.
func (p *Pool) Auth(id string) (*Auth, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	if m == nil {
		return nil, false
	}
	return m.auth, true
}

// Status returns one auth. The error is ErrUnknownAuth.
func (p *Pool) Status(id string, now time.Time) (Status, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	if m == nil {
		return Status{}, ErrUnknownAuth
	}
	return m.status("", cooldown.InstantOf(now)), nil
}

// List returns the auths that match, sorted by id, and how many match in all, whatever After and Limit.
func (p *Pool) List(f Filter, now time.Time) (page []Status, total int) {
	nanos := cooldown.InstantOf(now)
	key := ModelKey(f.Model)
	f.Provider = p.Provider(f.Provider)
	p.each(f.Allow, func(m *member, served *modelglob.Served) {
		if f.Provider != "" && m.auth.Provider != f.Provider || key != "" && !served.Serve(key) {
			return
		}
		if f.State != 0 {
			if state, _ := m.stateFor(key, nanos); state != f.State {
				return
			}
		}
		total++
		if m.auth.ID > f.After && (f.Limit == 0 || len(page) < f.Limit) {
			page = append(page, m.status(key, nanos))
		}
	})
	return page, total
}

// Quotas are the quota windows that an auth's answers told of.
type Quotas struct {
	Auth    *Auth
	Windows []cooldown.Window
}

// Quotas returns those of at most limit auths that have any, sorted by id; of auths of one identity the first.
func (p *Pool) Quotas(limit int) []Quotas {
	var all []Quotas
	p.each(nil, func(m *member, _ *modelglob.Served) {
		if len(all) < limit && len(m.state.windows) > 0 && m.state.members[0] == m {
			all = append(all, Quotas{m.auth, slices.Clone(m.state.windows)})
		}
	})
	return all
}

// PoolCount is how many auths of a provider are in a state.
type PoolCount struct {
	Provider string
	State    State
	Count    int
}

// Counts returns what is allowed of the pool by provider and state of the auth as a whole, sorted, without zeros.
func (p *Pool) Counts(list *allow.List, now time.Time) []PoolCount {
	nanos := cooldown.InstantOf(now)
	counts := make(map[PoolCount]int)
	p.each(list, func(m *member, _ *modelglob.Served) {
		state, _ := m.stateFor("", nanos)
		counts[PoolCount{Provider: m.auth.Provider, State: state}]++
	})
	all := make([]PoolCount, 0, len(counts))
	for c, count := range counts {
		c.Count = count
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b PoolCount) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.State, b.State))
	})
	return all
}

// eachAtOnce is how many auths a listing looks at before it lets picks pass.
const eachAtOnce = 1024

// each calls f for the auths that are allowed, sorted by id, and what they serve, under the lock, which it lets go of now and
// then.
func (p *Pool) each(list *allow.List, f func(*member, *modelglob.Served)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	part := p.runtime.index.part(list)
	if part == nil {
		return
	}
	for i, m := range part.members {
		if i%eachAtOnce == eachAtOnce-1 {
			letPass(&p.mu)
		}
		served := m.patterns
		if list != nil {
			served = part.everyone.admitted[i]
		}
		f(m, served)
	}
}

// stateFor is the state of an auth for a model key that it serves, or as a whole for "".
func (m *member) stateFor(key string, now cooldown.Instant) (State, eligibility) {
	s := m.eligibility(key, now)
	switch s.reason {
	case ReasonReady:
		return StateReady, s
	case ReasonDisabled:
		return StateDisabled, s
	default:
		if s.quota && s.until != cooldown.Never {
			return StateCooling, s
		}
		return StateBlocked, s
	}
}

func (m *member) status(key string, now cooldown.Instant) Status {
	state, s := m.stateFor(key, now)
	status := Status{
		Auth: m.auth, Priority: m.priority, Weight: m.weight,
		State: state, Why: s.detail, Until: timeOf(s.until),
		Blocks: m.blocks(now), Slot: m.state.slot, Windows: slices.Clone(m.state.windows),
		Picks: m.state.picks, LastReport: m.state.report,
	}
	last := m.state.lastPicked
	for _, sibling := range m.state.members {
		status.Picks += sibling.picks
		last = max(last, sibling.lastPicked)
	}
	status.LastPicked = timeOf(last)
	if state != StateReady && status.Why == "" {
		status.Why = s.reason.message()
	}
	return status
}

// message is a human-readable one, where nobody gave any.
func (r Reason) message() string {
	switch r {
	case ReasonDisabled:
		return "disabled by an operator"
	case ReasonInvalidated:
		return "the upstream refused its secret"
	case ReasonCoolingAuth, ReasonCoolingModel, ReasonCoolingDomain:
		return "cooling down"
	case ReasonHalfOpen:
		return "a request is probing it"
	default:
		return "blocked"
	}
}

// blocks in force: of the auth before those of its domains, of the whole before those of models and families.
func (m *member) blocks(now cooldown.Instant) []Block {
	var all []Block
	secret := cooldown.Fingerprint(0)
	if m.state.whole.ledgers != nil {
		secret = m.secret()
	}
	add := func(set *blockSet) {
		for kind := range cooldown.NumKinds {
			if b, ok := set.block(kind, secret, now); ok {
				all = append(all, b)
			}
		}
	}
	m.subjects(func(s *subject) {
		add(&s.whole)
		for _, set := range s.models {
			add(set)
		}
	})
	slices.SortFunc(all, func(a, b Block) int {
		return cmp.Or(
			cmp.Compare(a.Domain, b.Domain), cmp.Compare(a.Family, b.Family), cmp.Compare(a.Model, b.Model), cmp.Compare(a.Kind, b.Kind),
		)
	})
	return all
}
