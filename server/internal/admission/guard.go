package admission

import (
	"bufio"
	"context"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/tap"
)

const (
	// window is what a stream may send before anybody reads it, and connectionWindow what all of a connection may.
	// They do not grow: what a connection is given back on arrival bounds nothing.
	window           = 64 << 10
	connectionWindow = 1 << 20
	readBuffer       = 32 << 10
)

// Limits of a Guard.
type Limits struct {
	// Bytes that calls and the messages that are being received may take, together.
	Bytes int64
	// Message is the size of the largest message, in bytes.
	Message int
	// Timeout of a message, from its begin; of a call with one message, from the begin of the call.
	Timeout time.Duration
	// Calls that all connections together may start in a second.
	Calls int
	// Streams that a connection may have open.
	Streams uint32
	// Connections that there can be.
	Connections int
}

// Refusal is a kind of thing that is refused.
type Refusal string

// The refusals.
const (
	RefusedCall    Refusal = "call"    // no room for a further one
	RefusedMessage Refusal = "message" // no room for a large one
	RefusedSlow    Refusal = "slow"    // a message did not come in time
	RefusedFrames  Refusal = "frames"  // a connection was closed for how it cut messages
	RefusedWatch   Refusal = "watch"   // no room for a further one
	RefusedUnread  Refusal = "unread"  // a watch that nobody reads was ended
	// RefusedConnection: one was closed for want of room, the new one or one without calls.
	RefusedConnection Refusal = "connection"
)

// Guard admits calls. Make it with New.
type Guard struct {
	limits          Limits
	calls, messages *Budget
	pacer           *pacer
	refused         func(Refusal)
	receiving       sync.WaitGroup
}

// New makes a Guard that reports what it refuses.
func New(limits Limits, refused func(Refusal)) *Guard {
	// Half of the bytes is for large messages alone, which never push out small ones.
	return &Guard{
		limits: limits, calls: newBudget(limits.Bytes/2, limits.Connections), messages: newBudget(limits.Bytes/2, 0),
		pacer: newPacer(limits.Calls), refused: refused,
	}
}

// Options are what the server must be made with: transport credentials, and what goes with them.
func (g *Guard) Options(inner credentials.TransportCredentials) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.Creds(&guarded{TransportCredentials: inner, guard: g}),
		grpc.InTapHandle(g.open),
		grpc.MaxRecvMsgSize(g.limits.Message),
		grpc.MaxConcurrentStreams(g.limits.Streams),
		grpc.StaticStreamWindowSize(window),
		grpc.StaticConnWindowSize(connectionWindow),
		// Conn has a buffer of its own: gRPC has to read frame by frame.
		grpc.ReadBufferSize(0),
	}
}

// Held is how many bytes calls and messages take now.
func (g *Guard) Held() int64 {
	return g.calls.Used() + g.messages.Used()
}

// Wait waits for what still receives of calls that ended. Stop the server first.
func (g *Guard) Wait() { g.receiving.Wait() }

// guarded puts a Conn around what a handshake returns.
type guarded struct {
	credentials.TransportCredentials
	guard *Guard
}

// ServerHandshake is part of credentials.TransportCredentials.
func (c *guarded) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := c.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return nil, nil, err
	}
	guarded := c.guard.wrap(conn)
	if counted, ok := raw.(*counted); ok {
		counted.guarded.Store(guarded)
	}
	return guarded, info, nil
}

// Clone is part of credentials.TransportCredentials.
func (c *guarded) Clone() credentials.TransportCredentials {
	return &guarded{TransportCredentials: c.TransportCredentials.Clone(), guard: c.guard}
}

// Conn is a guarded connection.
type Conn struct {
	net.Conn
	guard           *Guard
	reader          *bufio.Reader
	frames          frames
	pace            pace
	unspent         int64 // units that are counted, of the goroutine that reads
	wasted          atomic.Int64
	unread          atomic.Int64 // calls that ended so
	calls, messages share

	closing sync.Once
	closed  chan struct{}
}

func (g *Guard) wrap(inner net.Conn) *Conn {
	c := &Conn{
		Conn: inner, guard: g, reader: bufio.NewReaderSize(inner, readBuffer), closed: make(chan struct{}),
		calls: share{budget: g.calls}, messages: share{budget: g.messages},
	}
	c.frames = frames{streams: make(map[uint32]*Stream), preface: prefaceSize, started: c.keepPace}
	return c
}

// Read is part of net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	c.frames.tell()
	n, err := c.reader.Read(p)
	if broken := c.frames.walk(p[:n]); broken != nil {
		c.refuse(RefusedFrames)
		return 0, broken
	}
	return n, err
}

// Close is part of net.Conn.
func (c *Conn) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// refuse notes that something was refused to the connection.
func (c *Conn) refuse(what Refusal) {
	c.wasted.Add(1)
	c.guard.refused(what)
}

// busy: a call is on it.
func (c *Conn) busy() bool { return c.calls.any() }

// LocalAddr is part of net.Conn. It is how a call finds its connection.
func (c *Conn) LocalAddr() net.Addr { return &address{Addr: c.Conn.LocalAddr(), conn: c} }

type address struct {
	net.Addr
	conn *Conn
}

// keepPace waits before a frame is looked at, where the connection is too quick.
func (c *Conn) keepPace() {
	c.unspent++
	switch c.frames.kind {
	case frameHeaders:
		c.unspent += callUnits - 1
	case frameReset:
		c.wasted.Add(1)
	}
	if c.unspent < min(batch, c.guard.pacer.units/8) {
		return
	}
	wasted := c.wasted.Swap(0)
	c.unspent += wasted * wasteUnits
	for {
		wait := c.guard.pacer.spend(&c.pace, c.unspent, wasted > 0, time.Now())
		if wait <= 0 {
			c.unspent = 0
			return
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-c.closed:
			timer.Stop()
			return
		}
	}
}

// opened is the context of a call, which knows its Stream.
type opened struct {
	context.Context //nolint:containedctx // it is one
	stream          Stream
}

type streamKey struct{}

// Value is part of context.Context.
func (o *opened) Value(key any) any {
	if key == (streamKey{}) {
		return &o.stream
	}
	return o.Context.Value(key)
}

// StreamOf is the Stream of a call; nil if its connection is not guarded.
func StreamOf(ctx context.Context) *Stream {
	if s, ok := ctx.Value(streamKey{}).(*Stream); ok {
		return s
	}
	return nil
}

// open makes the Stream of the call whose HEADERS frame gRPC has just read.
func (g *Guard) open(ctx context.Context, _ *tap.Info) (context.Context, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return ctx, nil
	}
	a, ok := p.LocalAddr.(*address)
	if !ok {
		return ctx, nil
	}
	if ctx.Err() != nil {
		a.conn.wasted.Add(1)
	}
	o := &opened{Context: ctx}
	o.stream.conn, o.stream.done = a.conn, ctx.Done()
	a.conn.open(&o.stream)
	return o, nil
}

// open is called by the goroutine that reads.
func (c *Conn) open(s *Stream) {
	if c.frames.openedEnds {
		s.progress.closed = true
		return
	}
	c.peekMessage(s)
	if len(c.frames.streams) >= 2*int(c.guard.limits.Streams) {
		c.forget()
	}
	c.frames.streams[c.frames.opened] = s
}

// peekMessage saves the call the wait for a message that follows at once, whole and alone, as that of nearly every call does.
func (c *Conn) peekMessage(s *Stream) {
	const heads = frameHeaderSize + messageHeadSize
	if c.reader.Buffered() < heads {
		return
	}
	p, err := c.reader.Peek(heads)
	if err != nil || p[3] != frameData || p[4] != flagEndStream || binary.BigEndian.Uint32(p[5:])&^reservedBit != c.frames.opened {
		return
	}
	size, length := payloadSize(p), binary.BigEndian.Uint32(p[frameHeaderSize+1:])
	if c.reader.Buffered() >= frameHeaderSize+size && int(length) == size-messageHeadSize {
		s.progress = progress{begun: 1, whole: 1, length: length, closed: true}
	}
}

// forget drops streams whose calls ended before their clients had sent everything.
func (c *Conn) forget() {
	for id, s := range c.frames.streams {
		select {
		case <-s.done:
			delete(c.frames.streams, id)
		default:
		}
	}
}
