package servertest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/state"
)

// startSeconds is Start in Unix seconds.
const startSeconds = 1_800_000_000

// stopLimit is how long running calls get when the test ends.
const stopLimit = 5 * time.Second

// Options change what a Harness is made of. The zero value is an empty pool with affinity and access log on.
type Options struct {
	// Auths of the pool at the start.
	Auths []*selector.Auth
	// Selection settings.
	Selection selector.Settings
	// Store takes the place of the Store that keeps auths in memory.
	Store broker.AuthStore
	// Status is what the configuration says of itself.
	Status broker.ConfigStatus
	// Limits of the server.
	Limits server.Limits
	// Local stores state; nil: it ends with the process.
	Local state.Store
	// NoAffinity: sessions are not identified.
	NoAffinity bool
	// Identification of requests that bring no session id.
	Identification sessions.Identification
	// Roles say where requests go that serve another conversation.
	Roles []broker.RolePolicy
	// Callers may ask; none: everybody.
	Callers []access.Caller
	// Audit takes a line for every release and every act; nil: nothing does.
	Audit *audit.Log
}

// Harness is a running server and what a test needs around it.
type Harness struct {
	Core    *broker.Broker
	Server  *server.Server
	Metrics *prometheus.Registry
	Clock   *Clock
	Log     *Log

	Conn   *grpc.ClientConn
	Broker credbrokerv1.CredentialBrokerClient
	Auths  credbrokerv1.AuthPoolClient

	listener *bufconn.Listener
	settings broker.Settings
}

// New starts a server that is ready, and stops it when the test ends.
func New(t testing.TB, o Options) *Harness {
	t.Helper()
	h := &Harness{
		Clock:    &Clock{now: Start()},
		Log:      &Log{},
		Metrics:  prometheus.NewRegistry(),
		listener: bufconn.Listen(1 << 20),
	}
	store := &Store{Clock: h.Clock}
	if o.Store == nil {
		o.Store = store
	}
	h.settings = broker.Settings{
		Selection: o.Selection, Affinity: !o.NoAffinity, Identification: o.Identification, Roles: o.Roles, Callers: coreCallers(o.Callers),
	}
	h.Core = broker.New(broker.Config{
		Settings:   h.settings,
		Local:      o.Local,
		Auths:      o.Store,
		Configured: func() broker.ConfigStatus { return o.Status },
		Clock:      h.Clock.Now,
	})
	store.Broker = h.Core
	h.Core.Update(o.Auths, nil, h.Clock.Now())
	if o.Local != nil {
		h.run(t)
	}
	if _, err := server.NewStateMetrics(h.Metrics); err != nil {
		t.Fatalf("server.NewStateMetrics: %v", err)
	}
	var err error
	h.Server, err = server.New(server.Config{
		Broker:   h.Core,
		Settings: server.Settings{AccessLog: true, Callers: Policy(t, o.Callers)},
		Log:      zerolog.New(h.Log),
		Version:  "test",
		Metrics:  h.Metrics,
		Limits:   o.Limits,
		Audit:    o.Audit,
	})
	if err != nil {
		t.Fatalf("server.New: %v", err)
	}
	h.Server.SetReady(true)
	h.serve(t)
	h.Conn = h.Dial(t)
	h.Broker = credbrokerv1.NewCredentialBrokerClient(h.Conn)
	h.Auths = credbrokerv1.NewAuthPoolClient(h.Conn)
	return h
}

// run saves state until the test ends.
func (h *Harness) run(t testing.TB) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.Core.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
}

func (h *Harness) serve(t testing.TB) {
	served := make(chan error, 1)
	go func() { served <- h.Server.Serve(h.listener) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), stopLimit)
		defer cancel()
		h.Server.Stop(ctx)
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
}

// Dial opens a further connection, which is closed before the server stops.
func (h *Harness) Dial(t testing.TB, options ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///broker", append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return h.listener.DialContext(ctx)
		}),
	}, options...)...)
	if err != nil {
		t.Fatalf("grpc.NewClient: %v", err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("close the connection: %v", err)
		}
	})
	return conn
}

// Peer opens a further connection for frames, which is closed when the test ends.
func (h *Harness) Peer(t testing.TB) *Peer {
	t.Helper()
	conn, err := h.listener.DialContext(t.Context())
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	peer, err := NewPeer(t.Context(), conn)
	if err != nil {
		t.Fatalf("NewPeer: %v", err)
	}
	return peer
}

// SetCallers lets others ask from now on.
func (h *Harness) SetCallers(t testing.TB, callers []access.Caller) {
	t.Helper()
	h.settings.Callers = coreCallers(callers)
	h.Core.Configure(h.settings)
	h.Server.Configure(server.Settings{AccessLog: true, Callers: Policy(t, callers)})
}

// coreCallers are callers as the core knows them.
func coreCallers(callers []access.Caller) []broker.Caller {
	list := make([]broker.Caller, len(callers))
	for i, c := range callers {
		rules := make([]allow.Rule, len(c.Allow))
		for n, rule := range c.Allow {
			rules[n] = allow.Rule(rule)
		}
		list[i] = broker.Caller{Name: c.Name, Allow: allow.New(rules), Operate: c.Roles.Has(access.Operate)}
	}
	return list
}

// Policy is that of callers; nil: there are none.
func Policy(t testing.TB, callers []access.Caller) *access.Policy {
	t.Helper()
	if len(callers) == 0 {
		return nil
	}
	policy, conflicts := access.NewPolicy(callers)
	if len(conflicts) > 0 {
		t.Fatalf("access.NewPolicy: conflicts %v", conflicts)
	}
	return policy
}

// Token is a bearer token that is always the same, and what the broker knows of it.
func Token(n byte) (token string, known access.Token) {
	token = access.NewToken([32]byte{n})
	known.Hash, _ = access.HashOf(token)
	return token, known
}

// Start is what the clock of a Harness shows at first.
func Start() time.Time { return time.Unix(startSeconds, 0) }

// Clock is a clock that stands until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Log collects what is logged.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write is part of io.Writer.
func (l *Log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// String is everything that was logged so far, one JSON object a line.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Take is everything that was logged since the last Take.
func (l *Log) Take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// Key is an auth with an API key, for pools of tests. The key is `key-of-` and the id.
func Key(id, provider string) *selector.Auth {
	return &selector.Auth{
		ID: id, Provider: provider, Label: id, Kind: selector.KindAPIKey,
		Headers: []selector.Header{{Name: "Authorization", Value: selector.NewSecret("Bearer key-of-" + id)}},
		Origin:  selector.OriginConfig, Source: "test.yaml:1",
	}
}
