package admission

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// What a call counts for, in bytes, measured with calls that send nothing. It covers a small message that is there.
const (
	callCost = 20 << 10
	// partCost is what may have come of a message that is not whole: the window of a stream.
	partCost = window
	// uncounted is how long that is not counted. Nearly all messages come whole within it, and how many there can be in
	// this time is bounded by the network.
	uncounted = 20 * time.Millisecond
	// streamCost covers messages that wait, and what each of them takes beside its bytes.
	streamCost = 256 << 10
	// large messages do not fit into the window for sure, and are counted by their length.
	large = window / 2
)

// The errors of calls that are refused. The caller may try again.
var (
	// ErrFull: others hold what the call would need.
	ErrFull = errors.New("there is no room for the call")
	// ErrSlow: the message did not come in time.
	ErrSlow = errors.New("the message did not arrive in time")
)

// TooLargeError is a message that is larger than any may be, refused before it came.
type TooLargeError struct{ Size, Limit int }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the message has %d bytes; at most %d are allowed", e.Size, e.Limit)
}

// Enter takes what the call counts for. After an error the call is not served. Leave gives it back.
func (s *Stream) Enter(single bool) error {
	cost := int64(callCost)
	if !single {
		cost += streamCost
	}
	if !s.conn.calls.take(cost) {
		s.conn.refuse(RefusedCall)
		return ErrFull
	}
	s.call = cost
	return nil
}

// Leave ends the call.
func (s *Stream) Leave() {
	s.drop()
	s.conn.calls.give(s.call)
	s.call = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
}

// drop gives back what the last message took.
func (s *Stream) drop() {
	if s.message > 0 {
		s.conn.messages.give(s.message)
		s.message = 0
	}
}

// Receive receives the next message with receive, once there is room for it, and ends it if it does not come in time. The
// message counts until the next Receive, or Leave. A call with a single message has to come from its start within that
// time; of others only a message that has begun. It tells whether it had to wait.
func (s *Stream) Receive(ctx context.Context, single bool, receive func() error) (waited bool, err error) {
	s.drop()
	s.mu.Lock()
	i := s.received
	arrived := s.progress.arrived(i, single)
	s.received++
	s.mu.Unlock()
	if arrived {
		return false, receive()
	}
	return true, s.await(ctx, i, single, receive)
}

func (s *Stream) await(ctx context.Context, i int, single bool, receive func() error) error {
	timer, grace := time.NewTimer(uncounted), true
	defer timer.Stop()
	var late <-chan time.Time // nil: the message need not come yet
	for {
		p := s.now()
		if p.arrived(i, single) {
			return receive()
		}
		if p.begun > i && p.length > large {
			if err := s.reserve(int(p.length)); err != nil {
				return err
			}
			return s.inTime(receive)
		}
		if late == nil && (single || p.begun > i) {
			timer.Reset(uncounted)
			late = timer.C
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return receive() // which has the error
		case <-late:
			if err := s.late(single, grace); err != nil {
				return err
			}
			grace = false
			timer.Reset(s.conn.guard.limits.Timeout)
		}
	}
}

// late is called when the grace is over, and when the time is.
func (s *Stream) late(single, grace bool) error {
	switch {
	case !grace:
		s.conn.refuse(RefusedSlow)
		return ErrSlow
	case !single: // it counts for more already
	case !s.conn.calls.take(partCost):
		s.conn.refuse(RefusedCall)
		return ErrFull
	default:
		s.call += partCost
	}
	return nil
}

// now is how far the stream is. From then on wake tells of changes.
func (s *Stream) now() progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wake == nil && !s.progress.closed {
		s.wake = make(chan struct{}, 1)
	}
	return s.progress
}

// reserve takes the room that a message needs.
func (s *Stream) reserve(n int) error {
	g := s.conn.guard
	if limit := min(g.limits.Message, int(g.messages.limit)); n > limit {
		return &TooLargeError{Size: n, Limit: limit}
	}
	if !s.conn.messages.take(int64(n)) {
		s.conn.refuse(RefusedMessage)
		return ErrFull
	}
	s.message = int64(n)
	return nil
}

// inTime receives on a goroutine of its own: nothing but the end of the call ends receive, and the call can only end
// with an error of ours if it does not wait.
func (s *Stream) inTime(receive func() error) error {
	timer := time.NewTimer(s.conn.guard.limits.Timeout)
	defer timer.Stop()
	type result struct {
		err      error
		panicked any
	}
	done := make(chan result, 1)
	s.conn.guard.receiving.Go(func() {
		var r result
		defer func() {
			r.panicked = recover()
			done <- r
		}()
		r.err = receive()
	})
	select {
	case r := <-done:
		if r.panicked != nil {
			panic(r.panicked)
		}
		return r.err
	case <-timer.C:
		s.conn.refuse(RefusedSlow)
		return ErrSlow
	}
}
