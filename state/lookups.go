package state

import (
	"sync"

	"github.com/credbroker/credbroker/selector"
)

// asked are the sessions that the fleet is being asked about, each with the news of it that came meanwhile. Answers and
// news come by different ways, so that an answer may be older than news that came before it.
type lookups struct {
	mu        sync.Mutex
	bySession map[selector.SessionKey]*lookup
}

// question is asked by count callers at once.
type lookup struct {
	callers int
	latest  BoundSession // without a Bound there was none
}

// begin notes that a session is asked about.
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

// hear takes in news.
func (a *lookups) update(b *BoundSession) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q := a.bySession[b.Key]; q != nil && q.latest.Bound < b.Bound {
		q.latest = *b
	}
}

// end returns the later of the answer and the news.
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
