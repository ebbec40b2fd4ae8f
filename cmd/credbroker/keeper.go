package main

import (
	"context"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/credbroker/credbroker/config"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
)

// flushTimeout is how long a stop waits for what is not kept yet.
const flushTimeout = 5 * time.Second

// openState opens the engines, before there are auths: their names are made with a key that is kept with the state.
func (b *broker) openState(ctx context.Context, c *config.State) error {
	warn := func(message string) func(words string) {
		return func(words string) { b.log.Warn().Str(fieldWords, words).Msg(message) }
	}
	var err error
	b.engines, err = openEngines(ctx, c, b.app.now, engineNotes{repaired: warn(logRepaired), unread: warn(logUnread)})
	if err != nil {
		return err
	}
	b.clock = b.engines.clock(b.app.now)
	return nil
}

// startKeeper makes the keeper of what the pool and the table know, and loads what is kept. Without engines there is none.
func (b *broker) startKeeper(ctx context.Context, signal state.Signal, metrics *server.StateMetrics) error {
	if !b.engines.any() {
		return nil
	}
	b.keeper = state.NewKeeper(state.KeeperConfig{
		Pool: b.pool, Table: b.table, Local: b.engines.store(), Fleet: b.engines.shared(), Keys: b.engines.keys,
		Signal: signal, Clock: b.app.now, TTL: func() time.Duration { return b.source.Config().Sessions.TTL },
		Observer: &stateObserver{StateMetrics: metrics, log: b.log},
	})
	began := b.app.now()
	if err := b.keeper.Load(ctx); err != nil {
		return err
	}
	b.log.Info().Int(fieldRecords, len(b.pool.Records())).Int(fieldBindings, b.table.Len()).
		Str(fieldTook, b.app.now().Sub(began).String()).Msg(logLoaded)
	return nil
}

// flush keeps what is not kept yet, and closes the engines.
func (b *broker) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if b.keeper != nil {
		if err := b.keeper.Flush(ctx); err != nil {
			b.log.Error().AnErr(fieldCause, err).Msg(logNotFlushed)
		}
	}
	b.closeEngines()
}

func (b *broker) closeEngines() {
	if b.engines == nil {
		return
	}
	if err := b.engines.close(); err != nil {
		b.log.Error().AnErr(fieldCause, err).Msg(logNotClosed)
	}
}

// tableConfig is the table that goes with the engines.
func (b *broker) tableConfig(c *config.Sessions) bindings.Config {
	return bindings.Config{TTL: c.TTL, Max: c.Max, HashKey: b.engines.keys.Session, Recording: b.engines.any()}
}

// state is what the server keeps state with; nil: nothing does.
func (b *broker) state() server.State {
	if b.keeper == nil {
		return nil
	}
	return keptState{b.keeper}
}

// keptState is a keeper in the words of the server.
type keptState struct{ *state.Keeper }

var _ server.State = keptState{}

// Engines is part of server.State.
func (k keptState) Engines() []server.Engine {
	all := k.Keeper.Engines()
	list := make([]server.Engine, 0, len(all))
	for _, from := range all {
		to := server.Engine{Name: from.Name, Records: from.Records, Bindings: from.Bindings}
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
func (b *broker) logState(c *config.State) {
	switch {
	case !b.engines.any():
		b.log.Info().Msg(logMemoryOnly)
	case b.engines.local == nil:
		b.log.Warn().Str(fieldNamespace, c.Redis.Namespace).Msg(logRedisOnly)
	default:
		b.log.Info().Str(fieldPath, c.Path).Bool(fieldShared, b.engines.fleet != nil).Msg(logKept)
	}
}
