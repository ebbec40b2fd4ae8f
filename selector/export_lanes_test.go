package selector

import (
	"errors"
	"fmt"
	"maps"
	"math/bits"
	"slices"
)

func (p *Pool) checkLanes() error {
	all := []*provider{p.index.everyone}
	for _, provider := range p.index.providers {
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
		if l.ready.has(position) != m.ready() {
			return fmt.Errorf("%s is ready: %t, and marked otherwise", m.auth.ID, m.ready())
		}
		if l.position(m) != position {
			return fmt.Errorf("%s is not at its place", m.auth.ID)
		}
		if position > 0 && !l.inOrder(l.order[position-1], m) {
			return fmt.Errorf("%s comes too late", m.auth.ID)
		}
	}
	if err := l.ready.check(fresh.ready); err != nil {
		return fmt.Errorf("ready: %w", err)
	}
	if !slices.Equal(l.weights, fresh.weights) {
		return fmt.Errorf("weights %d, want %d", l.weights, fresh.weights)
	}
	if l.groups != nil {
		if err := l.nonEmpty.check(fresh.nonEmpty); err != nil {
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
	hidden, emptied := newRanks(len(l.order)), newRanks(len(l.groups))
	blocked := 0
	weights := map[int]uint64{}
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
			if hidden.set(position, m.ready()); m.ready() && m.weight > 0 {
				weights[l.tierAt(position)] += uint64(m.weight)
			}
		}
	}
	if blocked != k.blocked {
		return fmt.Errorf("%d members rest, want %d", k.blocked, blocked)
	}
	if blocked == 0 {
		if k.hidden != nil || k.emptied != nil || len(k.weights) > 0 {
			return errors.New("it hides somebody, and nobody rests")
		}
		return nil
	}
	if !maps.Equal(k.weights, weights) {
		return fmt.Errorf("hidden weights %d, want %d", k.weights, weights)
	}
	if err := k.hidden.check(hidden); err != nil {
		return fmt.Errorf("hidden: %w", err)
	}
	if l.groups == nil {
		return nil
	}
	for g := range l.groups {
		all, seen := 0, 0
		for position := l.groups[g].low; position < l.groups[g].end; position++ {
			if l.ready.has(position) {
				all++
				if !hidden.has(position) {
					seen++
				}
			}
		}
		emptied.set(g, all > 0 && seen == 0)
	}
	if err := k.emptied.check(emptied); err != nil {
		return fmt.Errorf("emptied: %w", err)
	}
	return nil
}

// check compares a set with a fresh one, and its sums with its words.
func (r *ranks) check(fresh *ranks) error {
	if !slices.Equal(r.words, fresh.words) {
		return fmt.Errorf("members %x, want %x", r.words, fresh.words)
	}
	total := 0
	for w, word := range r.words {
		total += bits.OnesCount64(word)
		i, sum := w+1, 0
		for at := i - i&-i; at < i; at++ {
			sum += bits.OnesCount64(r.words[at])
		}
		if int(r.sums[i]) != sum {
			return fmt.Errorf("sum %d is %d, want %d", i, r.sums[i], sum)
		}
	}
	if total != r.total {
		return fmt.Errorf("%d members, want %d", r.total, total)
	}
	return nil
}

// check looks at the tournament, and at the clocks' weights.
func (c *credits) check() error {
	for w, in := range c.in {
		least, _ := c.least(w, in)
		if c.best[c.size+w] != least {
			return fmt.Errorf("word %d: least pass %v, want %v", w, c.best[c.size+w], least)
		}
	}
	for i := c.size - 1; i > 0; i-- {
		if c.best[i] != min(c.best[2*i], c.best[2*i+1]) {
			return fmt.Errorf("node %d: %v is not the least", i, c.best[i])
		}
	}
	return nil
}
