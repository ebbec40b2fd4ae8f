package selector

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/census"
)

// maxCounted bounds the members of all censuses of a provider that know each of their members, at 9 bytes each. At least one
// does.
const maxCounted = 1 << 21

// What a member counts as in a census: a Reason, and some of these.
const (
	markReason    uint8 = 1<<5 - 1
	markCandidate uint8 = 1 << 5
	markCooling   uint8 = 1 << 6 // for a quota
	markZero      uint8 = 1 << 7 // ready, of weight 0
)

// exhaustion is what a pick without a ready candidate finds instead: why members are not ready, the time until the earliest end
// among the candidates' blocks, and whether all candidates are out for a quota. The census must have followed what changed.
func (q *query) exhaustion(c *census.Census, key string) (counts Counts, wait time.Duration, cooling bool) {
	for _, m := range q.excluded {
		if i := q.provider.indexOf(m); i >= 0 {
			c.Recount(i, func(int) (uint8, int64) { return uint8(ReasonExcluded), census.Never })
		}
	}
	counts, wait, cooling = exhaustionOf(c, q.route.strategy, q.now)
	for _, m := range q.excluded {
		if i := q.provider.indexOf(m); i >= 0 {
			c.Recount(i, func(int) (uint8, int64) { return q.view.censusMark(m, key, q.now) })
		}
	}
	return counts, wait, cooling
}

// census finds the one that counts for the request, by a model key, and lets it look at members that changed since the last pick
// that asked. Not done: there are more than a pick looks at under one hold of the lock.
func (q *query) census() (c *census.Census, key string, done bool) {
	if q.hidden(q.view.plain()) != nil {
		key = q.key.model
	}
	p := q.provider
	c = q.view.census(key)
	c.Used = q.pool.uses
	if len(q.excluded) == 0 && !c.Known() && c.Current(&p.changes) {
		return c, key, true
	}
	if !c.Known() {
		p.makeRoom()
	}
	done = c.Follow(len(p.members), q.limit, &p.changes, func(i int) (uint8, int64) { return q.view.censusMark(p.members[i], key, q.now) })
	return c, key, done
}

// exhaustionOf adds up a census for a strategy: a weighted one takes nobody of weight 0.
func exhaustionOf(c *census.Census, strategy Strategy, now cooldown.Instant) (counts Counts, wait time.Duration, cooling bool) {
	candidates, quota := 0, 0
	c.Each(func(mark uint8, count int) {
		reason := Reason(mark & markReason)
		if mark&markZero != 0 && strategy == WeightedRoundRobin {
			reason = ReasonZeroWeight
		}
		counts[reason] += count
		if mark&markCandidate != 0 {
			candidates += count
		}
		if mark&markCooling != 0 {
			quota += count
		}
	})
	if end := c.Earliest(); end != census.Never {
		wait = time.Duration(max(end-int64(now), 0))
	}
	return counts, wait, candidates > 0 && quota == candidates
}

// indexOf a member among those of the provider; -1: it is of another.
func (p *provider) indexOf(m *member) int {
	switch {
	case p.admitted != nil:
		if i, ok := slices.BinarySearchFunc(p.members, m.index, func(m *member, index int32) int { return cmp.Compare(m.index, index) }); ok {
			return i
		}
	case p.scope == scopeEveryone:
		return int(m.index)
	case m.provider == p:
		return m.providerIndex
	}
	return -1
}

// census finds or makes the one of a model key.
func (v *modelView) census(key string) *census.Census {
	c := v.censuses[key]
	if c == nil {
		if len(v.censuses) >= maxRoutes {
			for other := range v.censuses {
				delete(v.censuses, other) // any of them: it is made again when a pick needs it
				break
			}
		}
		if v.censuses == nil {
			v.censuses = make(map[string]*census.Census)
		}
		c = new(census.Census)
		v.censuses[strings.Clone(key)] = c
	}
	return c
}

// makeRoom lets the census that was not asked for the longest forget the members, if there is no room for another.
func (p *provider) makeRoom() {
	var oldest *census.Census
	count := 1
	for _, v := range p.views {
		for _, c := range v.censuses {
			if !c.Known() {
				continue
			}
			if count++; oldest == nil || c.Used < oldest.Used {
				oldest = c
			}
		}
	}
	most := maxCounted
	if p.admitted != nil {
		most /= 16 // there may be many parts
	}
	if oldest != nil && count*len(p.members) > most {
		oldest.Forget()
	}
}

// censusMark says what a member counts as, and the end of its block; never: it has none, or is no candidate.
func (v *modelView) censusMark(m *member, key string, now cooldown.Instant) (mark uint8, end int64) {
	s := v.eligibility(m, key, now)
	mark, end = uint8(s.reason), census.Never
	if s.reason == ReasonReady && m.weight == 0 {
		mark |= markZero
	}
	if s.until == cooldown.Never {
		return mark, end
	}
	mark |= markCandidate
	if s.quota {
		mark |= markCooling
	}
	if s.until != 0 {
		end = int64(s.until)
	}
	return mark, end
}
