package selector

import (
	"slices"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/doubt"
)

// independent: the auths share no account and no limit domain.
func independent(a, b *Auth) bool {
	return a.identity() != b.identity() && (a.Provider != b.Provider ||
		!slices.ContainsFunc(a.Domains, func(name string) bool { return slices.Contains(b.Domains, name) }))
}

// leaveDoubt makes a failure that may be the fault of its request one that does not take an auth out for good.
func (r *report) leaveDoubt() {
	if f := &r.finding; f.Action == cooldown.ActionInvalidate || f.Action == cooldown.ActionDisable {
		f.Action, f.Scope, f.Ladder = cooldown.ActionCooldown, cooldown.ScopeAuth, cooldown.LadderRefusal
	}
	if r.pinned {
		return
	}
	r.member.state.failed.Note(r.finding.Reason, uint64(r.tag), int64(r.stamp), int64(r.member.provenAt()), r.member.provider.served)
}

// provenAt is until when failures of a member say nothing of it any more: it has served a request since, or somebody has changed it.
func (m *member) provenAt() cooldown.Instant {
	return max(m.state.succeeded, m.state.cleared, m.state.change.At, m.secretSince)
}

// aliveElsewhere is how many requests are served for each auth of a provider until one that has served none of them fails whoever asks.
const aliveElsewhere = 3

// witness reports whether it says something of the request that a member fails with it, for a reason. It does not if the
// member failed alike for two other requests and served none since, while so many were served elsewhere that it would have served some,
// or for so long that some request has to find out.
func (r *report) witness(m *member, reason string) bool {
	streak, ok := m.state.failed.Streak(reason, uint64(r.tag), int64(m.provenAt()), m.provider.served)
	return !ok || streak.Served < aliveElsewhere*uint64(len(m.provider.members)) &&
		r.now < cooldown.Instant(streak.Since).Add(cooldown.DoubtSpan)
}

// memberOf finds who has the id of an auth, if it is of the same account; nil: nobody.
func (x *index) memberOf(a *Auth) *member {
	if m := x.byID[a.ID]; m != nil && m.auth.identity() == a.identity() {
		return m
	}
	return nil
}

// suspected withdraws what the request has brought against auths if it was to blame before, or failed alike with an auth that has
// nothing to do with this one, and reports whether it did. The latter makes it the suspect if both are witnesses.
func (r *report) suspected() bool {
	known := r.pool.doubts.Find(uint64(r.tag), int64(r.now))
	suspect := known != nil && known.Suspect
	if known == nil { // another replica may know better; here the request was no suspect though something was taken back
		r.member.subjects(func(s *subject) { suspect = suspect || s.withdrawn.Has(r.tag) })
	}
	alike := false
	if known != nil && !suspect {
		witness := r.witness(r.member, r.finding.Reason)
		for i := range known.Failures {
			f := &known.Failures[i]
			if f.Finding.Reason == r.finding.Reason && independent(f.Auth, r.member.auth) {
				other := r.pool.runtime.index.memberOf(f.Auth)
				alike, suspect = true, suspect || witness && (other == nil || r.witness(other, r.finding.Reason))
			}
		}
	}
	if alike || suspect {
		r.done.Suspect = suspect
		r.withdrawAll(known)
	}
	return alike || suspect
}

// withdrawAll withdraws all that the request has brought against auths. Unless it is the suspect, its failures are still known:
// it may be served elsewhere.
func (r *report) withdrawAll(known *doubt.Request[*Auth, cooldown.Finding, *subject]) {
	tag := uint64(r.tag)
	r.pool.outages.Withdraw(r.member.provider.name, tag)
	if known != nil {
		for i := range known.Failures {
			f := &known.Failures[i]
			r.pool.outages.Withdraw(f.Auth.Provider, tag)
			for _, s := range f.Sites {
				r.withdraw(s)
			}
			f.Sites = nil
		}
	}
	if !r.done.Suspect {
		r.noteDoubt()
		return
	}
	if known != nil {
		known.Failures = nil
	}
	r.pool.doubts.Blame(tag, int64(r.now))
}

// acquit takes in that a request was served: the auths that it failed with before, and that are no witnesses, are to blame.
func (r *report) acquit() {
	known := r.pool.doubts.Find(uint64(r.tag), int64(r.now))
	if known == nil {
		return
	}
	for i := range known.Failures {
		f := &known.Failures[i]
		m := r.pool.runtime.index.memberOf(f.Auth)
		if m == nil || f.At <= int64(m.provenAt()) || r.witness(m, f.Finding.Reason) {
			continue
		}
		started := cooldown.Instant(f.Started)
		again := &report{
			pool: r.pool, member: m, finding: f.Finding, model: f.Model, key: m.blockKey(f.Model), now: r.now,
			stamp: r.pool.stamp(r.now.Time()), started: started, begun: started,
		}
		if again.act(again.finding.Action); again.done.Changed {
			r.member.state.changedAt = r.pool.runtime.outbox.changes // whoever waits for the report waits for this
			r.done.Changed = true
		}
	}
	known.Failures = nil
}

// withdraw ends what the request has brought against a subject, if the pool still knows that.
func (r *report) withdraw(s *subject) {
	rt := &r.pool.runtime
	if s.identity != nil && rt.identities[s.identity.name] != s.identity || s.identity == nil && rt.domains[s.domain] != s {
		return
	}
	if s.withdrawn.Has(r.tag) {
		return
	}
	s.withdrawn.Add(r.tag, r.stamp)
	for _, set := range s.sets() {
		if set.applyWithdrawn() {
			rt.refreshSet(set, r.now)
		}
	}
	rt.outbox.save(s)
	r.member.state.changedAt = rt.outbox.changes // whoever waits for the report waits for this
	r.done.Changed = true
}

// applyWithdrawn marks what is withdrawn, and reports whether anything of the set is in doubt.
func (s *blockSet) applyWithdrawn() (doubtful bool) {
	if s.ledgers == nil {
		return false
	}
	for kind := range cooldown.NumKinds {
		if l := s.ledgers.Of(kind); len(l.Doubts) > 0 {
			s.owner.withdrawn.Apply(l)
			doubtful = true
		}
	}
	return doubtful
}

// noteDoubt remembers a failure until its request fails again.
func (r *report) noteDoubt() {
	r.pool.doubts.Note(uint64(r.tag), int64(r.now), doubt.Failure[*Auth, cooldown.Finding, *subject]{
		Auth: r.member.auth, Finding: r.finding, Model: r.model, Started: int64(r.started), At: int64(r.stamp), Sites: r.sites,
	})
}

// observe adds an observation to a ledger of a set.
func (r *report) observe(set *blockSet, l *cooldown.Ledger, e cooldown.Observation) {
	if r.tag == 0 {
		l.Add(e)
		return
	}
	l.AddDoubt(cooldown.Doubt{Observation: e, Tag: r.tag, Repeated: r.counts})
	set.owner.withdrawn.Apply(l)
	r.sites = append(r.sites, set.owner)
}

// maxOpinions bounds the auths that a second opinion looks at.
const maxOpinions = 128

// secondOpinion finds an auth for a request that nobody is ready for: of those that only doubt keeps out, the one that was
// picked the longest ago. So one bad request never leaves the pool empty, whichever replica heard of it. A further attempt may
// use those, too, where more than one request failed, since it tells whose fault that was. Where many are in doubt, a part of
// them is looked at, for each request another, but for all attempts of a request the same. nil: there is none.
func secondOpinion(q *query) *member {
	if q.pinned.member != nil {
		return nil
	}
	number := q.req.Tag
	if number == 0 {
		number = q.pool.uses
	}
	l := q.view.plain()
	var best *member
	left := maxOpinions
	for s := range q.provider.doubted.Part(number, maxOpinions) {
		for i := range doubt.Part(number, len(s.members), left) {
			left--
			m := s.members[i]
			if m != best && l.position(m) >= 0 && !q.excludes(m) && !q.neverTakes(m) && m.onlyDoubted(q.key.model, q.req.Tag != 0, q.now) &&
				(best == nil || m.lastPicked < best.lastPicked) {
				best = m
			}
		}
	}
	return best
}

// lend answers with an auth for one request. Its session stays where it is.
func lend(q *query, m *member) {
	outcome := BindingNone
	if q.pool.bindings != nil && len(q.req.Sessions) > 0 {
		outcome = BindingDiverted
	}
	q.answerWith(m, outcome)
	if q.req.Options&Explain != 0 {
		q.answer.Explanation = q.explain(&choice{member: m}, nil)
	}
	if q.req.Options&DryRun == 0 {
		q.count(m)
	}
}

// onlyDoubted: nothing beyond doubt keeps it from a requested model key, and no failures of several requests unless these are
// allowed.
func (m *member) onlyDoubted(key string, several bool, now cooldown.Instant) bool {
	if m.disabled() || m.tokenOver(now) || m.refusal(now) != nil {
		return false
	}
	free := true
	m.subjects(func(s *subject) {
		s.each(m.blockKey(key), func(set *blockSet) { free = free && !set.beyondDoubt(several, now) })
	})
	return free
}

// beyondDoubt: something is in force that is not doubtful, or that several requests met unless these are allowed.
func (s *blockSet) beyondDoubt(several bool, now cooldown.Instant) bool {
	if s.ledgers == nil {
		return false
	}
	for kind := range cooldown.NumKinds {
		if l := s.ledgers.Of(kind); l.BeyondDoubt(0, now).Deciding != nil || !several && l.Seconded(now) {
			return true
		}
	}
	return false
}
