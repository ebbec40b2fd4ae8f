package doubt

import "iter"

// Set is a set that is looked at in parts. The zero value is empty.
type Set[T comparable] struct {
	members []T
	index   map[T]int // in members
}

// Change adds a member, or removes it.
func (s *Set[T]) Change(member T, in bool) {
	at, found := s.index[member]
	switch {
	case found == in:
	case in:
		if s.index == nil {
			s.index = make(map[T]int)
		}
		s.index[member] = len(s.members)
		s.members = append(s.members, member)
	default:
		last := len(s.members) - 1
		s.members[at] = s.members[last]
		s.index[s.members[at]] = at
		delete(s.index, member)
		var none T
		s.members[last] = none
		s.members = s.members[:last]
	}
}

// Part is at most limit of the members: all, if there are no more, else those that a number chooses.
func (s *Set[T]) Part(number uint64, limit int) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range Part(number, len(s.members), limit) {
			if !yield(s.members[i]) {
				return
			}
		}
	}
}

// Part is at most limit of the indexes below a count: all, if there are no more, else a run that a number chooses.
func Part(number uint64, count, limit int) iter.Seq[int] {
	return func(yield func(int) bool) {
		first := 0
		if count > limit {
			first = int(number % uint64(count)) //nolint:gosec // it is below count
		}
		for i := range min(count, limit) {
			if !yield((first + i) % count) {
				return
			}
		}
	}
}
