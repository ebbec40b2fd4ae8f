package selector

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/providers"
)

// nameProviders finds what the names of the pool mean, for requests that use another of those names. Of several that mean the
// same, the one that documents use counts, else the first sorted.
func (x *index) nameProviders() {
	names := slices.Sorted(maps.Keys(x.providers))
	x.meanings = make(map[string]*provider)
	for _, name := range names {
		p, known := providers.Lookup(name)
		if known && (x.meanings[p.Name] == nil || name == p.Name) {
			x.meanings[p.Name] = x.providers[name]
		}
	}
	x.missing = notFound(names)
}

// maxNamed is how many providers an error names.
const maxNamed = 16

// notFound is ErrAuthNotFound with what there is instead.
func notFound(names []string) error {
	shown := strings.Join(names[:min(len(names), maxNamed)], ", ")
	switch more := len(names) - maxNamed; {
	case len(names) == 0:
		return fmt.Errorf("%w, which is empty", ErrAuthNotFound)
	case more > 0:
		return fmt.Errorf("%w; there are: %s and %d more", ErrAuthNotFound, shown, more)
	}
	return fmt.Errorf("%w; there are: %s", ErrAuthNotFound, shown)
}

// provider finds the auths that a request's provider means; nil: there are none.
func (x *index) provider(name string) *provider {
	if name == "" || name == mixed {
		if len(x.members) == 0 {
			return nil
		}
		return x.everyone
	}
	if p := x.providers[name]; p != nil {
		return p
	}
	p, _ := providers.Lookup(name)
	return x.meanings[p.Name]
}

// named is the name under which the pool knows what a request calls so; one that means nobody stays as it is.
func (x *index) named(name string) string {
	if p := x.provider(name); p != nil && p.scope == scopeOne {
		return p.name
	}
	return name
}

// Provider returns the name under which the pool knows what a request calls so: `claude` for `anthropic`, unless an auth bears
// that very name. A name that means nobody stays as it is. It takes no lock.
func (p *Pool) Provider(name string) string { return p.names.Load().named(name) }

// setRules keeps the rules of the settings under the names of the pool.
func (p *Pool) setRules() {
	p.rules = slices.Clone(p.settings.Rules)
	for i := range p.rules {
		p.rules[i].Provider = p.runtime.index.named(p.rules[i].Provider)
	}
}
