package broker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// ErrNotDurable is a change that is in force and could not be stored. The observer of the persister heard when that began.
var ErrNotDurable = errors.New("the change is not durable")

// acknowledge ends every change of an auth: it returns once the change is durable, or why it failed or is not.
func (b *Broker) acknowledge(ctx context.Context, authID string, changed error) error {
	if changed != nil {
		return changed
	}
	return notDurable(ctx, b.persister.Durable(ctx, authID))
}

// notDurable separates a caller who did not wait from a store that failed.
func notDurable(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	// The cause may be a deadline of the store, which is none of the caller's.
	return fmt.Errorf("%w: %s", ErrNotDurable, err.Error())
}

// CooldownOrder is an order to keep away from an auth.
type CooldownOrder struct {
	selector.Cooldown

	AuthID string
	// Pick that the auth was used for.
	Pick PickID
}

// Cooldown blocks an auth, or one model of it, for as long as the caller says. One that names no pick of its own, and may not operate, may
// say as much as an upstream is believed without a probe: the error is then a *selector.FieldError of `pick_id`.
func (b *Broker) Cooldown(ctx context.Context, by Caller, order *CooldownOrder, now time.Time) (selector.Block, error) {
	auth, err := b.auth(by, order.AuthID)
	if err != nil {
		return selector.Block{}, err
	}
	most := cmp.Or(b.settings.Load().Selection.MaxHint, selector.DefaultMaxHint)
	if order.Endless || order.Until.Sub(now) > most {
		report := Report{Caller: by, AuthID: order.AuthID, Pick: order.Pick, Outcome: verdict.Outcome{Model: order.Model}}
		if _, shown := b.prove(&report, auth, now); shown != proven {
			return selector.Block{}, &selector.FieldError{Field: "pick_id", Problem: fmt.Sprintf(
				"must be that of a pick of the caller's own, of this auth and model, that was not reported yet, for a cooldown of more than %s", most)}
		}
	}
	block, err := b.pool.Cooldown(order.AuthID, order.Cooldown, now)
	return block, b.acknowledge(ctx, order.AuthID, err)
}

// Invalidation is an order to release the sessions of an auth.
type Invalidation struct {
	AuthID, Reason string
	// Disable it first, so that no session is bound to it again between the two.
	Disable bool
}

// Invalidate releases every session of an auth, and returns how many of those were that the caller sees.
func (b *Broker) Invalidate(ctx context.Context, by Caller, order Invalidation, now time.Time) (released int, err error) {
	st, err := b.Auth(by, order.AuthID, now)
	if err != nil {
		return 0, err
	}
	if order.Disable {
		if err := b.pool.Disable(order.AuthID, order.Reason, now); err != nil {
			return 0, err
		}
	}
	if released, err = b.pool.Release(order.AuthID, order.Reason, now); !by.seesSessions() {
		released = min(released, st.BoundSessions)
	}
	return released, b.acknowledge(ctx, order.AuthID, err)
}

// Enable puts an auth back into rotation.
func (b *Broker) Enable(ctx context.Context, by Caller, authID string, now time.Time) (Auth, error) {
	if _, err := b.auth(by, authID); err != nil {
		return Auth{}, err
	}
	if err := b.acknowledge(ctx, authID, b.pool.Enable(authID, now)); err != nil {
		return Auth{}, err
	}
	return b.Auth(by, authID, now)
}

// Disable takes an auth out of rotation.
func (b *Broker) Disable(ctx context.Context, by Caller, authID, reason string, now time.Time) (Auth, error) {
	if _, err := b.auth(by, authID); err != nil {
		return Auth{}, err
	}
	if err := b.acknowledge(ctx, authID, b.pool.Disable(authID, reason, now)); err != nil {
		return Auth{}, err
	}
	return b.Auth(by, authID, now)
}

// ClearCooldown ends the cooldowns of an auth, or those of one model of it.
func (b *Broker) ClearCooldown(ctx context.Context, by Caller, authID, model string, now time.Time) (auth Auth, cleared int, err error) {
	if _, err := b.auth(by, authID); err != nil {
		return Auth{}, 0, err
	}
	cleared, err = b.pool.ClearCooldown(authID, model, now)
	if err := b.acknowledge(ctx, authID, err); err != nil {
		return Auth{}, 0, err
	}
	auth, err = b.Auth(by, authID, now)
	return auth, cleared, err
}
