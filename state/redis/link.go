package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/state/redis/internal/guard"
)

// link is the client of the library, made when it is first needed: the library makes none while the server is out of reach,
// and a broker has to start all the same.
type link struct {
	option rueidis.ClientOption

	mu     sync.Mutex
	client rueidis.Client
	dial   *dial
	closed bool
}

// dial is one attempt to connect; client and err are set when done is closed.
type dial struct {
	done   chan struct{}
	client rueidis.Client
	err    error
}

const (
	// keepAlive is how often an idle connection is tried, so that one that is dead is replaced before it is needed.
	keepAlive = 500 * time.Millisecond
	// buffer of a connection, each way, and the scale of its ring. The library's defaults are for far more traffic, and
	// cost a megabyte a connection.
	buffer    = 64 << 10
	ringScale = 8
	// topology is how often the sentinels are asked who the master is, in case their word was missed.
	topology = time.Second
)

func newLink(c *Config) *link {
	dialer := net.Dialer{Timeout: c.timeout(), KeepAlive: keepAlive}
	return &link{option: rueidis.ClientOption{
		InitAddress: c.Addresses,
		Dialer:      dialer,
		TLSConfig:   c.TLS,
		DialCtxFn:   c.dial,
		SelectDB:    c.Database,
		ClientName:  "credbroker",
		AuthCredentialsFn: func(rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) {
			return rueidis.AuthCredentials{Username: c.Username, Password: c.Password.Reveal()}, nil
		},
		Sentinel: rueidis.SentinelOption{
			MasterSet: c.Sentinel.Master, Username: c.Sentinel.Username, Password: c.Sentinel.Password.Reveal(),
			Dialer: dialer, TLSConfig: c.TLS, ClientName: "credbroker",
			TopologyRefreshInterval: topology,
		},
		// A call that comes too late must not cost the connection, and one that is lost must be seen.
		AlwaysPipelining: true,
		DisableRetry:     true,
		ConnWriteTimeout: c.timeout(),
		// The log says what changed; nothing is cached by the library.
		DisableCache:        true,
		PipelineMultiplex:   -1,
		ReadBufferEachConn:  buffer,
		WriteBufferEachConn: buffer,
		RingScaleEachConn:   ringScale,
	}}
}

// dial connects to a server or sentinel, and has its replies checked before the library reads them.
func (c *Config) dial(ctx context.Context, addr string, dialer *net.Dialer, secure *tls.Config) (net.Conn, error) {
	var conn net.Conn
	var err error
	if secure != nil {
		conn, err = (&tls.Dialer{NetDialer: dialer, Config: secure}).DialContext(ctx, "tcp", addr)
	} else {
		conn, err = dialer.DialContext(ctx, "tcp", addr)
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the address
	}
	return guard.New(conn, guard.Limits{Bytes: maxReply, Elements: maxElements}, func(cause error) {
		c.refused(RefusedReply, fmt.Errorf("%s: %w", addr, cause))
	}), nil
}

// secretBytes are the fleet's secret, which keys are derived from.
func (c *Config) secretBytes() []byte { return []byte(c.Secret.Reveal()) }

// refused tells what is refused.
func (c *Config) refused(what string, cause error) {
	if c.Refused != nil {
		c.Refused(what, cause)
	}
}

// get returns the client, and makes it if need be and the context allows.
func (l *link) get(ctx context.Context) (rueidis.Client, error) {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, rueidis.ErrClosing
	}
	if l.client != nil {
		defer l.mu.Unlock()
		return l.client, nil
	}
	if l.dial == nil {
		l.dial = &dial{done: make(chan struct{})}
		go l.connect(l.dial)
	}
	d := l.dial
	l.mu.Unlock()
	select {
	case <-d.done:
		return d.client, d.err
	case <-ctx.Done():
		return nil, fmt.Errorf("connect: %w", context.Cause(ctx))
	}
}

// connect makes the client. Each of its steps ends by the dialer's timeout; the library takes no context here.
func (l *link) connect(d *dial) {
	client, err := rueidis.NewClient(l.option)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dial = nil
	switch {
	case err != nil:
		d.err = fmt.Errorf("connect: %w", err)
	case l.closed:
		client.Close()
		d.err = rueidis.ErrClosing
	default:
		l.client, d.client = client, client
	}
	close(d.done)
}

// close ends all connections, and waits for one that is being made.
func (l *link) close() {
	l.mu.Lock()
	l.closed = true
	client, d := l.client, l.dial
	l.client = nil
	l.mu.Unlock()
	if client != nil {
		client.Close()
	}
	if d != nil {
		<-d.done
	}
}
