package selector

import (
	"errors"
	"fmt"
	"time"
)

// Errors of the pool that carry nothing but themselves.
var (
	// ErrAuthNotFound: no auth of the provider is in the pool. Pick adds which providers there are, at most sixteen.
	ErrAuthNotFound = errors.New("no auth of that provider is in the pool")
	// ErrUnknownAuth: an operation names an auth that is not in the pool.
	ErrUnknownAuth = errors.New("no such auth")
	// ErrManagedByConfig: an operation would write what the configuration owns.
	ErrManagedByConfig = errors.New("the configuration owns this auth")
)

// CooldownError says that there are candidates, and that every one of them is in a quota cooldown.
type CooldownError struct {
	// Model and Provider as requested.
	Model, Provider string
	// Wait is the time from the pick to the earliest recovery, not below zero.
	Wait time.Duration
	// Counts are the auths of the provider by reason.
	Counts Counts
	// Explanation is set when the pick asked for one.
	Explanation *Explanation
}

func (e *CooldownError) Error() string {
	return fmt.Sprintf("every auth for model %q is cooling down, the first for %s more", e.Model, e.Wait)
}

// UnavailableError says that auths of the provider are known, none is ready, and not all candidates are in a quota
// cooldown.
type UnavailableError struct {
	// Model and Provider as requested.
	Model, Provider string
	// Wait is the time from the pick to the earliest end of a block; 0: none of them ends by itself.
	Wait time.Duration
	// Counts are the auths of the provider by reason.
	Counts Counts
	// Explanation is set when the pick asked for one.
	Explanation *Explanation
}

func (e *UnavailableError) Error() string {
	return fmt.Sprintf("no auth for model %q can be used", e.Model)
}

// PinnedError says that the request names what only one auth can resolve, and that this one cannot be used now.
type PinnedError struct {
	// Pin is the index of the reference in Request.Pins.
	Pin int
	// AuthID is the auth that issued it; empty: it left the pool.
	AuthID string
	// Reason why that auth is out; ReasonNone: it left the pool.
	Reason Reason
	// Lost: it does not come back by itself, so the reference is of no use.
	Lost bool
	// Wait is the time from the pick until it may be back; 0: nobody knows.
	Wait time.Duration
	// Model and Provider as requested.
	Model, Provider string
	// Explanation is set when the pick asked for one.
	Explanation *Explanation
}

func (e *PinnedError) Error() string {
	return fmt.Sprintf("auth %q, which alone can continue the conversation, cannot be used", e.AuthID)
}

// FieldError says that an argument is wrong. The edge names the field to the caller.
type FieldError struct {
	// Field in the words of the wire contract, such as `retry_after`.
	Field string
	// Problem says what is wrong and what is allowed.
	Problem string
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }
