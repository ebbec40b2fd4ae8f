package admission

import (
	"encoding/binary"
	"sync"
)

// mostUnread is how many calls of a connection may end because nobody reads their answers.
const mostUnread = 4

// progress is how far the messages of a stream have come.
type progress struct {
	begun, whole int    // messages
	length       uint32 // of the one that began last
	closed       bool   // nothing more comes
}

// Stream is one call, as far as its messages go.
type Stream struct {
	conn *Conn
	done <-chan struct{} // closed when the call is over

	// Of the goroutine that reads the connection.
	seen   progress
	head   [messageHeadSize]byte
	have   int    // bytes of head
	rest   uint32 // bytes of the message that are still to come
	frames int    // that the message came in so far
	bytes  int    // of these

	mu       sync.Mutex
	progress progress
	received int           // messages
	ended    bool          // the call is over
	wake     chan struct{} // made by who waits

	// Of the goroutine of the call: what it has taken of the budgets.
	call, message int64
}

// count notes a DATA frame of n bytes.
func (s *Stream) count(n int) {
	s.frames++
	s.bytes += n
}

// data takes bytes of messages.
func (s *Stream) data(p []byte) {
	for len(p) > 0 {
		if s.rest > 0 {
			n := min(int(s.rest), len(p))
			p = p[n:]
			s.advance(n)
			continue
		}
		n := copy(s.head[s.have:], p)
		p = p[n:]
		if s.have += n; s.have == messageHeadSize {
			s.have = 0
			s.rest = binary.BigEndian.Uint32(s.head[1:])
			s.seen.begun, s.seen.length = s.seen.begun+1, s.rest
			s.advance(0)
		}
	}
}

func (s *Stream) advance(n int) {
	if s.rest -= uint32(n); s.rest == 0 { //nolint:gosec // n is at most rest
		s.seen.whole++
		s.frames, s.bytes = 0, 0
	}
}

// publish tells the call what the last frame brought.
func (s *Stream) publish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.progress = s.seen
	if s.wake != nil {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// wrong is what the connection is to be closed for.
func (s *Stream) wrong() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.frames > freeFrames && s.bytes < s.frames*leastPerFrame:
		return errTinyFrames
	case s.seen.begun-s.received > maxUnread && !s.ended:
		return errUnread
	}
	return nil
}

// arrived reports whether message i need not be waited for: it is there, or it never comes. Of a call with one message the
// end has to be there as well, unless there is more than that.
func (p *progress) arrived(i int, single bool) bool {
	if single {
		return p.closed || p.begun > 1
	}
	return p.closed || p.whole > i
}

// Unread notes that the call ends because its answers were not read. What was sent of them stays in memory until it is read, so the connection
// is closed where that happens again and again.
func (s *Stream) Unread() {
	if s.conn.unread.Add(1) >= mostUnread {
		_ = s.conn.Close()
	}
}
