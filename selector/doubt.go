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
func (r *report) leaveDoubt(tag uint64) {
	if r.tag = cooldown.Tag(tag); r.tag == 0 {
		return
	}
	if f := &r.finding; f.Action == cooldown.ActionInvalidate || f.Action == cooldown.ActionDisable {
		f.Action, f.Scope, f.Ladder = cooldown.ActionCooldown, cooldown.ScopeAuth, cooldown.LadderRefusal
	}
}

// suspected reports whether the request is to blame: it was before, or it failed alike with an auth that has nothing to do
// with this one.
func (r *report) suspected() bool {
	withdrawn := false
	r.member.subjects(func(s *subject) { withdrawn = withdrawn || s.withdrawn.Has(r.tag) })
	known := r.pool.doubts.Find(uint64(r.tag), int64(r.now))
	if withdrawn || known == nil {
		return withdrawn
	}
	return known.Suspect || slices.ContainsFunc(known.Failures, func(f doubt.Failure[*Auth, *subject]) bool {
		return f.Reason == r.finding.Reason && independent(f.Auth, r.member.auth)
	})
}

// blameRequest withdraws all that the request has brought against auths.
func (r *report) blameRequest() {
	log, tag := &r.pool.doubts, uint64(r.tag)
	r.done.Suspect = true
	r.pool.outages.Withdraw(r.member.provider.name, tag)
	known := log.Find(tag, int64(r.now))
	log.Blame(tag, int64(r.now))
	if known == nil {
		return
	}
	for _, f := range known.Failures {
		r.pool.outages.Withdraw(f.Auth.Provider, tag)
		for _, s := range f.Sites {
			r.withdraw(s)
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
	r.pool.doubts.Note(uint64(r.tag), int64(r.now), doubt.Failure[*Auth, *subject]{
		Auth: r.member.auth, Reason: r.finding.Reason, Sites: r.sites,
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
func lend(q *query, m *member) Pick {
	outcome := BindingNone
	if q.pool.bindings != nil && len(q.req.Sessions) > 0 {
		outcome = BindingDiverted
	}
	pick := q.answer(m, outcome)
	if q.req.Options&Explain != 0 {
		pick.Explanation = q.explain(&choice{member: m}, nil)
	}
	if q.req.Options&DryRun == 0 {
		q.count(m)
	}
	return pick
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
