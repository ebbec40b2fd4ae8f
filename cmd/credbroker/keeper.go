package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
)

// flushTimeout is how long a stop waits for what is not kept yet.
const flushTimeout = 5 * time.Second

// openState opens the engines, before there are auths: their names are made with a key that is kept with the state.
func (d *daemon) openState(ctx context.Context, c *config.State) error {
	warn := func(message string) func(words string) {
		return func(words string) { d.log.Warn().Str(fieldWords, words).Msg(message) }
	}
	var err error
	d.engines, err = openEngines(ctx, c, d.app.now, engineNotes{repaired: warn(logRepaired), unread: warn(logUnread)})
	if err != nil {
		return err
	}
	d.clock = d.engines.clock(d.app.now)
	return nil
}

// startKeeper makes the keeper of what the pool and the table know, and loads what is kept. Without engines there is none.
func (d *daemon) startKeeper(ctx context.Context, signal state.Signal, metrics *server.StateMetrics) error {
	if !d.engines.any() {
		return nil
	}
	d.keeper = state.NewKeeper(state.KeeperConfig{
		Pool: d.pool, Table: d.table, Local: d.engines.store(), Fleet: d.engines.shared(), Keys: d.engines.keys,
		Signal: signal, Clock: d.app.now, TTL: func() time.Duration { return d.source.Config().Sessions.TTL },
		Observer: &stateObserver{StateMetrics: metrics, log: d.log},
	})
	began := d.app.now()
	if err := d.keeper.Load(ctx); err != nil {
		return err
	}
	d.log.Info().Int(fieldRecords, len(d.pool.Records())).Int(fieldBindings, d.table.Len()).
		Str(fieldTook, d.app.now().Sub(began).String()).Msg(logLoaded)
	return nil
}

// flush keeps what is not kept yet, and closes the engines.
func (d *daemon) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if d.keeper != nil {
		if err := d.keeper.Flush(ctx); err != nil {
			d.log.Error().AnErr(fieldCause, err).Msg(logNotFlushed)
		}
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

// tableConfig is the table that goes with the engines.
func (d *daemon) tableConfig(c *config.Sessions) bindings.Config {
	return bindings.Config{TTL: c.TTL, Max: c.Max, HashKey: d.engines.keys.Session, Recording: d.engines.any()}
}

// state is what the broker keeps state with; nil: nothing does.
func (d *daemon) state() broker.State {
	if d.keeper == nil {
		return nil
	}
	return keptState{d.keeper}
}

// keptState is a keeper in the words of the broker.
type keptState struct{ *state.Keeper }

var _ broker.State = keptState{}

// Engines is part of broker.State.
func (k keptState) Engines() []broker.Engine {
	all := k.Keeper.Engines()
	list := make([]broker.Engine, 0, len(all))
	for _, from := range all {
		to := broker.Engine{Name: from.Name, Records: from.Records, Bindings: from.Bindings}
		if from.Failure != nil {
			to.Failure = from.Failure.Error()
		}
		list = append(list, to)
	}
	return list
}

// stateObserver counts what a keeper does, and writes a line when an engine ceases to work and when it works again.
type stateObserver struct {
	*server.StateMetrics

	log zerolog.Logger
}

var _ state.Observer = (*stateObserver)(nil)

// Turned is part of state.Observer.
func (o *stateObserver) Turned(engine string, err error) {
	if err != nil {
		o.log.Error().Str(fieldEngine, engine).Str(fieldCause, oneLine(fmt.Sprint(err))).Msg(logEngineDown)
		return
	}
	o.log.Info().Str(fieldEngine, engine).Msg(logEngineUp)
}

// logState says where state is kept, and what that is worth.
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
