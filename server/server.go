package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/experimental"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server/internal/admission"
	"github.com/credbroker/credbroker/server/transport"
)

// The transport. Sidecars and gateways may ping every ten seconds, also while they are idle; a peer that is gone is
// noticed after a minute and a half. The rest bounds what one connection can make the server hold.
const (
	keepaliveIdle     = time.Minute
	keepaliveTimeout  = 30 * time.Second
	keepaliveMinPing  = 10 * time.Second
	maxMetadata       = 16 << 10
	connectionTimeout = 20 * time.Second
	streamWorkers     = 64
	// connectionGrace is how long calls may go on that run on a connection which is too old for new ones.
	connectionGrace = time.Minute
)

// Config is what a Server is made of.
type Config struct {
	// Broker answers. Required.
	Broker *broker.Broker
	// Settings at the start; Configure changes them.
	Settings Settings
	// Log takes the access log and the broker's own failures. The zero value drops them.
	Log zerolog.Logger
	// Version of the binary, for GetStatus and the metrics.
	Version string
	// NoReflection: nobody is told which methods there are.
	NoReflection bool
	// Metrics is where the metrics are registered, and what /metrics shows; nil: a registry of its own.
	Metrics *prometheus.Registry
	// Limits of what peers can make the server hold.
	Limits Limits
	// Audit takes a line for every release of a credential and every administrative act; nil: nothing does.
	Audit *audit.Log
}

// Settings are what can change while the server runs.
type Settings struct {
	// AccessLog: one line for every call.
	AccessLog bool
	// Callers may ask; nil: everybody who can connect, for everything.
	Callers *access.Policy
}

// Server answers RPCs on any number of listeners.
type Server struct {
	config   Config
	clock    func() time.Time
	started  time.Time
	log      zerolog.Logger
	settings atomic.Pointer[Settings]
	metrics  *metrics
	ids      *requestIDs
	headers  headerPool
	guard    *admission.Guard
	conns    *admission.Connections
	web      *admission.Connections
	refusals struct {
		sync.Mutex
		logged map[admission.Refusal]time.Time
	}
	methods  map[string]methodAccess
	failures *failures
	denials  denials
	uses     uses

	unary  grpc.UnaryServerInterceptor
	grpc   *grpc.Server
	health *health.Server
	ready  atomic.Bool

	streams  streams
	watches  watches
	senders  sync.WaitGroup // of watches
	stopping atomic.Bool
}

// New returns a server that is not ready yet and serves nothing. Stop it even if it never serves: it has goroutines.
func New(c Config) (*Server, error) {
	if c.Broker == nil {
		return nil, errors.New("server needs a Broker")
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	s := &Server{
		config: c, clock: c.Broker.Now, started: c.Broker.Now(), log: c.Log, ids: newRequestIDs(),
		methods: methodsAccess(), failures: newFailures(),
	}
	s.Configure(c.Settings)
	var err error
	if s.metrics, err = newMetrics(&s.config); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	s.refusals.logged = make(map[admission.Refusal]time.Time)
	s.config.Limits = c.Limits.orDefault()
	s.watches = watches{most: s.config.Limits.Watches, of: make(map[string]int)}
	s.guard = admission.New(s.config.Limits.admission(), s.refused)
	refused := func() { s.refused(admission.RefusedConnection) }
	s.conns = admission.NewConnections(s.config.Limits.Connections, refused)
	s.web = admission.NewConnections(s.config.Limits.HTTPConnections, refused)
	unary, stream := s.chain()
	s.unary = unary
	options := append(transportOptions(&s.config.Limits), s.guard.Options(transport.Credentials())...)
	s.grpc = grpc.NewServer(append(options, stream)...)
	s.register()
	return s, nil
}

func transportOptions(limits *Limits) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.MaxHeaderListSize(maxMetadata),
		grpc.ConnectionTimeout(connectionTimeout),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			Time: keepaliveIdle, Timeout: keepaliveTimeout, MaxConnectionIdle: limits.Idle,
			MaxConnectionAge: limits.ConnectionAge, MaxConnectionAgeGrace: connectionGrace,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: keepaliveMinPing, PermitWithoutStream: true}),
		// Goroutines that are used again keep the stacks they have grown.
		grpc.NumStreamWorkers(streamWorkers),
		// After a hard stop no handler may touch what the caller closes next.
		grpc.WaitForHandlers(true),
	}
}

// TuneBuffers gives the gRPC of this process buffers of many sizes. Its own have few, so that a message of 100 KB clears
// a megabyte each time; picks with such bodies take about a tenth less time this way. Call it once, before anything uses
// gRPC: it is a setting of the process.
func TuneBuffers() error {
	pool, err := mem.NewBinaryTieredBufferPool(8, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22)
	if err != nil {
		return fmt.Errorf("make buffer pool: %w", err)
	}
	experimental.SetDefaultBufferPool(pool)
	return nil
}

func (s *Server) register() {
	r := registrar{Server: s.grpc, server: s}
	credbrokerv1.RegisterCredentialBrokerServer(r, &credentialBroker{Server: s})
	credbrokerv1.RegisterAuthPoolServer(r, &authPool{Server: s})
	s.health = health.NewServer()
	healthv1.RegisterHealthServer(r, s.health)
	s.SetReady(false)
	if !s.config.NoReflection {
		reflection.Register(r)
	}
}

// Configure changes the settings for calls that start from now on, and ends streams whose callers may not have them any more.
func (s *Server) Configure(settings Settings) {
	s.settings.Store(&settings)
	policy := settings.Callers
	if policy == nil {
		return
	}
	s.streams.endOf(func(c *call) bool { return !c.proof.good(c.caller, policy, s.clock()) })
	s.uses.retain(policy.Knows)
}

// Serve answers on a listener until Stop, and closes it. Call it once for each listener. What a transport.Port says counts for the
// listener that it marked.
func (s *Server) Serve(l net.Listener) error {
	if err := s.grpc.Serve(s.conns.Listen(l)); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		return fmt.Errorf("serve %s: %w", l.Addr(), err)
	}
	return nil
}

// SetReady tells health checks and /readyz whether to send requests here. Stop makes it false for good.
func (s *Server) SetReady(ready bool) {
	s.ready.Store(ready)
	serving := healthv1.HealthCheckResponse_NOT_SERVING
	if ready {
		serving = healthv1.HealthCheckResponse_SERVING
	}
	for _, service := range []string{
		"",
		credbrokerv1.CredentialBroker_ServiceDesc.ServiceName,
		credbrokerv1.AuthPool_ServiceDesc.ServiceName,
	} {
		s.health.SetServingStatus(service, serving)
	}
}

// Stop tells health checks to send nothing more, ends watches, lets running calls finish, and cancels those that are
// still running when ctx ends. It returns when every call has ended.
func (s *Server) Stop(ctx context.Context) {
	s.stopping.Store(true)
	s.health.Shutdown()
	s.streams.end()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
	}
	s.guard.Wait()
	s.senders.Wait()
}
