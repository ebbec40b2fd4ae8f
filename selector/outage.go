package selector

import (
	"cmp"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/alike"
)

// outageSpan is how long a provider is blocked at most without another failure that says so. It is probed all the while.
const outageSpan = time.Hour

// suspect notes a failure. It returns what it belongs to if that shows an outage: most auths that can be used have failed alike
// if it may be the fault of what they share, or all of them if it looks like their own.
func (r *report) suspect() *alike.Suspicion[*identity, scope] {
	f := &r.finding
	if f.Action != cooldown.ActionCooldown && !f.Shared || len(r.done.Domains) > 0 || r.done.Note != "" {
		return nil
	}
	at := r.gateScope()
	model := at.model
	if model != "" && f.ModelFamily != "" {
		at = scope{model: f.ModelFamily, family: true}
	}
	s := r.pool.outages.Note(r.member.provider.name, model, f.Reason, alike.Failure[*identity, scope]{
		Who: r.member.state, Started: int64(r.started), At: int64(r.stamp), Scope: at, Kind: uint8(f.Kind), Tag: uint64(r.tag),
		CertainAt: int64(r.stamp.Add(cooldown.DoubtSpan)),
	})
	if !s.Confirmed(f.Shared, func() int { return r.usable(s) }) {
		return nil
	}
	return s
}

// usable counts the auths of the provider that are ready for the model, or were until they failed.
func (r *report) usable(s *alike.Suspicion[*identity, scope]) int {
	model := r.model
	if s.Model == "" {
		model = ""
	}
	l, list := r.ready(model)
	count, view := list.Len(), list.View()
	for _, f := range s.Recent() {
		ready := slices.ContainsFunc(f.Who.members, func(m *member) bool {
			position := l.position(m)
			return position >= 0 && view.Has(position)
		})
		if !ready {
			count++
		}
	}
	return count
}

// gateScope is what of the provider is blocked in an outage that the finding tells of: a failure that says nothing of its scope
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
	if o := set.ledgers.Of(r.finding.Kind).Span(0, r.now).Deciding; o == nil || o.Reason != r.finding.Reason {
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

// openGate blocks the provider in place of its auths: what they failed with is not held against them, but for limits,
// which each may have as well.
func (r *report) openGate(s *alike.Suspicion[*identity, scope]) {
	r.pool.outages.Drop(r.member.provider.name, s)
	for _, f := range s.Failures {
		set := f.Who.set(f.Scope)
		kind := cooldown.Kind(f.Kind)
		if kind == cooldown.Quota || set == nil || set.ledgers == nil {
			continue
		}
		set.ledgers.Of(kind).Succeed(cooldown.Instant(f.At))
		r.refresh(set)
	}
	r.renewGate(r.pool.runtime.makeDomain(outageKey(r.member.provider.name)).makeSet(r.gateScope()), 0)
}

// renewGate lets nobody probe until the ladder's next step, and one at a time after it. The tag is that of a request which may be to
// blame; 0: others have shown the outage, whoever failed last.
func (r *report) renewGate(set *blockSet, tag cooldown.Tag) {
	l := set.ledger(r.finding.Kind)
	e := cooldown.Observation{Received: r.stamp, Reason: r.finding.Reason, Rule: r.finding.Rule, Ladder: cmp.Or(r.finding.Ladder, cooldown.LadderEgress)}
	l.Prune(r.now)
	level, window := l.Climb(&e, tag, r.begun, r.now)
	if e.Level = level; window == 0 {
		window = r.now.Add(min(e.Ladder.Step(level, r.pool.random), r.pool.settings.maxHint()))
	}
	e.Probe, e.Until = window, max(window, r.now.Add(outageSpan))
	if tag == 0 {
		l.Add(e)
	} else {
		r.observe(set, l, e)
	}
	r.refresh(set)
	r.done = Consequence{Action: cooldown.ActionCooldown, Outage: true, Domains: []string{set.owner.domain.name}, Changed: true}
	r.tell(set)
}
