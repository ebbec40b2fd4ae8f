package selector

import (
	"hash/fnv"
	"strings"

	"github.com/credbroker/credbroker/internal/glob"
	"github.com/credbroker/credbroker/selector/internal/rotation"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// codex is the provider whose clients may be connected over a WebSocket.
const codex = "codex"

// choice is what a strategy decided, not yet done: take does it.
type choice struct {
	member   *member
	position uint64 // the cursor before
	route    *route
	// What to advance: one of these, or nothing.
	plain    bool
	byParent bool
	weighted *rotation.Weighted
	// Of a weighted rotation: the position, and those that the request excludes.
	at       int
	excluded []int32
}

// take advances the rotation by the choice.
func (c *choice) take() {
	switch {
	case c.plain:
		c.route.plain.Take(c.position)
	case c.byParent:
		c.route.parents.Take(c.position, c.member.parent)
	case c.weighted != nil:
		c.weighted.Take(c.at, c.excluded)
	}
}

// chooseValid is choose that does not believe in tokens whose end was not worked off yet.
func (q *query) chooseValid() (choice, bool) {
	for {
		c, ok := q.choose()
		if !ok || !c.member.timer.over(q.now) {
			return c, ok
		}
		q.pool.runtime.refreshToken(c.member, q.now)
		q.pool.scratch = q.pool.scratch[:0]
	}
}

// choose lets the strategy decide among the best tier. False: it has nobody to take.
func (q *query) choose() (choice, bool) {
	kind := q.strategyLane()
	l := q.view.lane(kind)
	all := q.present(l)
	if all.length == 0 {
		return choice{}, false
	}
	list, t := all.best()
	if q.wantsWebSocket() {
		if preferred, at, ok := q.preferred(kind, l.tiers[t].priority); ok {
			list, t, kind = preferred, at, kind|webSocketLane
		}
	}
	switch q.route.strategy {
	case FillFirst:
		return choice{route: q.route, member: list.member(0)}, true
	case WeightedRoundRobin:
		return q.byWeight(&list, t), true
	default:
		return q.inTurn(&list, kind), true
	}
}

func (p *present) member(k int) *member { return p.lane.order[p.at(k)] }

// strategyLane has the members that the strategy can take at all.
func (q *query) strategyLane() laneKind {
	if q.route.strategy == WeightedRoundRobin && q.provider.zero {
		return weightedLane
	}
	return 0
}

func (q *query) wantsWebSocket() bool {
	return q.req.Options&WebSocket != 0 && strings.EqualFold(strings.TrimSpace(q.req.Provider), codex)
}

// preferred is the list of ready candidates of one priority that serve WebSockets, and its tier; false: there are none.
func (q *query) preferred(kind laneKind, priority int64) (list present, t int, ok bool) {
	l := q.view.lane(kind | webSocketLane)
	if t = l.tierOf(priority); t < 0 {
		return present{}, t, false
	}
	all := q.present(l)
	list = all.narrow(l.tiers[t].low, l.tiers[t].end)
	return list, t, list.length > 0
}

// inTurn is round robin.
func (q *query) inTurn(list *present, kind laneKind) choice {
	if q.provider.parents {
		if c, ok := q.byParent(list, kind); ok {
			return c
		}
	}
	cursor := q.route.plain.Cursor(q.pool.cursorStart)
	return choice{
		route: q.route, plain: true, position: cursor,
		member: list.member(int(cursor % uint64(list.length))), //nolint:gosec // below length
	}
}

// byParent is the two-level round robin over virtual parents. False: some member of the list has no parent, or all have
// the same.
func (q *query) byParent(list *present, kind laneKind) (choice, bool) {
	priority := list.lane.order[list.at(0)].priority
	l := q.view.lane(kind | parentLane)
	t := l.tiers[l.tierOf(priority)]
	all := q.present(l)
	orphans := l.groups[t.firstGroup]
	if part := all.narrow(orphans.low, orphans.end); part.length > 0 {
		return choice{}, false
	}
	parents := presentGroups(&all, t)
	if parents.length < 2 {
		return choice{}, false
	}
	turns := &q.route.parents
	cursor := turns.Groups.Cursor(0)
	if !turns.Groups.Used() {
		cursor = q.route.key.groupStart(q.pool.seed, parents.length)
	}
	g := l.groups[parents.at(int(cursor%uint64(parents.length)))] //nolint:gosec // below length
	members := all.narrow(g.low, g.end)
	inner := turns.Inner(g.parent)
	return choice{
		route: q.route, byParent: true, position: cursor,
		member: members.member(int(inner % uint64(members.length))), //nolint:gosec // below length
	}, true
}

// groupList are the groups of one tier that have a member in the list.
type groupList struct {
	groups readyset.View
	first  int // rank of the first
	length int
	holes  []int // groups whose members are all excluded, ascending by group
}

// presentGroups counts the groups of tier t that all has members in.
func presentGroups(all *present, t tier) groupList {
	l := all.lane
	g := groupList{groups: readyset.View{All: l.nonEmpty}}
	if all.mask != nil {
		g.groups.Hidden = all.mask.emptied
	}
	g.first = g.groups.Rank(t.firstGroup)
	g.length = g.groups.Rank(t.endGroup) - g.first
	seen := all.seen()
	excluded, last := 0, -1 // how many in the last group
	for _, hole := range all.holes {
		i := int(l.groupOf[seen.At(int(hole))])
		if i < t.firstGroup || i >= t.endGroup {
			continue
		}
		if i != last {
			excluded, last = 0, i
		}
		if excluded++; excluded == l.readyIn(i, all.mask) {
			g.holes = append(g.holes, i)
		}
	}
	g.length -= len(g.holes)
	return g
}

// at is the k-th group, from 0.
func (g *groupList) at(k int) int {
	rank := g.first + k
	for _, hole := range g.holes {
		if g.groups.Rank(hole) > rank {
			break
		}
		rank++
	}
	return g.groups.At(rank)
}

// groupStart is where a new group cursor starts: anywhere below n, the same again for a dry run.
func (k routeKey) groupStart(seed uint64, n int) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(k.provider))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(k.model))
	return (h.Sum64() ^ seed) % uint64(n) //nolint:gosec // a count
}

// strategyFor is the strategy of the first rule that matches.
func (s *Settings) strategyFor(provider, model string) Strategy {
	for _, rule := range s.Rules {
		if (rule.Provider == "" || rule.Provider == provider) && (rule.Model == "" || glob.Match(rule.Model, model)) {
			return rule.Strategy
		}
	}
	return s.Strategy
}
