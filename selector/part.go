package selector

import (
	"strings"

	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/selector/internal/modelglob"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// part is what a list admits: the whole index for nil. Nil: nobody said so before.
func (x *index) part(list *allow.List) *index {
	if list == nil {
		return x
	}
	return x.lists[list]
}

// partsOf are the providers of parts that a member is in.
func (x *index) partsOf(m *member) []*provider {
	if len(x.parts) == 0 {
		return nil
	}
	return x.parts[m.index]
}

// partition makes the parts that lists admit, and finds the providers that each member is in there. A part that is there already
// stays. The index itself does not change.
func (x *index) partition(lists []*allow.List) (all map[*allow.List]*index, parts [][]*provider) {
	for _, list := range lists {
		if list == nil || all[list] != nil {
			continue
		}
		if all == nil {
			all, parts = make(map[*allow.List]*index), make([][]*provider, len(x.members))
		}
		part := x.lists[list]
		if part == nil {
			part = x.admit(list)
		}
		all[list] = part
		part.eachProvider(func(p *provider) {
			for _, m := range p.members {
				parts[m.index] = append(parts[m.index], p)
			}
		})
	}
	return all, parts
}

// setParts puts parts in place of those of the index in use.
func (rt *runtimeState) setParts(lists map[*allow.List]*index, parts [][]*provider) {
	rt.index.lists, rt.index.parts = lists, parts
	if len(lists) == 0 {
		return
	}
	for _, s := range rt.identities {
		if s.doubted > 0 {
			rt.listDoubted(&s.subject)
		}
	}
	for _, d := range rt.domains {
		if d.doubted > 0 {
			rt.listDoubted(d)
		}
	}
}

// admit makes the part that a list admits: an index of members that are those of the whole. It has providers, and nothing else.
func (x *index) admit(list *allow.List) *index {
	part := &index{generation: x.generation, providers: make(map[string]*provider), everyone: newPart(mixed, scopeEveryone)}
	type narrowed struct {
		whole *modelglob.Served
		globs string
	}
	shared := make(map[narrowed]*modelglob.Served)
	for _, m := range x.members {
		a := m.auth
		globs, ok := list.Models(&allow.Auth{ID: a.ID, Provider: a.Provider, Label: a.Label, Domains: a.Domains})
		if !ok {
			continue
		}
		p := part.providers[a.Provider]
		if p == nil {
			p = newPart(a.Provider, scopeOne)
			part.providers[a.Provider] = p
		}
		key := narrowed{m.patterns, strings.Join(globs, "\x00")}
		served := shared[key]
		if served == nil {
			served = m.patterns.Narrow(globs)
			shared[key] = served
			p.addPatterns(served)
			part.everyone.addPatterns(served)
		}
		part.members = append(part.members, m)
		p.admit(m, served)
		part.everyone.admit(m, served)
	}
	part.eachProvider(func(p *provider) { p.changes = readyset.NewChanges(len(p.members)>>6 + 1) })
	part.nameProviders()
	return part
}

func newPart(name string, scope int) *provider {
	p := newProvider(name, scope)
	p.admitted = []*modelglob.Served{} // it is a part, even of nobody
	return p
}

// admit adds a member to a part.
func (p *provider) admit(m *member, served *modelglob.Served) {
	p.members, p.admitted = append(p.members, m), append(p.admitted, served)
	p.parents = p.parents || m.parent != ""
	p.zero = p.zero || m.weight == 0
}

// eachProvider calls f for the providers, and for all of them as one.
func (x *index) eachProvider(f func(*provider)) {
	for _, p := range x.providers {
		f(p)
	}
	f(x.everyone)
}

// fill sets the readiness of every member in every order.
func (x *index) fill() { x.eachProvider((*provider).fill) }
