package server

import (
	"context"
	"errors"
	"sync"
)

// errStopping is the cause that the context of a stream ends with when the server stops.
var errStopping = errors.New("the server is stopping")

// errWatches: there is room for no further watch.
var errWatches = errors.New("there are as many watches as there may be")

// watches are those that are open.
type watches struct {
	most int

	mu   sync.Mutex
	open int
	of   map[string]int // by the names of callers
}

// streams knows the streams that are running, so that a stop can end them: a watch has no end of its own.
type streams struct {
	mu      sync.Mutex
	stopped bool
	running map[*context.CancelCauseFunc]*call
}

// begin returns a context that also ends when the stream of the call is to end; done must be called when the stream is over.
func (s *streams) begin(ctx context.Context, c *call) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		cancel(errStopping)
	}
	if s.running == nil {
		s.running = make(map[*context.CancelCauseFunc]*call)
	}
	s.running[&cancel] = c
	return ctx, func() {
		cancel(nil)
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.running, &cancel)
	}
}

// end ends all streams, and those that begin later at once.
func (s *streams) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	for cancel := range s.running {
		(*cancel)(errStopping)
	}
}

// endOf ends the streams of callers that may not have them any more.
func (s *streams) endOf(revoked func(*call) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for cancel, c := range s.running {
		if c.caller != nil && revoked(c) {
			(*cancel)(errRevoked)
		}
	}
}
