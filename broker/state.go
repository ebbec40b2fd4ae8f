package broker

import (
	"context"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// EngineMemory is the name of the engine where there is no other.
const EngineMemory = "memory"

// State keeps runtime state beyond the process. A picker and what acknowledges are one, because replicas that share state
// agree on what a session is bound to.
type State interface {
	// Pick is Pool.Pick, agreed on with other replicas where a session is bound anew.
	Pick(ctx context.Context, req *selector.Request, now time.Time) (selector.Pick, error)
	// Durable returns once what was changed so far of an auth is kept. After an error it may not be; it is in force all the
	// same, until the process ends.
	Durable(ctx context.Context, authID string) error
	// Forget ends the binding of a session and returns the slot that it was bound to. False: there was no live one. The
	// error is as that of Durable.
	Forget(ctx context.Context, key selector.SessionKey, now time.Time) (selector.Slot, bool, error)
	// Engines are where state is kept.
	Engines() []Engine
}

// Engine is one place where runtime state is kept.
type Engine struct {
	// Name is one of memory, journal and redis.
	Name string
	// Failure is why it does not work; empty: it does.
	Failure string
	// Records and Bindings wait to be kept.
	Records, Bindings int
}

// memory keeps nothing beyond the process.
type memory struct {
	pool     *selector.Pool
	sessions *bindings.Table
}

var _ State = memory{}

func (m memory) Pick(_ context.Context, req *selector.Request, now time.Time) (selector.Pick, error) {
	return m.pool.Pick(req, now)
}

func (memory) Durable(context.Context, string) error { return nil }

func (m memory) Forget(_ context.Context, key selector.SessionKey, now time.Time) (selector.Slot, bool, error) {
	slot, ok := m.sessions.Forget(key, now)
	return slot, ok, nil
}

func (memory) Engines() []Engine { return []Engine{{Name: EngineMemory}} }

// Engines are where state is kept.
func (b *Broker) Engines() []Engine { return b.state.Engines() }
