package doubt

import "time"

const (
	// maxRequests bounds the requests of a log, and maxFailures the failures of one request.
	maxRequests = 4096
	maxFailures = 8
)

// Log has the requests that failed last.
type Log[Auth, Finding, Site any] struct {
	// Span is for how long after its last failure a request is remembered.
	Span time.Duration

	requests map[uint64]*Request[Auth, Finding, Site]
	tags     []uint64 // in the order in which they came; full, it goes round
	oldest   int      // in tags, once that is full
}

// Request is one that failed.
type Request[Auth, Finding, Site any] struct {
	// Suspect: it turned out to be to blame.
	Suspect  bool
	Failures []Failure[Auth, Finding, Site]

	last int64
}

// Failure is one with an auth, that is held against sites.
type Failure[Auth, Finding, Site any] struct {
	Auth Auth
	// Finding of the answer that came at a time to an attempt which had started then, and Model as requested.
	Finding     Finding
	Model       string
	Started, At int64
	Sites       []Site
}

// Find returns what is known of a request; nil: nothing, or nothing any more.
func (l *Log[Auth, Finding, Site]) Find(tag uint64, now int64) *Request[Auth, Finding, Site] {
	r := l.requests[tag]
	if r == nil || r.last < now-int64(l.Span) {
		return nil
	}
	return r
}

// Note adds a failure of a request. What came first is forgotten where there are too many requests; a request that fails
// more often than any caller tries is known well enough.
func (l *Log[Auth, Finding, Site]) Note(tag uint64, now int64, f Failure[Auth, Finding, Site]) {
	r := l.request(tag, now)
	if len(r.Failures) < maxFailures {
		r.Failures = append(r.Failures, f)
	}
}

// Blame notes that a request is to blame.
func (l *Log[Auth, Finding, Site]) Blame(tag uint64, now int64) { l.request(tag, now).Suspect = true }

// request finds one or makes it.
func (l *Log[Auth, Finding, Site]) request(tag uint64, now int64) *Request[Auth, Finding, Site] {
	r := l.requests[tag]
	switch {
	case r == nil:
		r = new(Request[Auth, Finding, Site])
		l.add(tag, r)
	case r.last < now-int64(l.Span):
		*r = Request[Auth, Finding, Site]{}
	}
	r.last = now
	return r
}

func (l *Log[Auth, Finding, Site]) add(tag uint64, r *Request[Auth, Finding, Site]) {
	if l.requests == nil {
		l.requests = make(map[uint64]*Request[Auth, Finding, Site])
	}
	l.requests[tag] = r
	if len(l.tags) < maxRequests {
		l.tags = append(l.tags, tag)
		return
	}
	delete(l.requests, l.tags[l.oldest])
	l.tags[l.oldest] = tag
	l.oldest = (l.oldest + 1) % maxRequests
}
