package server

import (
	"context"
	"fmt"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

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

// detail is for people: what is wrong, and what that leaves behind.
func (e *Engine) detail() string {
	if e.Failure == "" {
		return ""
	}
	return fmt.Sprintf("%s; %d records and %d bindings wait", e.Failure, e.Records, e.Bindings)
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

func (memory) Engines() []Engine { return []Engine{{Name: engineMemory}} }

// durable waits until what was changed of an auth is kept, and tells the caller's own haste from the engine's fault.
func (s *Server) durable(ctx context.Context, authID string) error {
	return notKept(ctx, s.config.State.Durable(ctx, authID))
}

func notKept(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return &stateError{cause: err}
}
