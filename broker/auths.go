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
func (b *Broker) PutAuth(ctx context.Context, id string, document []byte, now time.Time) (auth Auth, persisted bool, err error) {
	if persisted, err = b.auths.Put(ctx, id, document); err != nil {
		return Auth{}, false, notWritten(err)
	}
	auth, err = b.Auth(id, now)
	return auth, persisted, err
}

// DeleteAuth removes an auth.
func (b *Broker) DeleteAuth(ctx context.Context, id string) error {
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
func (b *Broker) Auth(id string, now time.Time) (Auth, error) {
	st, err := b.pool.Status(id, now)
	if err != nil {
		return Auth{}, err
	}
	return b.withSessions(st), nil
}

// Auths returns the auths that match, sorted by id, and how many match without the filter's page.
func (b *Broker) Auths(filter selector.Filter, now time.Time) (page []Auth, total int) {
	list, total := b.pool.List(filter, now)
	page = make([]Auth, 0, len(list))
	for i := range list {
		page = append(page, b.withSessions(list[i]))
	}
	return page, total
}

func (b *Broker) withSessions(st selector.Status) Auth { return Auth{st, b.table.Count(st.Slot)} }
