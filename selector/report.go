package selector

import (
	"cmp"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// Report takes in what an upstream answer means for the auth that got it, and returns what that changed. The error is
// ErrUnknownAuth.
func (p *Pool) Report(a Attempt, f cooldown.Finding, now time.Time) (Consequence, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[a.AuthID]
	if m == nil {
		return Consequence{}, ErrUnknownAuth
	}
	unknown := a.Started.IsZero()
	if unknown {
		a.Started = now.Add(-cooldown.AttemptSpan) // it then proves as little as it can
	}
	m.state.windows = cooldown.MergeWindows(m.state.windows, a.Windows)
	stamp := p.stamp(now)
	started, key := min(cooldown.InstantOf(a.Started), stamp), m.blockKey(ModelKey(a.Model))
	if f.Success {
		m.provider.served++
	}
	if f.Success && m.nothingKnown() && len(p.outages[m.provider.name]) == 0 && p.doubts.Find(a.Tag, int64(stamp)) == nil {
		m.state.report = cooldown.Report{ReceivedAt: now, What: whatSuccess, Model: key, Rule: f.Rule}
		m.state.succeeded = max(m.state.succeeded, started)
		return Consequence{}, nil
	}
	r := &report{
		pool: p, member: m, finding: f, model: ModelKey(a.Model), key: key, now: cooldown.InstantOf(now), stamp: stamp,
		started: started, begun: started,
	}
	if unknown {
		r.begun = r.now
	}
	if f.Doubt || f.Success {
		r.tag = cooldown.Tag(a.Tag)
		r.pinned = issued(p, m.state, a.Pin, now)
	}
	m.state.report = cooldown.Report{ReceivedAt: now, What: cmp.Or(f.Reason, f.Rule), Model: key, Rule: f.Rule}
	done := r.apply()
	if a.Again != nil && !f.Success {
		done.Others, done.Refused = foretell(p, a.Again, now)
	}
	return done, nil
}

// whatSuccess is what a report of a request that was served is called.
const whatSuccess = "success"

// apply does what the finding says.
func (r *report) apply() Consequence {
	if r.finding.Success {
		r.member.state.report.What = whatSuccess
		r.succeed()
		r.acquit()
	} else {
		r.pool.runtime.advance(r.now, pickAdvance)
		r.fail()
	}
	r.endProbe()
	return r.done
}

// report is one answer on its way.
type report struct {
	pool    *Pool
	member  *member
	finding cooldown.Finding
	model   string // key as requested
	key     string // key under which the auth keeps state
	now     cooldown.Instant
	stamp   cooldown.Instant
	started cooldown.Instant
	// begun is started where a failure counts for more the later it began: now for one that nobody knows the start of, since
	// otherwise whoever never tells it would climb no ladder and renew no hint.
	begun cooldown.Instant
	// tag of the request, where it may be to blame or was served; 0: it is not. counts says that its failure counts towards a Repeat, and
	// sites what it is held against.
	tag    cooldown.Tag
	counts bool
	sites  []*subject
	// pinned: nobody but the auth can serve the request.
	pinned bool
	done   Consequence
}

// succeed moves the success watermarks of all that the request has proven to work.
func (r *report) succeed() {
	s := r.member.state
	s.succeeded = max(s.succeeded, r.started)
	r.pool.outages.Succeed(r.member.provider.name, r.key, int64(r.started))
	if r.member.nothingKnown() {
		return
	}
	r.member.subjects(func(s *subject) {
		s.each(r.key, func(set *blockSet) {
			if set.succeed(r.started) {
				r.refresh(set)
			}
		})
	})
}

// nothingKnown: there is no evidence of the auth, and none of its domains.
func (m *member) nothingKnown() bool { return len(m.domains) == 0 && m.state.empty() }

// fail does what the finding says, unless the failure is the request's own, or one that the provider's auths share.
func (r *report) fail() {
	if r.tag != 0 {
		r.leaveDoubt()
		if r.suspected() {
			return
		}
	}
	if gate := r.gate(); gate != nil {
		r.renewGate(gate, r.tag)
	} else {
		r.contradict()
		r.blame()
	}
	if r.tag != 0 {
		r.noteDoubt()
	}
}

// blame holds the failure against the auth, or against the provider where it shows an outage. One that may be the fault of a request which
// nobody else can serve is held against nobody: no second opinion could ever take it back.
func (r *report) blame() {
	if r.tag != 0 && r.pinned {
		r.done.Note = "nobody else can serve the request, so nothing tells whether it is to blame itself"
		return
	}
	if r.finding.Action == cooldown.ActionCooldown && r.tag == 0 {
		r.renew()
	}
	r.act(r.finding.Action)
	if s := r.suspect(); s != nil {
		r.openGate(s)
	}
}

// act takes an action against the auth, or against the limit domains that the finding names.
func (r *report) act(action cooldown.Action) {
	switch action {
	case cooldown.ActionNone:
		// It says nothing against the auth; the way to the upstream may be blocked all the same.
		if r.finding.Domain != "" && r.finding.Ladder != cooldown.LadderNone {
			r.blockDomains(domainsOf(r.member.auth, r.finding.Domain), scope{})
		}
	case cooldown.ActionCooldown:
		r.cooldown()
	case cooldown.ActionInvalidate:
		r.invalidate()
	case cooldown.ActionDisable:
		r.disable()
	}
}

// cooldown blocks the narrowest scope that the answer proves closed.
func (r *report) cooldown() {
	at, domain := scope{}, r.finding.Domain
	switch {
	case r.finding.Scope != cooldown.ScopeModel:
	case r.key == "":
		domain = "" // what is blocked of it is one model, and nobody knows which
	case r.finding.ModelFamily != "":
		at = scope{model: r.finding.ModelFamily, family: true}
	case !r.member.patterns.Serve(r.model):
		r.done.Note = "the auth does not serve this model"
		return
	default:
		at.model = r.key
	}
	if r.blockDomains(domainsOf(r.member.auth, domain), at) {
		return
	}
	set := r.member.state.makeSet(at)
	if r.repeated(set) {
		r.refresh(set)
		r.act(r.finding.Repeat.Action)
		return
	}
	if r.block(set) {
		r.done.Action = cooldown.ActionCooldown
	}
}

// repeated counts a failure that repetition makes more of, and reports whether it was one too many. Whoever enabled the auth
// knew of those before.
func (r *report) repeated(set *blockSet) bool {
	repeat := r.finding.Repeat
	if repeat.Count == 0 {
		return false
	}
	l := set.ledger(r.finding.Kind)
	if r.tag == 0 {
		l.AddFailure(cooldown.Failure{At: r.stamp, Reason: r.finding.Reason}, r.started)
	} else {
		r.counts = l.Repeats(r.finding.Reason, r.started)
	}
	since := max(r.stamp.Add(-repeat.Within), r.member.state.change.At+1)
	return l.CountFailures(r.finding.Reason, since, r.now) >= repeat.Count
}

// blockDomains cools limit domains down; false: there are none.
func (r *report) blockDomains(domains []domainKey, at scope) bool {
	for _, key := range domains {
		r.done.Action = cooldown.ActionCooldown
		r.done.Domains = append(r.done.Domains, key.name)
		r.block(r.pool.runtime.makeDomain(key).makeSet(at))
	}
	return len(domains) > 0
}

// block adds the finding to a set and tells what is in force then. False: there is no room for it.
func (r *report) block(set *blockSet) bool {
	l := set.ledger(r.finding.Kind)
	if e, ok := r.evidence(l); ok {
		r.observe(set, l, e)
	}
	if !r.refresh(set) {
		r.done.Note = noRoom
		return false
	}
	r.tell(set)
	return true
}

// refresh makes the pool follow what the report changed of a set. False: there is no room for the set.
func (r *report) refresh(set *blockSet) bool {
	r.pool.runtime.refreshSet(set, r.now)
	r.pool.runtime.outbox.saveSet(set)
	r.done.Changed = true
	return r.pool.runtime.bound(set)
}

// tell what is in force of a set, if it holds for longer than what was told before.
func (r *report) tell(set *blockSet) {
	b, ok := set.block(r.finding.Kind, 0, r.now)
	if ok && (r.done.Until.IsZero() || b.Until.After(r.done.Until)) {
		r.done.Until, r.done.ProbeAt, r.done.Level = b.Until, b.ProbeAt, b.Level
	}
}

// evidence is what the finding adds to a ledger; false: nothing, because it was over on arrival.
func (r *report) evidence(l *cooldown.Ledger) (cooldown.Observation, bool) {
	f := &r.finding
	e := cooldown.Observation{Received: r.stamp, Claimed: f.Claimed, Reason: f.Reason, Rule: f.Rule, OperatorAction: f.OperatorAction}
	if !f.Until.IsZero() {
		e.Until = cooldown.InstantOf(f.Until)
		e.Probe = e.Until
		if f.Hint {
			e.Probe = min(e.Until, r.hintLimit())
		}
		return e, e.Until > r.now
	}
	e.Ladder = cmp.Or(f.Ladder, cooldown.LadderRate)
	l.Prune(r.now)
	level, window := l.Climb(&e, r.tag, r.begun, r.now)
	if e.Level = level; window == 0 {
		window = r.now.Add(e.Ladder.Step(level, r.pool.random))
	}
	e.Until, e.Probe = window, window
	return e, true
}

// hintLimit is the latest time to which a guess of the upstream's is kept untried.
func (r *report) hintLimit() cooldown.Instant { return r.now.Add(r.pool.settings.maxHint()) }

// renew keeps the hints that the request probed, and that its failure speaks for, until the next probe: when the failure says,
// at the latest after max_hint.
func (r *report) renew() {
	next := r.hintLimit()
	if until := r.finding.Until; !until.IsZero() {
		next = min(next, cooldown.InstantOf(until))
	}
	r.member.subjects(func(s *subject) {
		if s.domain.outage {
			return
		}
		s.each(r.key, func(set *blockSet) {
			if set.renew(r, next) {
				r.refresh(set)
			}
		})
	})
}

// invalidate takes the auth out until it has another secret.
func (r *report) invalidate() {
	if r.started < r.member.secretSince {
		r.done.Note = "the auth got another secret since the request began"
		return
	}
	set := &r.member.state.whole
	set.ledger(cooldown.Authentication).Add(cooldown.Observation{
		Received: r.stamp, Until: cooldown.Never, Probe: cooldown.Never, Secret: r.member.secret(),
		Reason: r.finding.Reason, Rule: r.finding.Rule, OperatorAction: r.finding.OperatorAction,
	})
	r.refresh(set)
	r.done.Action = cooldown.ActionInvalidate
	r.done.Released = r.pool.release(r.member.state, r.stamp)
}

// disable takes the auth out until somebody enables it. Whoever did so after the request began knew better.
func (r *report) disable() {
	s := r.member.state
	switch {
	case s.change.Disabled:
		r.done.Note = "the auth is disabled already"
		return
	case r.started <= s.change.At:
		r.done.Note = "the auth was enabled since the request began"
		return
	}
	r.done.Action = cooldown.ActionDisable
	e := cooldown.Observation{Reason: r.finding.Reason, Rule: r.finding.Rule, OperatorAction: r.finding.OperatorAction}
	r.done.Changed = true
	r.pool.switchTo(s, cooldown.Switch{At: r.stamp, Disabled: true, Why: e.Message()})
}

// endProbe lets the next request probe what this one probed, once or as soon as it is half-open.
func (r *report) endProbe() {
	if r.member.nothingKnown() {
		return
	}
	r.member.subjects(func(s *subject) {
		s.each(r.key, func(set *blockSet) {
			if set.probeUntil != 0 && set.probeStarted == r.started {
				set.probeUntil, set.probeStarted = 0, 0
				r.pool.runtime.refreshSet(set, r.now)
			}
		})
	})
}

// foretell says what a pick would bring: somebody, or else why nobody could be had even if the request excluded no one.
func foretell(p *Pool, req *Request, now time.Time) (somebody bool, refused error) {
	dry := *req
	dry.Options |= DryRun
	q := query{pool: p, req: &dry, now: cooldown.InstantOf(now)}
	if somebody, _ = pickReady(&q, now); somebody {
		return true, nil
	}
	dry.Exclude = nil
	_, refused = pickLocked(p, &dry, now)
	return false, refused
}

// ready are the auths of the provider that a request could use now.
func (r *report) ready(model string) (*orderedMembers, readyset.List) {
	q := query{pool: r.pool, now: r.now, provider: r.member.provider, req: &Request{Provider: r.member.provider.name, Model: model}}
	q.find()
	r.pool.scratch = r.pool.scratch[:0]
	l := q.view.plain()
	return l, q.list(l)
}
