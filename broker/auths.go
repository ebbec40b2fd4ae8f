package broker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// AuthStore stores auths beyond the process. A document is the JSON object of an auth file, as docs/behaviour.md describes
// it, with the further members id, models, domains, kind, dialect, attributes and note.
//
// When a method returns without an error, the pool holds what was written. Errors that the caller can do something about
// are selector.ErrUnknownAuth, selector.ErrManagedByConfig and *selector.FieldError.
type AuthStore interface {
	// Put adds or replaces the auth as a whole; a document without api_key and access_token keeps the secret that the
	// auth has. It reports whether the auth outlives a restart.
	Put(ctx context.Context, id string, document []byte) (persisted bool, err error)
	// Delete removes the auth, and its file if it has one.
	Delete(ctx context.Context, id string) error
}

// ErrNotWritten is an auth that the store could not write: the fault of the environment, not of the caller.
var ErrNotWritten = errors.New("write auth")

// Auth is an auth of the pool as it is now.
type Auth struct {
	selector.Status

	// BoundSessions is how many sessions are bound to its identity.
	BoundSessions int
}

// Provider returns the name under which the pool knows what a request calls so; one that means nobody stays as it is.
func (b *Broker) Provider(name string) string { return b.pool.Provider(name) }

// Update puts and removes auths of the pool, for those who load them.
func (b *Broker) Update(put []*selector.Auth, remove []string, now time.Time) {
	b.pool.Update(put, remove, now)
}

// PutAuth adds or replaces an auth as a whole, and reports whether it outlives a restart.
func (b *Broker) PutAuth(ctx context.Context, by Caller, id string, document []byte, now time.Time) (auth Auth, persisted bool, err error) {
	if by.Allow != nil {
		return Auth{}, false, &selector.FieldError{Field: "id", Problem: "a caller that may not use every auth can put none"}
	}
	if persisted, err = b.auths.Put(ctx, id, document); err != nil {
		return Auth{}, false, notWritten(err)
	}
	auth, err = b.Auth(by, id, now)
	return auth, persisted, err
}

// DeleteAuth removes an auth.
func (b *Broker) DeleteAuth(ctx context.Context, by Caller, id string) error {
	if by.Allow != nil {
		if _, err := b.auth(by, id); err != nil {
			return err
		}
	}
	return notWritten(b.auths.Delete(ctx, id))
}

// notWritten separates what the caller did wrong from what the environment did.
func notWritten(err error) error {
	var field *selector.FieldError
	switch {
	case err == nil, errors.Is(err, selector.ErrUnknownAuth), errors.Is(err, selector.ErrManagedByConfig), errors.As(err, &field),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return fmt.Errorf("%w: %w", ErrNotWritten, err)
}

// Auth returns one auth.
func (b *Broker) Auth(by Caller, id string, now time.Time) (Auth, error) {
	st, err := b.pool.Status(id, now)
	if err == nil && !by.sees(st.Auth) {
		err = selector.ErrUnknownAuth
	}
	if err != nil {
		return Auth{}, err
	}
	return b.withSessions(by, st), nil
}

// Auths returns the auths that match, sorted by id, and how many match without the filter's page.
func (b *Broker) Auths(by Caller, filter selector.Filter, now time.Time) (page []Auth, total int) {
	filter.Allow = by.Allow
	list, total := b.pool.List(filter, now)
	page = make([]Auth, 0, len(list))
	for i := range list {
		page = append(page, b.withSessions(by, list[i]))
	}
	return page, total
}

// withSessions counts the sessions that the caller sees.
func (b *Broker) withSessions(by Caller, st selector.Status) Auth {
	return Auth{st, b.bound(by, st.Slot)}
}

// bound counts the sessions that are bound to a slot, and that the caller sees.
func (b *Broker) bound(by Caller, slot selector.Slot) int {
	if by.seesSessions() {
		return b.table.Count(slot)
	}
	_, own := b.table.CountOf(by.Name, slot)
	return own
}
