package selector

import (
	"github.com/credbroker/credbroker/internal/glob"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/deadline"
)

// scope is what blocks are about: the whole of a subject, one model key of it, or a family of model keys.
type scope struct {
	model  string // model key, or the glob of a family; "": the whole
	family bool
}

// covers reports whether blocks of the scope hold for a model key.
func (s scope) covers(key string) bool {
	if s.family {
		return key != "" && glob.Match(s.model, key)
	}
	return s.model == "" || s.model == key
}

// blockSet are the blocks of one subject for one scope.
type blockSet struct {
	timer deadline.Timer
	owner *subject
	scope scope
	// ledgers by kind; nil: nothing is known.
	ledgers *cooldown.Ledgers
	// probeUntil is the end of the time that the probe under way has; not in the future: none is. It was picked at probeStarted.
	probeUntil, probeStarted cooldown.Instant
	// permit is the last time at which a request may use the permit that the pool has; 0: it has none.
	permit cooldown.Instant
	wanted bool // in outbox.wanted
	// unsaved: it is to be stored.
	unsaved bool
	// As far as time was worked off: nobody may be picked, and one at a time may be or is.
	active, halfOpen bool
	doubted          bool // active, and something doubtful is in force
	// What a census counted of it last: its span, and the end of the probe under way.
	counted       cooldown.Span
	countedProbes cooldown.Instant
	listIndex     int // in runtimeState.blocked or families, while active and not about the whole
}

// count notes what a census counts of a span, and reports whether that is news. While nobody may probe, it does not matter when
// the span itself ends: so the failures of an outage, each of which makes it longer, cost nothing for each auth of the provider.
func (s *blockSet) count(r cooldown.Span, firm bool) (news bool) {
	if r.Deciding = nil; firm {
		r.Until = 0
	}
	news = r != s.counted || s.probeUntil != s.countedProbes
	s.counted, s.countedProbes = r, s.probeUntil
	return news
}

// ledger finds or makes the one of a kind.
func (s *blockSet) ledger(kind cooldown.Kind) *cooldown.Ledger {
	if s.ledgers == nil {
		s.ledgers = new(cooldown.Ledgers)
		for i := range cooldown.NumKinds {
			s.ledgers.Of(i).Cleared = s.owner.cleared
			if s.scope.model == "" {
				s.ledgers.Of(i).Watermark = s.owner.succeeded
			}
		}
	}
	return s.ledgers.Of(kind)
}

// span is what decides at a time, refused secrets aside: of what keeps everybody away the one that does so for longest, else of what is
// half-open the one that ends last; a quota block where several do.
func (s *blockSet) span(now cooldown.Instant) cooldown.Span {
	var best cooldown.Span
	if s.ledgers == nil {
		return best
	}
	for kind := range cooldown.NumKinds {
		r := s.ledgers.Of(kind).Span(0, now)
		r.Kind = kind
		if r.Deciding != nil && r.Outlasts(best, now) {
			best = r
		}
	}
	return best
}

// mayProbe reports whether a request could probe what is half-open, if none does.
func (s *blockSet) mayProbe(now cooldown.Instant) bool { return s.owner.alone || s.permit >= now }

// known is what is known, to be read only.
func (s *blockSet) known() *cooldown.Ledgers {
	if s.ledgers == nil {
		return &cooldown.Ledgers{}
	}
	return s.ledgers
}

// inForce counts the blocks that hold for an auth with a secret.
func (s *blockSet) inForce(secret cooldown.Fingerprint, now cooldown.Instant) (count int) {
	if s.ledgers == nil {
		return 0
	}
	for kind := range cooldown.NumKinds {
		if s.ledgers.Of(kind).Span(secret, now).Deciding != nil {
			count++
		}
	}
	return count
}

// inDoubt: something doubtful is in force.
func (s *blockSet) inDoubt(now cooldown.Instant) bool {
	if s.ledgers == nil {
		return false
	}
	for kind := range cooldown.NumKinds {
		if s.ledgers.Of(kind).Doubtful(now) {
			return true
		}
	}
	return false
}

// prune drops what nothing counts on any more; 0: there is nothing left.
func (s *blockSet) prune(now cooldown.Instant) (next cooldown.Instant) {
	if s.ledgers == nil {
		return 0
	}
	for kind := range cooldown.NumKinds {
		next = max(next, s.ledgers.Of(kind).Prune(now))
	}
	if next == 0 {
		s.ledgers = nil
	}
	return next
}

// succeed takes in that a request which began at start was served, and reports whether it ended anything.
func (s *blockSet) succeed(start cooldown.Instant) (ended bool) {
	if s.ledgers == nil {
		return false
	}
	for kind := range cooldown.NumKinds {
		l := s.ledgers.Of(kind)
		before := l.Count()
		l.Succeed(start)
		ended = ended || l.Count() < before
	}
	return ended
}

// renew lets the hints that an attempt probed stand until the next probe, and reports whether there are any.
func (s *blockSet) renew(r *report, next cooldown.Instant) (renewed bool) {
	if s.ledgers == nil {
		return false
	}
	for kind := range cooldown.NumKinds {
		if hint := s.ledgers.Of(kind).ProbedHint(r.begun, r.now); hint != nil {
			again := *hint
			again.Received, again.Probe = r.stamp, max(again.Probe, min(again.Until, next))
			s.ledgers.Of(kind).Add(again)
			renewed = true
		}
	}
	return renewed
}

// block in force of a kind for an auth with a secret, as callers see it; its kind is set in any case.
func (s *blockSet) block(kind cooldown.Kind, secret cooldown.Fingerprint, now cooldown.Instant) (Block, bool) {
	shown := Block{Kind: kind, Domain: s.owner.domain.name}
	if s.scope.family {
		shown.Family = s.scope.model
	} else {
		shown.Model = s.scope.model
	}
	if s.ledgers == nil {
		return shown, false
	}
	r := s.ledgers.Of(kind).Span(secret, now)
	if r.Deciding == nil {
		return shown, false
	}
	shown.Until, shown.Level = timeOf(r.Until), r.Deciding.Level
	shown.Reason, shown.Rule = r.Deciding.Reason, r.Deciding.Rule
	if r.Probe < r.Until {
		shown.ProbeAt = timeOf(r.Probe)
	}
	return shown, true
}
