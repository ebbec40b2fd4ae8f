package selector

import (
	"slices"
	"strings"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// domainKey names a limit domain. Auths of different providers share none. The zero value names nothing.
type domainKey struct {
	provider string
	name     string // such as `org:acme`
	outage   bool   // all auths of the provider, because it fails for all alike
}

// outageKey is the domain of all auths of a provider.
func outageKey(provider string) domainKey {
	return domainKey{provider: provider, name: "provider:" + provider, outage: true}
}

// domainsOf an auth that are of a kind, sorted.
func domainsOf(a *Auth, kind string) []domainKey {
	var keys []domainKey
	for _, name := range a.Domains {
		if before, _, ok := strings.Cut(name, ":"); ok && before == kind {
			keys = append(keys, domainKey{provider: a.Provider, name: name})
		}
	}
	slices.SortFunc(keys, func(a, b domainKey) int { return strings.Compare(a.name, b.name) })
	return slices.Compact(keys)
}

// addDomains notes the members that share what an auth declares.
func (x *index) addDomains(m *member) {
	for _, name := range m.auth.Domains {
		key := domainKey{provider: m.auth.Provider, name: name}
		if known := x.domains[key]; len(known) == 0 || known[len(known)-1] != m {
			x.domains[key] = append(known, m)
		}
	}
}

// sharing are the members of a domain, sorted by id.
func (x *index) sharing(key domainKey) []*member {
	if !key.outage {
		return x.domains[key]
	}
	if p := x.providers[key.provider]; p != nil {
		return p.members
	}
	return nil
}

// makeDomain finds the state of a domain, or makes it.
func (rt *runtimeState) makeDomain(key domainKey) *subject {
	d := rt.domains[key]
	if d == nil {
		d = &subject{domain: key, alone: !rt.permits}
		d.init()
		rt.domains[key] = d
		rt.attach(d)
	}
	return d
}

// domainOf is makeDomain for what others know; nil: no auth declares the domain, and there are too many such.
func (rt *runtimeState) domainOf(key domainKey) *subject {
	if rt.domains[key] == nil && rt.unshared >= maxOrphans && len(rt.index.sharing(key)) == 0 {
		return nil
	}
	return rt.makeDomain(key)
}

// attach tells the members of a domain that there is something to know about it. Each keeps its domains sorted.
func (rt *runtimeState) attach(d *subject) {
	if d.members = rt.index.sharing(d.domain); len(d.members) == 0 {
		rt.unshared++
	}
	for _, m := range d.members {
		at, _ := slices.BinarySearchFunc(m.domains, d, func(x, y *subject) int { return strings.Compare(x.domain.name, y.domain.name) })
		m.domains = slices.Insert(m.domains, at, d)
		m.noteHalfOpen()
	}
	if d.doubted > 0 {
		rt.listDoubted(d)
	}
}

// dropEmpty forgets a domain that nothing is known of any more; where something was withdrawn, only when all failures are over that
// may still be heard of.
func (rt *runtimeState) dropEmpty(d *subject, now cooldown.Instant) {
	if !d.empty() {
		return
	}
	if end := d.withdrawn.End(); end > now {
		rt.timers.Schedule(&d.whole.timer, int64(end))
		return
	}
	rt.dropDomain(d)
}

// dropDomain forgets a domain that nothing is known of any more.
func (rt *runtimeState) dropDomain(d *subject) {
	if rt.domains[d.domain] != d {
		return
	}
	rt.timers.Cancel(&d.whole.timer)
	if delete(rt.domains, d.domain); len(d.members) == 0 {
		rt.unshared--
	}
	for _, m := range d.members {
		// A copy: a report walks over the domains while it ends them.
		m.domains = slices.DeleteFunc(slices.Clone(m.domains), func(other *subject) bool { return other == d })
	}
}

// subjects calls f for what observations of a member are kept of: its domains, then its identity.
func (m *member) subjects(f func(*subject)) {
	for _, d := range m.domains {
		f(d)
	}
	f(&m.state.subject)
}

// domainBlocked: a limit domain of it is blocked as a whole.
func (m *member) domainBlocked() bool {
	for _, d := range m.domains {
		if d.whole.active {
			return true
		}
	}
	return false
}

// blockedFor reports whether it is blocked for a requested model key, the whole auth aside.
func (m *member) blockedFor(key string) bool {
	key = m.blockKey(key)
	if m.state.blockedFor(key) {
		return true
	}
	for _, d := range m.domains {
		if d.blockedFor(key) {
			return true
		}
	}
	return false
}

// noteHalfOpen keeps in the member whether a pick of it may be a probe.
func (m *member) noteHalfOpen() {
	m.halfOpen = m.state != nil && m.state.halfOpen > 0
	for _, d := range m.domains {
		m.halfOpen = m.halfOpen || d.halfOpen > 0
	}
}
