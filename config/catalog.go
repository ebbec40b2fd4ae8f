package config

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/credbroker/credbroker/selector"
)

// origin is where an auth is written. At equal ids the lower origin wins.
type origin struct {
	// rank is 0 for the YAML file, 1 and up for the folders, and memoryRank.
	rank int
	// path is the id for the YAML file and for memory, else the file relative to its folder, with slashes.
	path string
}

const (
	yamlRank   = 0
	memoryRank = maxDirs + 1
)

func (o origin) compare(other origin) int {
	return cmp.Or(cmp.Compare(o.rank, other.rank), cmp.Compare(o.path, other.path))
}

// claim is an auth that is written at an origin and claims its id.
type claim struct {
	origin
	auth *selector.Auth
}

// catalog knows every auth that is written somewhere, decides which one has an id, and what the target does not know
// yet. A change costs as much as there are auths of the same id.
type catalog struct {
	byOrigin map[origin]*selector.Auth
	byID     map[string][]claim // sorted by origin
	inForce  map[string]*selector.Auth
	changed  map[string]bool
	clashes  map[origin]Problem
	// names counts the auths in force by provider and dialect; newNames: one of them is new, or gone.
	names    map[[2]string]int
	newNames bool
}

func newCatalog() *catalog {
	return &catalog{
		byOrigin: make(map[origin]*selector.Auth), byID: make(map[string][]claim),
		inForce: make(map[string]*selector.Auth), changed: make(map[string]bool), clashes: make(map[origin]Problem),
		names: make(map[[2]string]int),
	}
}

// put writes an auth at an origin, over the one that is there.
func (c *catalog) put(at origin, auth *selector.Auth) {
	if before := c.byOrigin[at]; before != nil {
		if same(before, auth) {
			return
		}
		if before.ID != auth.ID {
			c.remove(at)
		}
	}
	c.byOrigin[at] = auth
	claims := c.byID[auth.ID]
	i, found := slices.BinarySearchFunc(claims, at, func(a claim, b origin) int { return a.compare(b) })
	if found {
		claims[i].auth = auth
	} else {
		c.byID[auth.ID] = slices.Insert(claims, i, claim{at, auth})
	}
	c.review(auth.ID)
}

// remove clears an origin.
func (c *catalog) remove(at origin) {
	auth := c.byOrigin[at]
	if auth == nil {
		return
	}
	delete(c.byOrigin, at)
	delete(c.clashes, at)
	claims := slices.DeleteFunc(c.byID[auth.ID], func(other claim) bool { return other.origin == at })
	c.byID[auth.ID] = claims
	if len(claims) == 0 {
		delete(c.byID, auth.ID)
	}
	c.review(auth.ID)
}

// clear clears every origin of a rank, and returns what was there.
func (c *catalog) clear(rank int) map[string]*selector.Auth {
	found := make(map[string]*selector.Auth)
	for at, auth := range c.byOrigin {
		if at.rank == rank {
			found[at.path] = auth
			c.remove(at)
		}
	}
	return found
}

// review notes that the target may not know who has an id, and which origins are refused it.
func (c *catalog) review(id string) {
	c.changed[id] = true
	for i, refused := range c.byID[id] {
		if i == 0 {
			delete(c.clashes, refused.origin)
			continue
		}
		c.clashes[refused.origin] = Problem{
			File:    sourceOf(refused.auth),
			Message: fmt.Sprintf("duplicate id %q; %s has it", id, sourceOf(c.byID[id][0].auth)),
		}
	}
}

// sourceOf names where an auth is written.
func sourceOf(a *selector.Auth) string {
	if a.Origin == selector.OriginMemory {
		return "memory"
	}
	return a.Source
}

// holder is the claim of the auth that has an id.
func (c *catalog) holder(id string) (claim, bool) {
	if claims := c.byID[id]; len(claims) > 0 {
		return claims[0], true
	}
	return claim{}, false
}

// updates returns what the target does not know yet, sorted by id. It counts as known then.
func (c *catalog) updates() (put []*selector.Auth, remove []string) {
	for id := range c.changed {
		now, ok := c.holder(id)
		switch before := c.inForce[id]; {
		case !ok && before != nil:
			remove = append(remove, id)
			c.enforce(id, nil)
		case ok && (before == nil || !same(before, now.auth)):
			put = append(put, now.auth)
			c.enforce(id, now.auth)
		}
	}
	clear(c.changed)
	slices.SortFunc(put, func(a, b *selector.Auth) int { return cmp.Compare(a.ID, b.ID) })
	slices.Sort(remove)
	return put, remove
}

// enforce puts an auth into force, or with nil none, and counts their names.
func (c *catalog) enforce(id string, auth *selector.Auth) {
	before := c.inForce[id]
	if before != nil && (auth == nil || namesOf(before) != namesOf(auth)) {
		if c.names[namesOf(before)]--; c.names[namesOf(before)] == 0 {
			delete(c.names, namesOf(before))
			c.newNames = true
		}
	}
	if auth == nil {
		delete(c.inForce, id)
		return
	}
	if before == nil || namesOf(before) != namesOf(auth) {
		c.names[namesOf(auth)]++
		c.newNames = c.newNames || c.names[namesOf(auth)] == 1
	}
	c.inForce[id] = auth
}

// namesOf are the provider and the dialect of an auth.
func namesOf(a *selector.Auth) [2]string { return [2]string{a.Provider, a.Dialect} }

// same tells whether two auths say the same. On which line of the YAML file they stand does not count.
func same(a, b *selector.Auth) bool {
	if a.Origin != b.Origin || a.Origin != selector.OriginConfig && a.Source != b.Source {
		return false
	}
	x, y := *a, *b
	x.Source, y.Source = "", ""
	return reflect.DeepEqual(x, y)
}
