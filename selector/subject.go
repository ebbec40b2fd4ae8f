package selector

import (
	"slices"
	"strings"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// maxModelBlocks bounds the models of one subject that blocks are kept for; those that go are those that go of its record.
const maxModelBlocks = cooldown.MaxModels

// subject is what observations are kept of: an identity, or a limit domain.
type subject struct {
	domain   domainKey // the zero one: it is an identity
	identity *identity // nil: it is a domain
	members  []*member // of the index in use, sorted by id
	whole    blockSet
	models   map[scope]*blockSet
	families []*blockSet // those of models that are of families, sorted of their globs
	// halfOpen counts the sets that are half-open.
	halfOpen int
	// doubted counts the sets that keep auths out over what is doubtful, perhaps among other things.
	doubted int
	// cleared is when an operator last cleared all scopes, succeeded the latest start of a request that was served.
	cleared, succeeded cooldown.Instant
	// withdrawn are the requests of which what they held against the subject was taken back: suspects, and those that failed with auths
	// that are no witnesses.
	withdrawn cooldown.Withdrawn
	// alone: what is half-open may be probed without a permit.
	alone bool
	dirty bool // in outbox.dirty
	// unsaved are the sets that are to be stored.
	unsaved []*blockSet
	// changedAt is what Pool.changes was after the last change.
	changedAt uint64
}

func (s *subject) init() { s.whole.owner, s.whole.timer.Of = s, &s.whole }

// set returns the blocks of a scope. It is nil if there never were any.
func (s *subject) set(at scope) *blockSet {
	if at.model == "" {
		return &s.whole
	}
	return s.models[at]
}

// makeSet is set that makes one where there is none. Once something is known of it, bound it.
func (s *subject) makeSet(at scope) *blockSet {
	if set := s.set(at); set != nil {
		return set
	}
	if s.models == nil {
		s.models = make(map[scope]*blockSet)
	}
	set := &blockSet{owner: s, scope: at}
	set.timer.Of = set
	s.models[at] = set
	if at.family {
		i, _ := s.family(at.model)
		s.families = slices.Insert(s.families, i, set)
	}
	return set
}

// bound makes room where a set is one too many: the first goes that goes of a record. False: that is the set itself.
func (rt *runtimeState) bound(set *blockSet) bool {
	s := set.owner
	if len(s.models) <= maxModelBlocks {
		return true
	}
	first := set
	for _, candidate := range s.models {
		if candidate.goesBefore(first) {
			first = candidate
		}
	}
	rt.dropSet(first)
	return first != set
}

// remove forgets the blocks of a model or family.
func (s *subject) remove(set *blockSet) {
	delete(s.models, set.scope)
	if i, found := s.family(set.scope.model); found && set.scope.family {
		// A copy: a report walks over the families while it ends them.
		s.families = slices.Delete(slices.Clone(s.families), i, i+1)
	}
}

// family finds the index of a glob in families.
func (s *subject) family(glob string) (int, bool) {
	return slices.BinarySearchFunc(s.families, glob, func(set *blockSet, glob string) int { return strings.Compare(set.scope.model, glob) })
}

func (s *blockSet) goesBefore(o *blockSet) bool {
	if c := s.known().CompareEnds(o.known()); c != 0 {
		return c < 0
	}
	if s.scope.family != o.scope.family {
		return o.scope.family
	}
	return s.scope.model < o.scope.model
}

// sets are all of them in the order of a record: the whole, models sorted, families sorted of their globs.
func (s *subject) sets() []*blockSet {
	sets := make([]*blockSet, 1, 1+len(s.models))
	sets[0] = &s.whole
	for at, set := range s.models {
		if !at.family {
			sets = append(sets, set)
		}
	}
	slices.SortFunc(sets[1:], func(a, b *blockSet) int { return strings.Compare(a.scope.model, b.scope.model) })
	return append(sets, s.families...)
}

// each calls f for the sets that concern a model key: the whole, the model, and its families.
func (s *subject) each(key string, f func(*blockSet)) {
	f(&s.whole)
	if key == "" || len(s.models) == 0 {
		return
	}
	if set := s.models[scope{model: key}]; set != nil {
		f(set)
	}
	for _, set := range s.families {
		if set.scope.covers(key) {
			f(set)
		}
	}
}

// blockedFor reports whether some set keeps a model away, as far as time was worked off.
func (s *subject) blockedFor(key string) (active bool) {
	s.each(key, func(set *blockSet) { active = active || set.active && set != &s.whole })
	return active
}

// empty: nothing is known of it.
func (s *subject) empty() bool { return s.whole.ledgers == nil && len(s.models) == 0 }
