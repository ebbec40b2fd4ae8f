package selector

import (
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/least"
)

// maxSummarized bounds the members of all summaries of a provider that know each of their members, at 9 bytes each. At least
// one does.
const maxSummarized = 1 << 21

// exhaustion is what a pick without a ready candidate finds instead.
type exhaustion struct {
	counts     Counts
	candidates int
	cooling    int              // candidates that are out for a quota
	earliest   cooldown.Instant // end among the candidates' blocks; never: none ends
}

// summaryKey names a summary: of a view, for a model key that some member of it is blocked for, or "" for all others.
type summaryKey struct {
	view  *view
	model string
}

// summary keeps the exhaustion of a view for one model key. It looks only at members that changed since it was last asked
// for; of a provider that has too many summaries, those that were not asked for lately look at all of them.
type summary struct {
	found exhaustion
	zero  int    // ready members of weight 0
	seen  uint64 // of the provider's changes
	used  uint64 // by which pick
	made  bool

	// What each member counts as, and the ends among their blocks, by place in the provider; nil: not known.
	tallies []tally
	ends    *least.Tree
}

// tally is what a member counts as: a reason, and some of these.
type tally uint8

const (
	tallyReason    tally = 1<<5 - 1
	tallyCandidate tally = 1 << 5
	tallyCooling   tally = 1 << 6
	tallyZero      tally = 1 << 7
)

// exhaustion finds what there is instead of a ready candidate.
func (q *query) exhaustion() exhaustion {
	key := summaryKey{view: q.view}
	if q.hidden(q.view.plain()) != nil {
		key.model = q.key.model
	}
	s := q.provider.summary(key)
	s.used = q.pool.uses
	if s.tallies == nil && s.made && s.seen == q.provider.changes.Count() && len(q.excluded) == 0 {
		return s.of(q.route.strategy)
	}
	s.follow(q.provider, key, q.now)
	for _, m := range q.excluded {
		if place := q.provider.place(m); place >= 0 {
			s.change(place, tally(ReasonExcluded), cooldown.Never)
		}
	}
	s.found.earliest = cooldown.Instant(s.ends.Least())
	found := s.of(q.route.strategy)
	for _, m := range q.excluded {
		if place := q.provider.place(m); place >= 0 {
			s.look(place, m, key, q.now)
		}
	}
	s.found.earliest = cooldown.Instant(s.ends.Least())
	return found
}

// of a strategy: a weighted one takes nobody of weight 0.
func (s *summary) of(strategy Strategy) exhaustion {
	found := s.found
	if strategy == WeightedRoundRobin {
		found.counts[ReasonZeroWeight] += s.zero
		found.counts[ReasonReady] -= s.zero
	}
	return found
}

// place of a member among those of the provider; -1: it is of another.
func (p *provider) place(m *member) int {
	switch {
	case p.scope == scopeEveryone:
		return m.index
	case m.provider == p:
		return m.place
	}
	return -1
}

// summary finds or makes one.
func (p *provider) summary(key summaryKey) *summary {
	s := p.summaries[key]
	if s == nil {
		if len(p.summaries) >= maxRoutes {
			for other := range p.summaries {
				delete(p.summaries, other) // any of them: it is made again when a pick needs it
				break
			}
		}
		s = new(summary)
		p.summaries[key] = s
	}
	return s
}

// makeRoom lets the summary forget the members that was not asked for the longest, if there is no room for another.
func (p *provider) makeRoom() {
	var oldest *summary
	count := 1
	for _, s := range p.summaries {
		if s.tallies == nil {
			continue
		}
		if count++; oldest == nil || s.used < oldest.used {
			oldest = s
		}
	}
	if oldest != nil && count*len(p.members) > maxSummarized {
		oldest.tallies, oldest.ends = nil, nil
	}
}

// follow looks at the members that changed.
func (s *summary) follow(p *provider, key summaryKey, now cooldown.Instant) {
	if s.tallies == nil {
		p.makeRoom()
		s.make(p, key, now)
		return
	}
	s.seen = p.changes.Since(s.seen, len(p.members)>>6+1, func(w int) {
		for place := w << 6; place < min(len(p.members), (w+1)<<6); place++ {
			s.look(place, p.members[place], key, now)
		}
	})
}

// make looks at every member.
func (s *summary) make(p *provider, key summaryKey, now cooldown.Instant) {
	*s = summary{made: true, used: s.used, seen: p.changes.Count(), tallies: make([]tally, len(p.members)), ends: least.New(len(p.members))}
	for place, m := range p.members {
		t, end := key.tally(m, now)
		s.tallies[place] = t
		s.count(t, 1)
		s.ends.Put(place, int64(end))
	}
	s.ends.Build()
}

// look looks at a member again.
func (s *summary) look(place int, m *member, key summaryKey, now cooldown.Instant) {
	t, end := key.tally(m, now)
	s.change(place, t, end)
}

func (s *summary) change(place int, t tally, end cooldown.Instant) {
	s.count(s.tallies[place], -1)
	s.count(t, 1)
	s.tallies[place] = t
	s.ends.Set(place, int64(end))
}

// tally says what a member counts as, and the end of its block; never: it has none, or is no candidate.
func (k summaryKey) tally(m *member, now cooldown.Instant) (t tally, end cooldown.Instant) {
	s := k.view.standing(m, k.model, now)
	t, end = tally(s.reason), cooldown.Never
	if s.reason == ReasonReady && m.weight == 0 {
		t |= tallyZero
	}
	if s.until == cooldown.Never {
		return t, end
	}
	t |= tallyCandidate
	if s.quota {
		t |= tallyCooling
	}
	if s.until != 0 {
		end = s.until
	}
	return t, end
}

// count adds or takes away a member that counts as t.
func (s *summary) count(t tally, n int) {
	s.found.counts[t&tallyReason] += n
	if t&tallyCandidate != 0 {
		s.found.candidates += n
	}
	if t&tallyCooling != 0 {
		s.found.cooling += n
	}
	if t&tallyZero != 0 {
		s.zero += n
	}
}
