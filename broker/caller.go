package broker

import (
	"slices"
	"strings"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/allow"
)

// Caller is who makes a call. The zero value is whoever can connect, where no callers are configured: everything is its own.
type Caller struct {
	// Name is unique among callers.
	Name string
	// Allow is what it may use; nil: everything. What it may not use is to it as if it were not there. Broker.Caller has the
	// pointers that are known.
	Allow *allow.List
	// Operate: it may take auths out without a pick of its own, and, where it may use everything, it sees the sessions of others.
	Operate bool
}

// isNamed: callers are configured, and it is one of them.
func (c *Caller) isNamed() bool { return c.Name != "" }

// sees reports whether an auth is there for the caller.
func (c *Caller) sees(a *selector.Auth) bool {
	return c.Allow == nil || c.Allow.Admits(&allow.Auth{ID: a.ID, Provider: a.Provider, Label: a.Label, Domains: a.Domains})
}

// seesSessions reports whether sessions of other callers are there for it.
func (c *Caller) seesSessions() bool { return !c.isNamed() || c.Operate && c.Allow == nil }

// Caller returns the configured caller of that name. If there is none, it may use nothing.
func (b *Broker) Caller(name string) Caller {
	settings := b.settings.Load()
	i, ok := slices.BinarySearchFunc(settings.Callers, name, func(c Caller, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return Caller{Name: name, Allow: allow.Nothing()}
	}
	return settings.Callers[i]
}

// withCallers sorts the callers, gives those of equal rules one list, that of the settings before if it had one, and tells the
// pool of the lists. It returns the names.
func (s *Settings) withCallers(before []Caller) (names []string) {
	s.Callers = slices.Clone(s.Callers)
	slices.SortFunc(s.Callers, func(a, b Caller) int { return strings.Compare(a.Name, b.Name) })
	var known []*allow.List
	for i := range before {
		known = append(known, before[i].Allow)
	}
	s.Selection.Lists = nil
	for i := range s.Callers {
		c := &s.Callers[i]
		names = append(names, c.Name)
		if c.Allow == nil {
			continue
		}
		if same := slices.IndexFunc(known, c.Allow.Same); same >= 0 {
			c.Allow = known[same]
		} else {
			known = append(known, c.Allow)
		}
		s.Selection.Lists = append(s.Selection.Lists, c.Allow)
	}
	return names
}

// auth returns the auth if it is there for the caller.
func (b *Broker) auth(by Caller, id string) (*selector.Auth, error) {
	auth, ok := b.pool.Auth(id)
	if !ok || !by.sees(auth) {
		return nil, selector.ErrUnknownAuth
	}
	return auth, nil
}
