package selector

import (
	"slices"
	"sync"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// ChangedAt is what Changes was when something that concerns an auth was changed last; of an auth that is not in the pool,
// what it is now.
func (p *Pool) ChangedAt(id string) (changes uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[id]
	if m == nil {
		return p.runtime.outbox.changes
	}
	m.subjects(func(s *subject) { changes = max(changes, s.changedAt) })
	return changes
}

// Changes counts what must be stored of all that was changed so far. A change is safe once Take was called after it and
// what that returned is stored.
func (p *Pool) Changes() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.runtime.outbox.changes
}

// Take returns what changed of records since it was last called, at most limit of them, and the count of changes that are
// stored once these are: the scopes that changed, and all that is beside them. It is to be merged into what is kept. More says that there are others.
func (p *Pool) Take(limit int) (records []cooldown.Record, changes uint64, more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &p.runtime.outbox
	for pause := pausing(&p.mu); len(records) < limit && len(out.dirty) > 0; {
		r := out.take()
		records = append(records, r)
		pause(len(r.Scopes))
	}
	return records, out.changes, len(out.dirty) > 0
}

// scopesAtOnce is how many scopes of records are worked off before picks may pass.
const scopesAtOnce = 256

// pausing lets others have a lock now and then while records are worked off: it is to be called after each, which may have a
// thousand scopes.
func pausing(mu *sync.Mutex) func(scopes int) {
	done := 0
	return func(scopes int) {
		if done += 1 + scopes; done >= scopesAtOnce {
			done = 0
			letPass(mu)
		}
	}
}

// Records returns the records of all that anything is known of. It lets go of the lock now and then: what changes
// meanwhile may be in them or not, and is among what Take returns next.
func (p *Pool) Records() []cooldown.Record {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []cooldown.Record
	pause := pausing(&p.mu)
	for _, s := range p.runtime.identities {
		if s.empty() && s.change == (cooldown.Switch{}) && s.withdrawn.IsZero() && max(s.cleared, s.released) == 0 {
			pause(0)
			continue
		}
		r := s.record()
		all = append(all, r)
		pause(len(r.Scopes))
	}
	for _, s := range p.runtime.domains {
		r := s.record()
		all = append(all, r)
		pause(len(r.Scopes))
	}
	return all
}

// Merge takes in what others know, and returns what of the records told the pool something. Where this pool knows
// more, that is in what Take returns next.
func (p *Pool) Merge(records []cooldown.Record, now time.Time) (news []cooldown.Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause := pausing(&p.mu)
	for i := range records {
		if more, ok := p.merge1(&records[i], cooldown.InstantOf(now)); ok {
			news = append(news, more)
		}
		pause(len(records[i].Scopes))
	}
	return news
}

func (p *Pool) merge1(o *cooldown.Record, now cooldown.Instant) (news cooldown.Record, ok bool) {
	s := p.runtime.subjectOf(o.Key)
	if s == nil {
		return news, false
	}
	p.last = max(p.last, o.Latest())
	before := s.record()
	merged := s.record()
	merged.Merge(o)
	merged.Prune(now) // what is over would take with it what is in force
	s.cleared, s.succeeded, s.withdrawn = merged.Cleared, merged.Succeeded, merged.Withdrawn
	p.runtime.follow(s, &merged, now)
	if id := s.identity; id != nil {
		id.windows, id.report = merged.Windows, merged.LastReport
		if merged.Released > before.Released {
			p.release(id, merged.Released)
		}
		if merged.Switch != before.Switch {
			id.change = merged.Switch
			p.runtime.refreshIdentity(id)
			p.runtime.changed(s)
		}
	} else {
		p.runtime.dropEmpty(s, now)
	}
	if more, ok := merged.Beyond(o, now); ok {
		p.runtime.outbox.save(s)
		for i := range more.Scopes {
			if set := s.set(scope{model: more.Scopes[i].Model, family: more.Scopes[i].Family}); set != nil {
				p.runtime.outbox.saveSet(set)
			}
		}
	}
	return merged.Beyond(&before, now)
}

// follow makes the sets of a subject those of a record. Those that it has no scope for go first and at once: making room for each of a
// thousand models alone would look at a thousand others each time.
func (rt *runtimeState) follow(s *subject, merged *cooldown.Record, now cooldown.Instant) {
	scopes := make(map[scope]bool, len(merged.Scopes))
	for i := range merged.Scopes {
		scopes[scope{model: merged.Scopes[i].Model, family: merged.Scopes[i].Family}] = true
	}
	gone := false
	for at, set := range s.models {
		if !scopes[at] {
			rt.dropSet(set)
			gone = true
		}
	}
	if gone {
		rt.changed(s)
	}
	for i := range merged.Scopes {
		known := &merged.Scopes[i]
		set := s.makeSet(scope{model: known.Model, family: known.Family})
		if set.ledgers == nil {
			set.ledgers = new(cooldown.Ledgers)
		} else if set.ledgers.Equal(&known.Ledgers) {
			continue // whom it concerns may be many
		}
		*set.ledgers = known.Ledgers
		rt.refreshSet(set, now)
	}
	if s.whole.ledgers != nil && !scopes[scope{}] {
		s.whole.ledgers = nil
		rt.refreshSet(&s.whole, now)
	}
}

// record of a subject as it is.
func (s *subject) record() cooldown.Record { return s.recordOf(s.sets()) }

// recordOf a subject with the scopes of some sets.
func (s *subject) recordOf(sets []*blockSet) cooldown.Record {
	r := cooldown.Record{Key: s.key(), Cleared: s.cleared, Succeeded: s.succeeded, Withdrawn: s.withdrawn}
	for _, set := range sets {
		if set.ledgers != nil {
			if r.Scopes == nil {
				r.Scopes = make([]cooldown.ScopeRecord, 0, len(sets))
			}
			r.Scopes = append(r.Scopes, cooldown.ScopeRecord{Model: set.scope.model, Family: set.scope.family, Ledgers: set.ledgers.Clone()})
		}
	}
	if s.identity != nil {
		r.Switch, r.Released = s.identity.change, s.identity.released
		r.Windows, r.LastReport = slices.Clone(s.identity.windows), s.identity.report
	}
	return r
}

func (s *subject) key() cooldown.RecordKey {
	switch {
	case s.identity != nil:
		return cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: s.identity.name}
	case s.domain.outage:
		return cooldown.RecordKey{Kind: cooldown.RecordProvider, Provider: s.domain.provider}
	}
	return cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: s.domain.provider, Name: s.domain.name}
}
