package selector

import (
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// PermitKey names what a permit is for: one scope of one identity or limit domain.
type PermitKey struct {
	Record cooldown.RecordKey
	Model  string
	Family bool
}

// permitSpan is how many times the time of a probe a permit lasts, so that one that is not used at once is good for a while.
const permitSpan = 2

// PermitLease is for how long a permit has to be claimed.
func (p *Pool) PermitLease() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return permitSpan * p.settings.probeTimeout()
}

// Wanted returns the permits that are wanted now, each once: those of what became half-open, or of which the last permit
// was used or is over. Without Config.Permits there are none.
func (p *Pool) Wanted() []PermitKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runtime.outbox.takeWanted()
}

// Grant gives the pool a permit until a time, by which a request that uses it must be over. It reports whether the permit
// is still of use; one that is not should be given back.
func (p *Pool) Grant(key PermitKey, until, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.runtime.permitted(key)
	if s == nil || !s.halfOpen {
		return false
	}
	s.permit = cooldown.InstantOf(until.Add(-p.settings.probeTimeout()))
	p.runtime.refreshSet(s, cooldown.InstantOf(now))
	return s.permit != 0
}

// Revoke takes a permit away. A request that uses it already goes on.
func (p *Pool) Revoke(key PermitKey, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if s := p.runtime.permitted(key); s != nil && s.permit != 0 {
		s.permit = 0
		p.runtime.refreshSet(s, cooldown.InstantOf(now))
	}
}

// Wants reports whether a permit is still wanted.
func (p *Pool) Wants(key PermitKey) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.runtime.permitted(key)
	return s != nil && s.halfOpen && s.permit == 0
}

// Returned are the permits that the pool was granted and does not need any more, each once.
func (p *Pool) Returned() []PermitKey {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &p.runtime.outbox
	keys := out.returned
	out.returned = nil
	return keys
}

// permitted finds the blocks that a permit is for.
func (rt *runtimeState) permitted(key PermitKey) *blockSet {
	var s *subject
	switch key.Record.Kind {
	case cooldown.RecordIdentity:
		if id := rt.identities[key.Record.Name]; id != nil {
			s = &id.subject
		}
	case cooldown.RecordDomain:
		s = rt.domains[domainKey{provider: key.Record.Provider, name: key.Record.Name}]
	case cooldown.RecordProvider:
		s = rt.domains[outageKey(key.Record.Provider)]
	}
	if s == nil {
		return nil
	}
	return s.set(scope{model: key.Model, family: key.Family})
}

func (s *blockSet) permitKey() PermitKey {
	return PermitKey{Record: s.owner.key(), Model: s.scope.model, Family: s.scope.family}
}

// refreshPermit asks for a permit, or gives one back, as a set becomes half-open or is not any more.
func (rt *runtimeState) refreshPermit(s *blockSet, now cooldown.Instant) {
	if s.owner.alone {
		return
	}
	probed := s.probeUntil > now
	if !probed && (!s.halfOpen || s.permit < now) {
		rt.outbox.giveBack(s)
	}
	if s.halfOpen && s.permit == 0 && !probed {
		rt.outbox.want(s)
	}
}
