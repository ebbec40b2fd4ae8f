package selector

import (
	"errors"
	"fmt"
	"slices"

	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

func (p *Pool) checkOrders() error {
	var all []*provider
	x := p.runtime.index
	x.eachProvider(func(of *provider) { all = append(all, of) })
	for list, part := range x.lists {
		if err := x.checkPart(list, part); err != nil {
			return err
		}
		part.eachProvider(func(of *provider) { all = append(all, of) })
	}
	for _, provider := range all {
		orders := 0
		for signature, v := range provider.views {
			if v.signature != signature || v.provider != provider {
				return fmt.Errorf("a view of %s is not at its place", provider.name)
			}
			for kind, l := range v.orders {
				if l == nil {
					continue
				}
				orders++
				if l.view != v || l.kind != orderKind(kind) || !slices.Contains(provider.orders, l) {
					return fmt.Errorf("ordered members %d of a view of %s is not at its place", kind, provider.name)
				}
				if err := l.check(p); err != nil {
					return fmt.Errorf("ordered members %d of a view of %s: %w", kind, provider.name, err)
				}
			}
		}
		if orders != len(provider.orders) || len(provider.views) > maxViews {
			return fmt.Errorf("provider %s: %d orders, %d listed, %d views", provider.name, orders, len(provider.orders), len(provider.views))
		}
	}
	return nil
}

// checkPart compares a part with one that is made anew.
func (x *index) checkPart(list *allow.List, part *index) error {
	fresh := x.admit(list)
	if !slices.Equal(part.members, fresh.members) || len(part.providers) != len(fresh.providers) {
		return errors.New("a part of the pool has not the members that its list admits")
	}
	for name, of := range fresh.providers {
		if p := part.providers[name]; p == nil || !slices.Equal(p.members, of.members) {
			return fmt.Errorf("the part of provider %s has not the members that its list admits", name)
		}
	}
	for _, m := range x.members {
		in := 0
		for _, part := range x.lists {
			part.eachProvider(func(p *provider) {
				if p.indexOf(m) >= 0 {
					in++
					if !slices.Contains(x.parts[m.index], p) {
						in = -len(x.members)
					}
				}
			})
		}
		if in != len(x.parts[m.index]) {
			return fmt.Errorf("%s does not know the parts that it is in", m.auth.ID)
		}
	}
	return nil
}

// check compares ordered members with one that is made anew.
func (l *orderedMembers) check(p *Pool) error {
	fresh := newOrderedMembers(l.view, l.kind)
	fresh.fill()
	if !slices.Equal(l.members, fresh.members) || !slices.Equal(l.positions, fresh.positions) || !slices.Equal(l.weights, fresh.weights) ||
		!slices.Equal(l.Tiers, fresh.Tiers) || !slices.Equal(l.Groups, fresh.Groups) {
		return errors.New("its order is not that of its members")
	}
	ready := l.View(nil)
	for position, m := range l.members {
		if ready.Has(position) != m.ready() {
			return fmt.Errorf("%s is ready: %t, and marked otherwise", m.auth.ID, m.ready())
		}
		if l.position(m) != position {
			return fmt.Errorf("%s is not at its place", m.auth.ID)
		}
		if position > 0 && !l.inOrder(l.members[position-1], m) {
			return fmt.Errorf("%s comes too late", m.auth.ID)
		}
	}
	if err := l.compare(nil, fresh, nil); err != nil {
		return fmt.Errorf("ready: %w", err)
	}
	var errs []error
	l.Keys(func(key string) {
		if err := l.checkHidden(key, fresh); err != nil {
			errs = append(errs, fmt.Errorf("hidden from %q: %w", key, err))
		}
	})
	return errors.Join(errs...)
}

// inOrder: higher priority first, with parents first the parent next, then sorted by id.
func (l *orderedMembers) inOrder(a, b *member) bool {
	switch {
	case a.priority != b.priority:
		return a.priority > b.priority
	case l.kind&parentsFirst != 0 && a.parent != b.parent:
		return a.parent < b.parent
	}
	return a.auth.ID < b.auth.ID
}

// checkHidden makes what is hidden from a key anew among fresh members.
func (l *orderedMembers) checkHidden(key string, fresh *orderedMembers) error {
	h, want := l.Hidden(key), fresh.Hide(key, maxRoutes+1)
	for position, m := range l.members {
		m.subjects(func(s *subject) {
			s.each(m.blockKey(key), func(set *blockSet) {
				if set.active && set.scope.model != "" {
					fresh.Block(want, position, 1, m.ready())
				}
			})
		})
	}
	if h.Blocks() != want.Blocks() {
		return fmt.Errorf("%d blocks, want %d", h.Blocks(), want.Blocks())
	}
	return l.compare(h, fresh, want)
}

// compare asks two lists of members everything that picks ask.
func (l *orderedMembers) compare(h *readyset.Hidden, fresh *orderedMembers, want *readyset.Hidden) error {
	if err := compareViews(l.View(h), fresh.View(want), len(l.members)); err != nil {
		return err
	}
	have, wanted := l.List(h, nil), fresh.List(want, nil)
	for i := range l.Tiers {
		if l.Groups == nil {
			return nil
		}
		a, b := have.Groups(&l.Tiers[i]), wanted.Groups(&fresh.Tiers[i])
		if a.Len() != b.Len() {
			return fmt.Errorf("tier %d has %d groups, want %d", i, a.Len(), b.Len())
		}
		for k := range a.Len() {
			if a.At(k) != b.At(k) {
				return fmt.Errorf("tier %d: group %d is %d, want %d", i, k, a.At(k), b.At(k))
			}
		}
	}
	return nil
}

// compareViews compares positions below n with fresh ones, in every way in which they can be asked.
func compareViews(have, want readyset.View, n int) error {
	if have.Len() != want.Len() {
		return fmt.Errorf("%d members, want %d", have.Len(), want.Len())
	}
	for i := range n {
		if have.Has(i) != want.Has(i) || have.Rank(i) != want.Rank(i) {
			return fmt.Errorf("position %d: %t after %d others, want %t after %d", i, have.Has(i), have.Rank(i), want.Has(i), want.Rank(i))
		}
	}
	for k := range have.Len() {
		if have.At(k) != want.At(k) {
			return fmt.Errorf("member %d is at %d, want %d", k, have.At(k), want.At(k))
		}
	}
	return nil
}
