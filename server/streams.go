package server

import (
	"context"
	"errors"
	"sync"
)

// errStopping is the cause that the context of a stream ends with when the server stops.
var errStopping = errors.New("the server is stopping")

// streams knows the streams that are running, so that a stop can end them: a watch has no end of its own.
type streams struct {
	mu      sync.Mutex
	stopped bool
	running map[*context.CancelCauseFunc]struct{}
}

// begin returns a context that also ends when end is called; done must be called when the stream is over.
func (s *streams) begin(ctx context.Context) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		cancel(errStopping)
	}
	if s.running == nil {
		s.running = make(map[*context.CancelCauseFunc]struct{})
	}
	s.running[&cancel] = struct{}{}
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
