package selector

import (
	"errors"
	"fmt"
	"slices"

	"github.com/credbroker/credbroker/selector/internal/readyset"
)

func (p *Pool) checkLanes() error {
	all := []*provider{p.runtime.index.everyone}
	for _, provider := range p.runtime.index.providers {
		all = append(all, provider)
	}
	for _, provider := range all {
		lanes := 0
		for signature, v := range provider.views {
			if v.signature != signature || v.provider != provider {
				return fmt.Errorf("a view of %s is not at its place", provider.name)
			}
			for kind, l := range v.lanes {
				if l == nil {
					continue
				}
				lanes++
				if l.view != v || l.kind != laneKind(kind) || !slices.Contains(provider.lanes, l) {
					return fmt.Errorf("lane %d of a view of %s is not at its place", kind, provider.name)
				}
				if err := l.check(p); err != nil {
					return fmt.Errorf("lane %d of a view of %s: %w", kind, provider.name, err)
				}
			}
		}
		if lanes != len(provider.lanes) || len(provider.views) > maxViews {
			return fmt.Errorf("provider %s: %d lanes, %d listed, %d views", provider.name, lanes, len(provider.lanes), len(provider.views))
		}
	}
	return nil
}

// check compares a lane with one that is made anew.
func (l *lane) check(p *Pool) error {
	fresh := newLane(l.view, l.kind)
	fresh.fill()
	if !slices.Equal(l.order, fresh.order) || !slices.Equal(l.places, fresh.places) ||
		!slices.Equal(l.tiers, fresh.tiers) || !slices.Equal(l.groups, fresh.groups) {
		return errors.New("its order is not that of its members")
	}
	for position, m := range l.order {
		if l.ready.Has(position) != m.ready() {
			return fmt.Errorf("%s is ready: %t, and marked otherwise", m.auth.ID, m.ready())
		}
		if l.position(m) != position {
			return fmt.Errorf("%s is not at its place", m.auth.ID)
		}
		if position > 0 && !l.inOrder(l.order[position-1], m) {
			return fmt.Errorf("%s comes too late", m.auth.ID)
		}
	}
	if err := checkSet(l.ready, fresh.ready, len(l.order)); err != nil {
		return fmt.Errorf("ready: %w", err)
	}
	if !slices.Equal(l.weights, fresh.weights) {
		return fmt.Errorf("weights %d, want %d", l.weights, fresh.weights)
	}
	if l.groups != nil {
		if err := checkSet(l.nonEmpty, fresh.nonEmpty, len(l.groups)); err != nil {
			return fmt.Errorf("groups: %w", err)
		}
	}
	for key, k := range l.masks {
		if err := l.checkMask(p, key, k); err != nil {
			return fmt.Errorf("mask of %q: %w", key, err)
		}
	}
	return nil
}

// inOrder: higher priority first, of a parent lane the parent next, then text order of id.
func (l *lane) inOrder(a, b *member) bool {
	switch {
	case a.priority != b.priority:
		return a.priority > b.priority
	case l.kind&parentLane != 0 && a.parent != b.parent:
		return a.parent < b.parent
	}
	return a.auth.ID < b.auth.ID
}

func (l *lane) checkMask(p *Pool, key string, k *mask) error {
	hidden, emptied := readyset.New(len(l.order)), readyset.New(len(l.groups))
	blocked := 0
	for position, m := range l.order {
		sets := 0
		m.subjects(func(s *subject) {
			s.each(m.blockKey(key), func(set *blockSet) {
				if set.active && set.scope.model != "" {
					sets++
				}
			})
		})
		if blocked += sets; sets > 0 {
			hidden.Put(position, m.ready())
		}
	}
	if blocked != k.blocked {
		return fmt.Errorf("%d members rest, want %d", k.blocked, blocked)
	}
	if blocked == 0 {
		if k.hidden != nil || k.emptied != nil {
			return errors.New("it hides somebody, and nobody rests")
		}
		return nil
	}
	if err := checkSet(k.hidden, hidden, len(l.order)); err != nil {
		return fmt.Errorf("hidden: %w", err)
	}
	if l.groups == nil {
		return nil
	}
	for g := range l.groups {
		all, seen := 0, 0
		for position := l.groups[g].low; position < l.groups[g].end; position++ {
			if l.ready.Has(position) {
				all++
				if !hidden.Has(position) {
					seen++
				}
			}
		}
		emptied.Put(g, all > 0 && seen == 0)
	}
	if err := checkSet(k.emptied, emptied, len(l.groups)); err != nil {
		return fmt.Errorf("emptied: %w", err)
	}
	return nil
}

// checkSet compares a set of positions below n with a fresh one, in every way in which it can be asked.
func checkSet(have, want *readyset.Set, n int) error {
	if have.Len() != want.Len() {
		return fmt.Errorf("%d members, want %d", have.Len(), want.Len())
	}
	for i := range n {
		if have.Has(i) != want.Has(i) || have.Rank(i) != want.Rank(i) {
			return fmt.Errorf("position %d: %t after %d others, want %t after %d", i, have.Has(i), have.Rank(i), want.Has(i), want.Rank(i))
		}
	}
	for k := range have.Len() {
		if at, wanted := (readyset.View{All: have}).At(k), (readyset.View{All: want}).At(k); at != wanted {
			return fmt.Errorf("member %d is at %d, want %d", k, at, wanted)
		}
	}
	return nil
}
