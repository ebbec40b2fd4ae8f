package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/state"
)

// flushTimeout is how long a stop waits for what is not saved yet.
const flushTimeout = 5 * time.Second

// openState opens the engines, before there are auths: their fingerprints need a key that is stored with the state.
func (d *daemon) openState(ctx context.Context, c *config.State, metrics *server.StateMetrics) error {
	warn := func(message string) func(detail string) {
		return func(detail string) { d.log.Warn().Str(fieldWhat, detail).Msg(message) }
	}
	refusals := &fleetRefusals{metrics: metrics, log: d.log, now: d.app.now, said: map[string]time.Time{}}
	var err error
	d.engines, err = openEngines(ctx, c, d.app.now, engineWarnings{
		repaired: warn(logRepaired), unread: warn(logUnread), refused: refusals.add,
	})
	if err != nil {
		return err
	}
	d.clock = d.engines.clock(d.app.now)
	return nil
}

// loadState reads the stored state.
func (d *daemon) loadState(ctx context.Context) error {
	if !d.engines.any() {
		return nil
	}
	began := d.app.now()
	records, bindings, err := d.broker.Load(ctx)
	if err != nil {
		return err
	}
	d.log.Info().Int(fieldRecords, records).Int(fieldBindings, bindings).Str(fieldTook, d.app.now().Sub(began).String()).Msg(logLoaded)
	return nil
}

// flush saves what is not saved yet, and closes the engines.
func (d *daemon) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := d.broker.Flush(ctx); err != nil {
		d.log.Error().AnErr(fieldCause, err).Msg(logNotFlushed)
	}
	d.closeEngines()
}

func (d *daemon) closeEngines() {
	if d.engines == nil {
		return
	}
	if err := d.engines.close(); err != nil {
		d.log.Error().AnErr(fieldCause, err).Msg(logNotClosed)
	}
}

// stateObserver counts what a persister does, and writes a line when an engine ceases to work and when it works again.
type stateObserver struct {
	*server.StateMetrics

	log zerolog.Logger
}

var _ state.Observer = (*stateObserver)(nil)

// HealthChanged is part of state.Observer.
func (o *stateObserver) HealthChanged(engine string, err error) {
	if err != nil {
		o.log.Error().Str(fieldEngine, engine).Str(fieldCause, oneLine(fmt.Sprint(err))).Msg(logEngineDown)
		return
	}
	o.log.Info().Str(fieldEngine, engine).Msg(logEngineUp)
}

// logState says where state is stored, and what that is worth.
func (d *daemon) logState(c *config.State) {
	switch {
	case !d.engines.any():
		d.log.Info().Msg(logMemoryOnly)
	case d.engines.local == nil:
		d.log.Warn().Str(fieldNamespace, c.Redis.Namespace).Msg(logRedisOnly)
	default:
		d.log.Info().Str(fieldPath, c.Path).Bool(fieldShared, d.engines.fleet != nil).Msg(logKept)
	}
}

// fleetRefusals count what the fleet's store answers and is not believed, and say so once a minute.
type fleetRefusals struct {
	metrics *server.StateMetrics
	log     zerolog.Logger
	now     func() time.Time

	mu   sync.Mutex
	said map[string]time.Time
}

func (r *fleetRefusals) add(what string, cause error) {
	r.metrics.Refused(what)
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); now.Sub(r.said[what]) >= time.Minute {
		r.said[what] = now
		r.log.Warn().Str(fieldWhat, what).Str(fieldCause, oneLine(cause.Error())).Msg(logDisbelieved)
	}
}
