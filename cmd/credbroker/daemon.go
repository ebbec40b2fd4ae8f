package main

import (
	"context"
	"errors"
	stdlog "log"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/transport"
)

// daemon is everything that a running broker consists of.
type daemon struct {
	app    *app
	flags  serveFlags
	lines  *server.LogBuffer
	log    zerolog.Logger
	output *logOutput
	hangup <-chan os.Signal

	engines *engines
	clock   func() time.Time // fleet time
	source  *config.Source
	broker  *broker.Broker
	server  *server.Server
	audit   *audit.Log

	grpc   []port
	http   port // without a listener: off
	spiffe []*transport.SPIFFE
}

// newDaemon loads the configuration and opens what serve listens on. Nothing runs yet; after an error nothing is open.
func (a *app) newDaemon(ctx context.Context, f serveFlags, lines *server.LogBuffer) (*daemon, error) {
	d := &daemon{app: a, flags: f, lines: lines}
	if err := d.load(ctx, newSeed()); err != nil {
		d.close(ctx)
		return nil, err
	}
	if err := d.listen(ctx, d.source.Config().Listen); err != nil {
		d.close(ctx)
		return nil, err
	}
	return d, nil
}

// load makes the core of what the configuration says.
func (d *daemon) load(ctx context.Context, seed uint64) error {
	d.clock = d.app.now
	var err error
	d.source, err = config.Open(d.flags.config, config.Options{
		LookupEnv: d.app.getenv,
		RunHelper: helperRunner(ctx),
		Clock:     func() time.Time { return d.clock() },
		OnConfig:  d.configure,
		OnReload:  d.reloaded,
	})
	if err != nil {
		return d.app.refuse(d.flags.config, err)
	}
	conf := d.source.Config()
	d.log, d.output = d.app.newLog(d.lines, conf.Log)
	if err := d.openAudit(&conf.Audit); err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	metrics, err := server.NewStateMetrics(registry)
	if err != nil {
		return err
	}
	if err := d.openState(ctx, &conf.State, metrics); err != nil {
		return err
	}
	d.broker = broker.New(broker.Config{
		Settings: brokerSettings(conf),
		Local:    d.engines.store(), Fleet: d.engines.shared(), Keys: d.engines.keys, PickSecret: d.engines.pickSecret,
		Observer: &stateObserver{StateMetrics: metrics, log: d.log},
		Auths:    d.source, Configured: d.configured,
		Clock: d.app.now, Seed: seed,
	})
	d.source.Attach(d.broker, d.engines.keys.Fingerprint)
	if err := d.loadState(ctx); err != nil {
		return err
	}
	d.server, err = server.New(server.Config{
		Broker:   d.broker,
		Settings: serverSettings(conf), NoReflection: !conf.Listen.Reflection,
		Log:     d.log,
		Version: version(),
		Metrics: registry,
		Limits:  d.app.serverLimits(&conf.Limits),
		Audit:   d.audit,
	})
	return err
}

// close gives back what a start that fails has taken.
func (d *daemon) close(ctx context.Context) {
	if d.server != nil {
		d.server.Stop(ctx)
	}
	for _, p := range append(d.grpc, d.http) {
		p.close()
	}
	d.closeSources()
	d.closeEngines()
	d.closeAudit()
}

// run serves until ctx is cancelled or a part fails, and stops in order: health says no, calls end, then what they
// stand on.
func (d *daemon) run(ctx context.Context) error {
	started := d.app.now()
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var loops, servers sync.WaitGroup
	failed := make(chan error, 1)
	d.startLog()
	d.auditStart()
	loops.Go(func() { recordFailure(failed, d.source.Run(background)) })
	loops.Go(func() { d.broker.Run(background) })
	loops.Go(func() { d.reloadOnHangup(background) })
	for _, p := range d.grpc {
		servers.Go(func() { recordFailure(failed, d.server.Serve(p)) })
	}
	web := d.server.Web(stdlog.New(d.log, "", 0))
	d.secureWeb(web)
	if d.http.Listener != nil {
		servers.Go(func() { recordFailure(failed, d.server.ServeWeb(web, d.http)) })
	}
	d.server.SetReady(true)
	d.log.Info().Str(fieldVersion, version()).Str(fieldConfig, d.flags.config).Msg(logServing)

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	d.log.Info().Msg(logStopping)
	d.stop(web)
	servers.Wait()
	cancel()
	loops.Wait()
	d.closeSources()
	d.flush()
	d.audit.Write(&audit.Entry{Time: d.clock(), Action: audit.ActionStop})
	d.closeAudit()
	d.log.Info().Str(fieldUptime, span(d.app.now().Sub(started))).Msg(logStopped)
	return err
}

// recordFailure records the first error that ends a part of the broker too early.
func recordFailure(failed chan<- error, err error) {
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return
	}
	select {
	case failed <- err:
	default:
	}
}

// stop ends the servers. The HTTP one is the last, so that probes see the broker go.
func (d *daemon) stop(web *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), d.flags.shutdownTimeout)
	defer cancel()
	d.server.Stop(ctx)
	if ctx.Err() != nil {
		d.log.Warn().Msg(logCutOff)
	}
	if err := web.Shutdown(ctx); err != nil {
		_ = web.Close()
	}
}

// startLog says what the broker starts with.
func (d *daemon) startLog() {
	d.logPorts()
	d.logState(&d.source.Config().State)
	for _, p := range d.source.Status().Problems {
		d.log.Warn().Str(fieldProblem, p.String()).Msg(logProblem)
	}
	for _, p := range d.source.Warnings() {
		d.log.Warn().Str(fieldWarning, p.String()).Msg(logWarning)
	}
	if _, total := d.broker.Auths(broker.Caller{}, selector.Filter{Limit: 1}, d.app.now()); total == 0 {
		d.log.Warn().Msg(logEmptyPool)
	}
}
