package selector

import (
	"hash/fnv"
	"strings"

	"github.com/credbroker/credbroker/internal/glob"
	"github.com/credbroker/credbroker/internal/providers"
	"github.com/credbroker/credbroker/selector/internal/readyset"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// codex is the provider whose clients may be connected over a WebSocket.
const codex = "codex"

// choice is what a strategy decided, not yet done: advance does it.
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

// advance moves the rotation on by the choice.
func (c *choice) advance() {
	switch {
	case c.plain:
		c.route.plain.Turn(c.position)
	case c.byParent:
		c.route.parents.Turn(c.position, c.member.parent)
	case c.weighted != nil:
		c.weighted.Turn(c.at, c.excluded)
	}
}

// chooseValid is choose that does not believe in tokens whose end was not worked off yet.
func (q *query) chooseValid() (choice, bool) {
	for {
		c, ok := q.choose()
		if !ok || !c.member.expires || !c.member.timer.Over(int64(q.now)) {
			return c, ok
		}
		q.pool.runtime.refreshToken(c.member, q.now)
		q.pool.scratch = q.pool.scratch[:0]
	}
}

// choose lets the strategy decide among the best tier. False: it has nobody to take.
func (q *query) choose() (choice, bool) {
	kind := q.strategyOrder()
	l := q.view.ordered(kind)
	list := q.list(l)
	if list.Len() == 0 {
		return choice{}, false
	}
	t := list.Best()
	if q.req.wantsWebSocket() {
		if preferred, at, ok := q.preferred(kind, l.Tiers[t].Priority); ok {
			list, t, kind = preferred, at, kind|webSocketsOnly
			l = q.view.ordered(kind)
		}
	}
	switch q.route.strategy {
	case FillFirst:
		return choice{route: q.route, member: l.members[list.At(0)]}, true
	case WeightedRoundRobin:
		return q.byWeight(l, &list, t), true
	default:
		return q.inTurn(l, &list, t), true
	}
}

// strategyOrder has the members that the strategy can take at all.
func (q *query) strategyOrder() orderKind {
	if q.route.strategy == WeightedRoundRobin && q.provider.zero {
		return weightedOnly
	}
	return 0
}

// neverTakes: the strategy takes a member under no circumstances.
func (q *query) neverTakes(m *member) bool {
	return m.weight == 0 && q.route.strategy == WeightedRoundRobin
}

func (r *Request) wantsWebSocket() bool {
	if r.Options&WebSocket == 0 {
		return false
	}
	p, _ := providers.Lookup(strings.TrimSpace(r.Provider))
	return p.Name == codex
}

// preferred is the list of ready candidates of one priority that serve WebSockets, and its tier; false: there are none.
func (q *query) preferred(kind orderKind, priority int64) (list readyset.List, t int, ok bool) {
	l := q.view.ordered(kind | webSocketsOnly)
	if t = l.TierOf(priority); t < 0 {
		return readyset.List{}, t, false
	}
	all := q.list(l)
	list = all.Within(l.Tiers[t].Low, l.Tiers[t].End)
	return list, t, list.Len() > 0
}

// inTurn is round robin.
func (q *query) inTurn(l *orderedMembers, list *readyset.List, t int) choice {
	if q.provider.parents {
		if c, ok := q.byParent(l.kind, l.Tiers[t].Priority); ok {
			return c
		}
	}
	cursor := q.route.plain.Cursor(q.pool.cursorStart)
	return choice{
		route: q.route, plain: true, position: cursor,
		member: l.members[list.At(int(cursor%uint64(list.Len())))], //nolint:gosec // below length
	}
}

// byParent is the two-level round robin over virtual parents. False: some member of the list has no parent, or all have
// the same.
func (q *query) byParent(kind orderKind, priority int64) (choice, bool) {
	l := q.view.ordered(kind | parentsFirst)
	t := &l.Tiers[l.TierOf(priority)]
	all := q.list(l)
	orphans := l.Groups[t.FirstGroup]
	if part := all.Within(orphans.Low, orphans.End); part.Len() > 0 {
		return choice{}, false
	}
	parents := all.Groups(t)
	if parents.Len() < 2 {
		return choice{}, false
	}
	turns := &q.route.parents
	cursor := turns.Groups.Cursor(0)
	if !turns.Groups.Used() {
		cursor = q.route.key.groupStart(q.pool.seed, parents.Len())
	}
	g := l.Groups[parents.At(int(cursor%uint64(parents.Len())))] //nolint:gosec // below length
	members := all.Within(g.Low, g.End)
	inner := turns.Inner(g.Name)
	return choice{
		route: q.route, byParent: true, position: cursor,
		member: l.members[members.At(int(inner%uint64(members.Len())))], //nolint:gosec // below length
	}, true
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
func (p *Pool) strategyFor(key routeKey) Strategy {
	for _, rule := range p.rules {
		if (rule.Provider == "" || rule.Provider == key.provider) && (rule.Model == "" || glob.Match(rule.Model, key.model)) {
			return rule.Strategy
		}
	}
	return p.settings.Strategy
}
