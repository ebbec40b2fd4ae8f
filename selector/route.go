package selector

import (
	"maps"
	"strings"

	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// maxRoutes bounds the (provider, model key) entries that rotations are kept for.
const maxRoutes = 4096

type routeKey struct{ provider, model string }

// route is what is kept for one allow list, one provider, as the pool names it, and one model key: the rotations, and where to
// look.
type route struct {
	list     *allow.List
	key      routeKey
	view     *modelView
	strategy Strategy

	plain   rotation.RoundRobin
	parents rotation.TwoLevel // over virtual parents
	// weighted are those of requests that do not prefer WebSockets, and of those that do, over ordered members.
	weighted [2]*rotation.Tiers
	orders   [2]*orderedMembers

	newer, older *route
}

// maxParents is how many virtual parents a route keeps inner cursors of, those that are in the pool aside.
const maxParents = 1024

// routes is a table of routes of which the least recently used goes first.
type routes struct {
	byKey  map[routeKey]*route                 // of requests that may use everything
	listed map[*allow.List]map[routeKey]*route // of those with a list
	count  int
	// spare is the last that a pick began and nobody used; nil: there is none.
	spare *route
	// ends is the ring's anchor: older is the most recently used.
	ends route
}

func (r *routes) init() {
	r.byKey, r.listed = make(map[routeKey]*route), make(map[*allow.List]map[routeKey]*route)
	r.ends.newer, r.ends.older = &r.ends, &r.ends
}

// of a list; nil: of those without.
func (r *routes) of(list *allow.List) map[routeKey]*route {
	if list == nil {
		return r.byKey
	}
	return r.listed[list]
}

// begin returns a route that is in the table only once it is used.
func (r *routes) begin(list *allow.List, key routeKey) *route {
	if r.spare == nil {
		r.spare = new(route)
	}
	*r.spare = route{list: list, key: key}
	return r.spare
}

// used puts a route that a pick used in front, adding it if needed.
func (r *routes) used(t *route) {
	switch {
	case r.ends.older == t:
		return
	case t.newer != nil:
		t.unlink()
	default:
		r.add(t)
	}
	t.newer, t.older = &r.ends, r.ends.older
	t.older.newer, r.ends.older = t, t
}

// add adds a route to the table, but not to the ring.
func (r *routes) add(t *route) {
	if r.count >= maxRoutes {
		r.drop(r.ends.newer)
	}
	if r.of(t.list) == nil {
		r.listed[t.list] = make(map[routeKey]*route)
	}
	// The caller's strings may be part of something larger.
	t.key = routeKey{strings.Clone(t.key.provider), strings.Clone(t.key.model)}
	r.of(t.list)[t.key] = t
	r.count++
	r.spare = nil // it is the one
}

func (r *routes) drop(t *route) {
	t.unlink()
	delete(r.of(t.list), t.key)
	r.count--
}

// each calls f for every route, which it may drop.
func (r *routes) each(f func(*route)) {
	for t := r.ends.older; t != &r.ends; {
		older := t.older
		f(t)
		t = older
	}
}

// keep drops the routes of other lists.
func (r *routes) keep(lists map[*allow.List]*index) {
	r.each(func(t *route) {
		if t.list != nil && lists[t.list] == nil {
			r.drop(t)
		}
	})
	maps.DeleteFunc(r.listed, func(list *allow.List, _ map[routeKey]*route) bool { return lists[list] == nil })
}

func (t *route) unlink() {
	t.newer.older, t.older.newer = t.older, t.newer
	t.newer, t.older = nil, nil
}
