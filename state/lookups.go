package state

import (
	"sync"

	"github.com/credbroker/credbroker/selector"
)

// lookups are the sessions that the fleet is being asked about, each with the latest that the fleet announced of it meanwhile.
// Answers and announcements come by different ways, so that an answer may be older than an announcement before it.
type lookups struct {
	mu        sync.Mutex
	bySession map[selector.SessionKey]*lookup
}

// lookup is one of them, which some callers wait for at once.
type lookup struct {
	callers int
	latest  BoundSession // without a Bound: nothing was announced
}

// begin notes that a session is being looked up.
func (a *lookups) begin(key selector.SessionKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.bySession[key]
	if q == nil {
		if a.bySession == nil {
			a.bySession = make(map[selector.SessionKey]*lookup)
		}
		q = &lookup{}
		a.bySession[key] = q
	}
	q.callers++
}

// update takes in what was announced.
func (a *lookups) update(b *BoundSession) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q := a.bySession[b.Key]; q != nil && q.latest.Bound < b.Bound {
		q.latest = *b
	}
}

// end returns the later of the answer and what was announced.
func (a *lookups) end(key selector.SessionKey, answer BoundSession) BoundSession {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.bySession[key]
	if q.callers--; q.callers == 0 {
		delete(a.bySession, key)
	}
	if q.latest.Bound > answer.Bound {
		return q.latest
	}
	return answer
}
