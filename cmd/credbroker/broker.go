package main

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
)

// broker is everything that a running broker consists of.
type broker struct {
	app    *app
	flags  serveFlags
	lines  *server.LogBuffer
	log    zerolog.Logger
	output *logOutput
	hangup <-chan os.Signal

	engines *engines
	clock   func() time.Time // fleet time
	source  *config.Source
	table   *bindings.Table
	pool    *selector.Pool
	keeper  *state.Keeper // nil: nothing is kept
	server  *server.Server

	grpc []net.Listener
	http net.Listener // nil: off
}

// newBroker loads the configuration and opens what serve listens on. Nothing runs yet; after an error nothing is open.
func (a *app) newBroker(ctx context.Context, f serveFlags, lines *server.LogBuffer) (*broker, error) {
	b := &broker{app: a, flags: f, lines: lines}
	if err := b.load(ctx, newSeed()); err != nil {
		b.close(ctx)
		return nil, err
	}
	if err := b.listen(ctx, b.source.Config().Listen); err != nil {
		b.close(ctx)
		return nil, err
	}
	return b, nil
}

// load makes the core of what the configuration says.
func (b *broker) load(ctx context.Context, seed uint64) error {
	b.clock = b.app.now
	var err error
	b.source, err = config.Open(b.flags.config, config.Options{
		LookupEnv: b.app.getenv,
		Clock:     func() time.Time { return b.clock() },
		OnConfig:  b.configure,
		OnReload:  b.reloaded,
	})
	if err != nil {
		return b.app.refuse(b.flags.config, err)
	}
	conf := b.source.Config()
	b.log, b.output = b.app.newLog(b.lines, conf.Log)
	if err := b.openState(ctx, &conf.State); err != nil {
		return err
	}
	b.table = bindings.New(b.tableConfig(&conf.Sessions))
	signal := state.NewSignal()
	b.pool = selector.New(selector.Config{
		Settings:    conf.Settings(),
		Bindings:    b.table,
		Seed:        seed,
		Recording:   b.engines.any(),
		Permits:     b.engines.fleet != nil,
		Wake:        signal.Raise,
		CursorStart: b.cursorStart(seed),
	})
	b.source.Attach(b.pool, b.engines.keys.Fingerprint)
	registry := prometheus.NewRegistry()
	metrics, err := server.NewStateMetrics(registry)
	if err != nil {
		return err
	}
	if err := b.startKeeper(ctx, signal, metrics); err != nil {
		return err
	}
	b.server, err = server.New(server.Config{
		Pool:     b.pool,
		Sessions: b.table,
		Auths:    b.source,
		Status:   statusSource{b.source},
		State:    b.state(),
		Settings: serverSettings(conf),
		Log:      b.log,
		Version:  version(),
		Clock:    b.clock,
		Metrics:  registry,
	})
	return err
}

// cursorStart is where rotations begin: at the first auth, as docs/behaviour.md says, unless there are replicas, which
// would all begin with it.
func (b *broker) cursorStart(seed uint64) uint64 {
	if b.engines.fleet == nil {
		return 0
	}
	return seed >> 1 // cursors count up from here
}

func (b *broker) listen(ctx context.Context, l config.Listen) error {
	for i, address := range l.GRPC {
		lis, err := listen(ctx, fmt.Sprintf("listen.grpc[%d]", i), address, os.FileMode(b.flags.socketMode))
		if err != nil {
			return err
		}
		b.grpc = append(b.grpc, lis)
	}
	if l.HTTP == "" {
		return nil
	}
	var err error
	b.http, err = listen(ctx, "listen.http", l.HTTP, os.FileMode(b.flags.socketMode))
	return err
}

// close gives back what a start that fails has taken.
func (b *broker) close(ctx context.Context) {
	if b.server != nil {
		b.server.Stop(ctx)
	}
	for _, lis := range b.grpc {
		_ = lis.Close()
	}
	if b.http != nil {
		_ = b.http.Close()
	}
	b.closeEngines()
}

// httpHeaderTimeout bounds how long a connection may take to say what it wants.
const httpHeaderTimeout = 10 * time.Second

// run serves until ctx is cancelled or a part fails, and stops in order: health says no, calls end, then what they
// stand on.
func (b *broker) run(ctx context.Context) error {
	started := b.app.now()
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var loops, servers sync.WaitGroup
	failed := make(chan error, 1)
	b.startLog()
	loops.Go(func() { note(failed, b.source.Run(background)) })
	loops.Go(func() { (&upkeep{pool: b.pool, table: b.table, now: b.clock}).run(background) })
	if b.keeper != nil {
		loops.Go(func() { b.keeper.Run(background) })
	}
	loops.Go(func() { b.reloadOnHangup(background) })
	for _, lis := range b.grpc {
		servers.Go(func() { note(failed, b.server.Serve(lis)) })
	}
	web := &http.Server{Handler: b.server.HTTP(), ReadHeaderTimeout: httpHeaderTimeout, ErrorLog: stdlog.New(b.log, "", 0)}
	if b.http != nil {
		servers.Go(func() { note(failed, web.Serve(b.http)) })
	}
	b.server.SetReady(true)
	b.log.Info().Str(fieldVersion, version()).Str(fieldConfig, b.flags.config).Msg(logServing)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	b.log.Info().Msg(logStopping)
	b.stop(web)
	servers.Wait()
	cancel()
	loops.Wait()
	b.flush()
	b.log.Info().Str(fieldUptime, span(b.app.now().Sub(started))).Msg(logStopped)
	return err
}

// note keeps the first error that ends a part of the broker before it was asked to.
func note(failed chan<- error, err error) {
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return
	}
	select {
	case failed <- err:
	default:
	}
}

// stop ends the servers. The HTTP one is the last, so that probes see the broker go.
func (b *broker) stop(web *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), b.flags.shutdownTimeout)
	defer cancel()
	b.server.Stop(ctx)
	if ctx.Err() != nil {
		b.log.Warn().Msg(logCutOff)
	}
	if err := web.Shutdown(ctx); err != nil {
		_ = web.Close()
	}
}

// startLog says what the broker starts with.
func (b *broker) startLog() {
	for i, lis := range b.grpc {
		b.log.Info().Str(fieldKey, fmt.Sprintf("listen.grpc[%d]", i)).Str(fieldAddress, lis.Addr().String()).Msg(logListening)
	}
	if b.http != nil {
		b.log.Info().Str(fieldKey, "listen.http").Str(fieldAddress, b.http.Addr().String()).Msg(logListening)
	}
	b.logState(&b.source.Config().State)
	for _, p := range b.source.Status().Problems {
		b.log.Warn().Str(fieldProblem, p.String()).Msg(logProblem)
	}
	if _, total := b.pool.List(selector.Filter{Limit: 1}, b.app.now()); total == 0 {
		b.log.Warn().Msg(logEmptyPool)
	}
}
