package admission

import "sync"

// Budget is a number of bytes that connections share.
type Budget struct {
	limit int64
	part  int64 // that each connection can have whatever the others do
	kept  int64 // all parts together

	mu   sync.Mutex
	used int64
}

// newBudget keeps half of the bytes in equal parts for the connections that there can be; none if that is zero.
func newBudget(limit int64, connections int) *Budget {
	b := &Budget{limit: limit}
	if connections > 0 {
		b.part = limit / 2 / int64(connections)
		b.kept = b.part * int64(connections)
	}
	return b
}

// Used is how many bytes are taken.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// share is what one connection has taken of a Budget.
type share struct {
	budget *Budget
	held   int64 // guarded by the budget's mutex
}

// take takes n bytes: of the connection's own part; or else so that it has no more than half of what stays free, or
// nothing beside. One connection alone gets a third of what is not kept that way, the next one a third of the rest.
func (s *share) take(n int64) bool {
	b := s.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	free := b.limit - b.kept - b.used
	switch held := s.held + n; {
	case held <= b.part && b.used+n <= b.limit:
	case s.held == 0 && n <= free:
	case held <= (free-n)/2:
	default:
		return false
	}
	s.held += n
	b.used += n
	return true
}

func (s *share) give(n int64) {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	s.held -= n
	s.budget.used -= n
}

// any: something is taken.
func (s *share) any() bool {
	s.budget.mu.Lock()
	defer s.budget.mu.Unlock()
	return s.held > 0
}
