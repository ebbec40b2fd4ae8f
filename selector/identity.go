package selector

// identity is the runtime state of one account or key. Its auths come and go; it stays.
type identity struct {
	name    string
	slot    Slot
	members []*member // in text order of id; none: the identity left the pool

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
