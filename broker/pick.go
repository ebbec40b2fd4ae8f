package broker

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// PickRequest is a request that needs an auth.
type PickRequest struct {
	Provider, Model string
	// Session is the one that the caller names; the zero value: it is identified by headers and body.
	Session sessions.Identity
	Headers sessions.Headers
	Body    []byte
	// Exclude are ids of auths that are not to be picked.
	Exclude []string
	// AttemptOf is an earlier pick for the same request of a client; the zero value: there was none.
	AttemptOf PickID
	// Format of the client's API; FormatUnknown: that of the body, as far as it is looked at.
	Format  sessions.Format
	Options selector.Options
}

// Picked is the answer to a PickRequest.
type Picked struct {
	selector.Pick

	// ID is what a report names the pick by; empty for a dry run.
	ID string
	// Session is the id of the session as it may be shown, and Source what named it; empty: there is none.
	Session string
	Source  sessions.Source
	// Key is that of the session; zero: there is none.
	Key selector.SessionKey
	// Attempt of the client's request that it is, from 1, and the Format of that client's API.
	Attempt int
	Format  sessions.Format
}

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

// Pick chooses an auth for one request. Key, Source and Format are valid after an error, too.
func (b *Broker) Pick(ctx context.Context, req *PickRequest, now time.Time) (Picked, error) {
	settings := b.settings.Load()
	identity := settings.identify(req)
	k := keys{b.pool, b.table, b.pool.Provider(req.Provider), selector.ModelKey(req.Model)}
	request := k.request(req, &identity, settings)
	request.Tag = req.AttemptOf.tag()
	picked := Picked{Source: identity.Source, Format: cmp.Or(req.Format, identity.Format, req.AttemptOf.context.Format)}
	if len(request.Sessions) > 0 {
		picked.Key = request.Sessions[0].Key
	}
	var err error
	if picked.Pick, err = b.persister.Pick(ctx, request, now); err != nil {
		return picked, refused(err, req, &identity)
	}
	if len(identity.IDs) > 0 {
		picked.Session = sessions.Display(identity.IDs[0])
	}
	carried := contextOf(&identity, request, picked.Auth)
	carried.Format = picked.Format
	if picked.Binding == selector.BindingDiverted {
		carried.State = "" // its answer must not move the conversation either
	}
	req.AttemptOf.next(&carried, len(req.Exclude))
	picked.Attempt = max(1, int(carried.Attempt))
	if req.Options&selector.DryRun == 0 {
		picked.ID = b.pickIDs.next(now, carried)
	}
	return picked, nil
}

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
