package redistest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a server and can hinder what goes through.
type Proxy struct {
	// Addr is where it listens.
	Addr string

	listener net.Listener
	running  sync.WaitGroup
	stop     context.Context //nolint:containedctx // the proxy's own life
	dialer   net.Dialer

	mu          sync.Mutex
	target      string
	connections map[net.Conn]bool
	cut, stuck  bool
	change      chan struct{} // closed when stuck or delay change
	delay       time.Duration
	bytes       int64
}

// NewProxy starts a proxy to a server.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	stop, cancel := context.WithCancel(t.Context())
	var listen net.ListenConfig
	listener, err := listen.Listen(stop, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{
		Addr: listener.Addr().String(), target: target, listener: listener, stop: stop,
		connections: map[net.Conn]bool{}, change: make(chan struct{}),
	}
	p.running.Go(p.serve)
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Cut breaks all connections and refuses new ones.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = true
	for c := range p.connections {
		_ = c.Close()
	}
}

// Turn breaks all connections, and takes new ones to another server.
func (p *Proxy) Turn(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
	for c := range p.connections {
		_ = c.Close()
	}
}

// Stick holds back everything from now on, without a word to either side, as a network does that lost its way.
func (p *Proxy) Stick() { p.set(func() { p.stuck = true }) }

// Slow holds everything back for a time, in each direction.
func (p *Proxy) Slow(delay time.Duration) { p.set(func() { p.delay = delay }) }

// Heal ends whatever hinders.
func (p *Proxy) Heal() { p.set(func() { p.cut, p.stuck, p.delay = false, false, 0 }) }

// Bytes that went through so far, in both directions.
func (p *Proxy) Bytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	close(p.change)
	p.change = make(chan struct{})
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.join(client) })
	}
}

// join joins a client and the server until one of them ends.
func (p *Proxy) join(client net.Conn) {
	defer func() { _ = client.Close() }()
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := p.dialer.DialContext(p.stop, "tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !p.add(client, server) {
		return
	}
	defer p.remove(client, server)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		both.Go(func() {
			p.pass(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
}

func (p *Proxy) add(connections ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range connections {
		p.connections[c] = true
	}
	return !p.cut
}

func (p *Proxy) remove(connections ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range connections {
		delete(p.connections, c)
	}
}

// piece is what was read at a time.
type piece struct {
	at    time.Time
	bytes []byte
}

// pass passes on what comes, each piece after the delay that holds then; what comes meanwhile waits for less.
func (p *Proxy) pass(from io.Reader, to io.Writer) {
	const size, depth = 32 << 10, 1024
	pieces := make(chan piece, depth)
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(pieces)
		for {
			buffer := make([]byte, size)
			n, err := from.Read(buffer)
			if n > 0 {
				pieces <- piece{time.Now(), buffer[:n]}
			}
			if err != nil {
				return
			}
		}
	})
	for next := range pieces {
		p.await(next.at)
		if _, err := to.Write(next.bytes); err != nil {
			break
		}
		p.mu.Lock()
		p.bytes += int64(len(next.bytes))
		p.mu.Unlock()
	}
	// The caller closes both ends, which ends the reader; what it still has is dropped.
	if c, ok := from.(net.Conn); ok {
		_ = c.Close()
	}
	for range pieces { // until the reader ends
	}
	reading.Wait()
}

// await waits until what was read at a time may go on.
func (p *Proxy) await(read time.Time) {
	for {
		p.mu.Lock()
		wait, stuck, change := time.Until(read.Add(p.delay)), p.stuck, p.change
		p.mu.Unlock()
		if !stuck && wait <= 0 {
			return
		}
		var timer <-chan time.Time
		if !stuck {
			timer = time.After(wait)
		}
		select {
		case <-timer:
		case <-change:
		case <-p.stop.Done():
			return
		}
	}
}
