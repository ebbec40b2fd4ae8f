package state

import (
	"sync"

	"github.com/credbroker/credbroker/selector"
)

// asked are the sessions that the fleet is being asked about, each with the news of it that came meanwhile. Answers and
// news come by different ways, so that an answer may be older than news that came before it.
type asked struct {
	mu       sync.Mutex
	sessions map[selector.SessionKey]*question
}

// question is asked by count callers at once.
type question struct {
	count int
	news  BoundSession // without a Bound there was none
}

// begin notes that a session is asked about.
func (a *asked) begin(key selector.SessionKey) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.sessions[key]
	if q == nil {
		if a.sessions == nil {
			a.sessions = make(map[selector.SessionKey]*question)
		}
		q = &question{}
		a.sessions[key] = q
	}
	q.count++
}

// hear takes in news.
func (a *asked) hear(b *BoundSession) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q := a.sessions[b.Key]; q != nil && q.news.Bound < b.Bound {
		q.news = *b
	}
}

// end returns the later of the answer and the news.
func (a *asked) end(key selector.SessionKey, answer BoundSession) BoundSession {
	a.mu.Lock()
	defer a.mu.Unlock()
	q := a.sessions[key]
	if q.count--; q.count == 0 {
		delete(a.sessions, key)
	}
	if q.news.Bound > answer.Bound {
		return q.news
	}
	return answer
}
