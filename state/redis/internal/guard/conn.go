package guard

import (
	"net"
)

// Conn is a connection of which everything that is read is checked.
type Conn struct {
	net.Conn

	refused func(cause error)
	replies walker
	asked   walker
	err     error // that the reader was given
}

// New guards a connection on which nothing was read or written yet. Refused is told why it ends, once, if a reply is refused.
func New(conn net.Conn, limits Limits, refused func(cause error)) *Conn {
	under := new(requests)
	// What is written is this program's own.
	none := Limits{Bytes: 1 << 62, Elements: 1 << 62}
	return &Conn{
		Conn: conn, refused: refused,
		replies: walker{limits: limits, listen: &replies{requests: under}},
		asked:   walker{limits: none, listen: &commands{requests: under}},
	}
}

// Read reads what the server answers. The error is an ErrRefused if that is refused; the connection is closed then.
func (c *Conn) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.Conn.Read(p)
	passed, refusal := c.replies.walk(p[:n])
	if refusal == nil {
		return n, err //nolint:wrapcheck // readers look for io.EOF and timeouts
	}
	c.err = refusal
	_ = c.Conn.Close()
	c.refused(refusal)
	return passed, refusal
}

// Write writes requests, and notes what answers are due.
func (c *Conn) Write(p []byte) (int, error) {
	if _, err := c.asked.walk(p); err != nil {
		return 0, err
	}
	return c.Conn.Write(p) //nolint:wrapcheck // it is that of the connection
}
