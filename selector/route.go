package selector

import (
	"strings"

	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/selector/internal/rotation"
)

// maxRoutes bounds the (provider, model key) entries that rotations are kept for.
const maxRoutes = 4096

type routeKey struct {
	list            *allow.List
	provider, model string
}

// route is what is kept for one allow list, one provider, as the pool names it, and one model key: the rotations, and where to
// look.
type route struct {
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
	byKey map[routeKey]*route
	// ends is the ring's anchor: older is the most recently used.
	ends route
}

func (r *routes) init() {
	r.byKey = make(map[routeKey]*route)
	r.ends.newer, r.ends.older = &r.ends, &r.ends
}

// used puts a route that a pick used in front, adding it if needed.
func (r *routes) used(t *route) {
	switch {
	case r.ends.older == t:
		return
	case t.newer != nil:
		t.unlink()
	default:
		if len(r.byKey) >= maxRoutes {
			last := r.ends.newer
			last.unlink()
			delete(r.byKey, last.key)
		}
		// The caller's strings may be part of something larger.
		t.key.provider, t.key.model = strings.Clone(t.key.provider), strings.Clone(t.key.model)
		r.byKey[t.key] = t
	}
	t.newer, t.older = &r.ends, r.ends.older
	t.older.newer, r.ends.older = t, t
}

// keep drops the routes of other lists.
func (r *routes) keep(lists map[*allow.List]*index) {
	for key, t := range r.byKey {
		if key.list != nil && lists[key.list] == nil {
			t.unlink()
			delete(r.byKey, key)
		}
	}
}

func (t *route) unlink() {
	t.newer.older, t.older.newer = t.older, t.newer
	t.newer, t.older = nil, nil
}
