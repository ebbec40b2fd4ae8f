package admission

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
)

// Connections bounds how many connections there are on its listeners, all together. Where there is no room for another one,
// the oldest that no call is on makes room, so that nobody is locked out by connections that do nothing.
type Connections struct {
	max     int
	refused func()

	mu    sync.Mutex
	count uint64 // of all that ever came
	open  map[*counted]struct{}
}

// NewConnections bounds connections to a number, and reports each that is closed for want of room.
func NewConnections(most int, refused func()) *Connections {
	return &Connections{max: most, refused: refused, open: make(map[*counted]struct{})}
}

// Open is how many connections there are.
func (c *Connections) Open() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.open)
}

// Listen returns a listener whose connections count.
func (c *Connections) Listen(l net.Listener) net.Listener { return &listener{Listener: l, all: c} }

type listener struct {
	net.Listener
	all *Connections
}

// Accept is part of net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if counted := l.all.admit(conn); counted != nil {
			return counted, nil
		}
		_ = conn.Close()
	}
}

// admit is nil where there is no room.
func (c *Connections) admit(conn net.Conn) *counted {
	c.mu.Lock()
	var out *counted
	if len(c.open) >= c.max {
		if out = c.oldestIdle(); out == nil {
			c.mu.Unlock()
			c.refused()
			return nil
		}
		delete(c.open, out)
	}
	c.count++
	in := &counted{Conn: conn, all: c, number: c.count}
	c.open[in] = struct{}{}
	c.mu.Unlock()
	if out != nil {
		c.refused()
		_ = out.Conn.Close()
	}
	return in
}

func (c *Connections) oldestIdle() *counted {
	var oldest *counted
	for conn := range c.open {
		if guarded := conn.guarded.Load(); guarded != nil && guarded.busy() {
			continue
		}
		if oldest == nil || conn.number < oldest.number {
			oldest = conn
		}
	}
	return oldest
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	all     *Connections
	number  uint64
	guarded atomic.Pointer[Conn] // nil before the handshake, and where there is none
}

// Close is part of net.Conn.
func (c *counted) Close() error {
	c.all.mu.Lock()
	delete(c.all.open, c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// NetConn is the connection that counts.
func (c *counted) NetConn() net.Conn { return c.Conn }

// SyscallConn is part of syscall.Conn.
func (c *counted) SyscallConn() (syscall.RawConn, error) {
	if inner, ok := c.Conn.(syscall.Conn); ok {
		return inner.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}
