package selector

import (
	"cmp"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

const (
	// alikeWithin is how close together failures are that count as one event.
	alikeWithin = 10 * time.Second
	// outageSpan is how long a provider rests at most without another failure that says so. It is tried all the while.
	outageSpan = time.Hour
	// minAlike is how many auths must fail alike at least, and maxMost how many are most of however many there are.
	minAlike = 3
	maxMost  = 16
	// maxAlike bounds the failures of a suspicion, and maxSuspicions the suspicions of a provider.
	maxAlike      = 64
	maxSuspicions = 64
)

// outages hold what may be an outage, by provider. The zero value holds nothing.
type outages map[string][]*suspicion

// suspicion are recent failures for one reason, the newest of each auth, oldest first.
type suspicion struct {
	model    string // key under which the auths keep state; empty: they are not about one model
	reason   string
	failures []failure
}

type failure struct {
	who         *identity
	started, at cooldown.Instant
	scope       scope
	kind        cooldown.Kind
}

// suspect notes a failure, and reports whether it shows an outage: most auths that can be used have failed alike if it may
// be the fault of what they share, or all of them if it looks like their own.
func (o *outages) suspect(r *report) bool {
	f := &r.finding
	if f.Action != cooldown.ActionCooldown && !f.Shared || len(r.done.Domains) > 0 || r.done.Note != "" {
		return false
	}
	s := o.suspicion(r)
	s.failures = slices.DeleteFunc(s.failures, func(old failure) bool {
		return old.at < r.stamp.Add(-alikeWithin) || old.who == r.member.state
	})
	if len(s.failures) == maxAlike {
		s.failures = s.failures[1:]
	}
	at := scope{}
	if s.model != "" {
		at.model = r.key
		if f.ModelFamily != "" {
			at = scope{model: f.ModelFamily, family: true}
		}
	}
	s.failures = append(s.failures, failure{r.member.state, r.started, r.stamp, at, f.Kind})
	if len(s.failures) < minAlike {
		return false
	}
	need := r.usable(s)
	if f.Shared {
		need = min(need/2+1, maxMost)
	}
	return len(s.failures) >= need
}

// suspicion finds or makes the one that a failure belongs to. Those whose failures are all old go first.
func (o *outages) suspicion(r *report) *suspicion {
	model, provider := r.gateScope().model, r.member.provider.name
	all := slices.DeleteFunc((*o)[provider], func(s *suspicion) bool {
		return s.failures[len(s.failures)-1].at < r.stamp.Add(-alikeWithin)
	})
	for _, s := range all {
		if s.model == model && s.reason == r.finding.Reason {
			(*o)[provider] = all
			return s
		}
	}
	if len(all) == maxSuspicions {
		all = slices.Delete(all, 0, 1)
	}
	if *o == nil {
		*o = make(outages)
	}
	s := &suspicion{model: model, reason: r.finding.Reason}
	(*o)[provider] = append(all, s)
	return s
}

// succeed drops the failures of requests that began no later than one that was served.
func (o outages) succeed(r *report) {
	provider := r.member.provider.name
	all := o[provider]
	if len(all) == 0 {
		return
	}
	all = slices.DeleteFunc(all, func(s *suspicion) bool {
		if s.model == "" || s.model == r.key {
			s.failures = slices.DeleteFunc(s.failures, func(f failure) bool { return f.started <= r.started })
		}
		return len(s.failures) == 0
	})
	if o[provider] = all; len(all) == 0 {
		delete(o, provider)
	}
}

// usable counts the auths of the provider that are ready for the model, or were until they failed.
func (r *report) usable(s *suspicion) int {
	model := r.model
	if s.model == "" {
		model = ""
	}
	l, list := r.ready(Request{Model: model})
	count, view := list.Len(), list.View()
	for _, f := range s.failures {
		ready := slices.ContainsFunc(f.who.members, func(m *member) bool {
			position := l.position(m)
			return position >= 0 && view.Has(position)
		})
		if !ready {
			count++
		}
	}
	return count
}

// gateScope is what of the provider rests in an outage that the finding tells of: a failure that says nothing of its scope
// is held against the model alone.
func (r *report) gateScope() scope {
	if r.finding.Scope == cooldown.ScopeAuth || r.finding.Scope == cooldown.ScopeNone && r.finding.Domain != "" {
		return scope{}
	}
	return scope{model: r.key}
}

// gate finds the outage in force that the failure is one more sign of; nil: there is none.
func (r *report) gate() *blockSet {
	d := r.pool.runtime.domains[outageKey(r.member.provider.name)]
	if d == nil {
		return nil
	}
	set := d.set(r.gateScope())
	if set == nil || set.ledgers == nil {
		return nil
	}
	if piece := set.ledgers.Of(r.finding.Kind).Span(0, r.now).Deciding; piece == nil || piece.Reason != r.finding.Reason {
		return nil
	}
	return set
}

// contradict ends the outages that the answer does not fit: the provider says something of the auth.
func (r *report) contradict() {
	d := r.pool.runtime.domains[outageKey(r.member.provider.name)]
	if d == nil || r.finding.Shared || r.finding.Action == cooldown.ActionNone {
		return
	}
	d.each(r.key, func(set *blockSet) {
		if set.succeed(r.started) {
			r.refresh(set)
		}
	})
}

// openGate makes the provider rest in place of its auths: what they failed with is not held against them, but for limits,
// which each may have as well.
func (r *report) openGate() {
	all := r.pool.outages[r.member.provider.name]
	i := slices.IndexFunc(all, func(s *suspicion) bool { return s.model == r.gateScope().model && s.reason == r.finding.Reason })
	s := all[i]
	r.pool.outages[r.member.provider.name] = slices.Delete(all, i, i+1)
	for _, f := range s.failures {
		set := f.who.set(f.scope)
		if f.kind == cooldown.Quota || set == nil || set.ledgers == nil {
			continue
		}
		set.ledgers.Of(f.kind).Succeed(f.at)
		r.refresh(set)
	}
	r.renewGate(r.pool.runtime.makeSet(r.pool.runtime.makeDomain(outageKey(r.member.provider.name)), r.gateScope()))
}

// renewGate lets nobody try until the ladder's next step, and one at a time after it.
func (r *report) renewGate(set *blockSet) {
	l := set.ledger(r.finding.Kind)
	e := cooldown.Observation{Received: r.stamp, Reason: r.finding.Reason, Rule: r.finding.Rule, Ladder: cmp.Or(r.finding.Ladder, cooldown.LadderEgress)}
	l.Prune(r.now)
	level, window := l.Climb(&e, r.begun, r.now)
	if e.Level = level; window == 0 {
		window = r.now.Add(min(e.Ladder.Step(level, r.pool.random), r.pool.settings.maxLatch()))
	}
	e.Probe, e.Until = window, max(window, r.now.Add(outageSpan))
	l.Add(e)
	r.refresh(set)
	r.done = Consequence{Action: cooldown.ActionCooldown, Outage: true, Domains: []string{set.owner.domain.name}, Changed: true}
	r.tell(set)
}
