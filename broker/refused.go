package broker

import (
	"errors"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// PinnedError is the pool's error with the reference that it is about.
type PinnedError struct {
	*selector.PinnedError

	Reference string
}

// Unwrap returns the pool's error.
func (e *PinnedError) Unwrap() error { return e.PinnedError }

// AuthNotFoundError is selector.ErrAuthNotFound with what the request asked for.
type AuthNotFoundError struct {
	Provider, Model string
	// Err is the pool's error.
	Err error
}

func (e *AuthNotFoundError) Error() string { return e.Err.Error() }

// Unwrap returns the pool's error.
func (e *AuthNotFoundError) Unwrap() error { return e.Err }

// refused adds to an error of the pool what that does not know of the request.
func refused(err error, req *PickRequest, identity *sessions.Identity) error {
	if cause, ok := errors.AsType[*selector.PinnedError](err); ok {
		return &PinnedError{cause, identity.Pins[cause.Pin]}
	}
	if errors.Is(err, selector.ErrAuthNotFound) {
		return &AuthNotFoundError{req.Provider, req.Model, err}
	}
	return err
}
