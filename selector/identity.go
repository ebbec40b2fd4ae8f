package selector

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// identity is the runtime state of one account or key. Its auths come and go; it stays.
type identity struct {
	name    string
	slot    Slot
	members []*member     // in text order of id; none: the identity left the pool
	former  []*member     // of the index before, while it is replaced
	last    []secretPrint // of the auths that an identity had that left the pool

	disabled bool
	why      string
	whole    blockSet
	models   map[string]*blockSet

	orphan bool // in Pool.orphans
	report Report

	// Of auths that were in earlier indexes.
	picks      uint64
	lastPicked int64
}

// knows reports whether an auth that the identity had, one of before or of last, has the same secret as a. An identity
// that never had any is not surprised.
func (s *identity) knows(a *Auth, before []*member) bool {
	for _, m := range before {
		if sameHeaders(m.auth, a) {
			return true
		}
	}
	if len(s.last) > 0 {
		return slices.Contains(s.last, secretPrintOf(a))
	}
	return len(before) == 0
}

// secretPrint tells the secrets of auths apart without keeping them.
type secretPrint [sha256.Size]byte

func secretPrintOf(a *Auth) (p secretPrint) {
	hash := sha256.New()
	for _, h := range a.Headers {
		_, _ = fmt.Fprintf(hash, "%d %s ", len(h.Name), h.Name)
		h.Value.writeTo(hash)
	}
	hash.Sum(p[:0])
	return p
}

func sameHeaders(a, b *Auth) bool {
	return slices.EqualFunc(a.Headers, b.Headers, func(x, y Header) bool {
		return x.Name == y.Name && x.Value.Equal(y.Value)
	})
}

// set returns the blocks for a model key, or of the whole for "". It is nil if there never were any.
func (s *identity) set(model string) *blockSet {
	if model == "" {
		return &s.whole
	}
	return s.models[model]
}

// makeSet is set that makes one where there is none; victim is the one that must go for it.
func (s *identity) makeSet(model string) (set, victim *blockSet) {
	if set = s.set(model); set != nil {
		return set, nil
	}
	if len(s.models) >= maxModelBlocks {
		for _, candidate := range s.models {
			_, a := candidate.latest()
			if victim == nil {
				victim = candidate
				continue
			}
			if _, b := victim.latest(); a.until < b.until || a.until == b.until && candidate.model < victim.model {
				victim = candidate
			}
		}
	}
	if s.models == nil {
		s.models = make(map[string]*blockSet)
	}
	set = &blockSet{owner: s, model: model}
	set.timer.set = set
	s.models[model] = set
	return set, victim
}

// applying returns the block that decides for a model key: the one that ends last of those of the whole identity and
// of the model; at equal ends a quota block, then one of the whole. ofModel tells which. Blocks that are over at now
// do not count; without any the block is nil.
func (s *identity) applying(model string, now int64) (kind CooldownKind, b *block, ofModel bool) {
	kind, b = s.whole.latest()
	if b.until <= now {
		b = nil
	}
	if model == "" {
		return kind, b, false
	}
	set := s.models[model]
	if set == nil {
		return kind, b, false
	}
	modelKind, m := set.latest()
	if m.until <= now {
		return kind, b, false
	}
	if b == nil || m.until > b.until || m.until == b.until && modelKind == Quota && kind != Quota {
		return modelKind, m, true
	}
	return kind, b, false
}
