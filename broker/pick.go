package broker

import (
	"cmp"
	"context"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// PickRequest is a request that needs an auth.
type PickRequest struct {
	// Caller that the auth is for.
	Caller          Caller
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

// Pick chooses an auth for one request. Key, Source and Format are valid after an error, too.
func (b *Broker) Pick(ctx context.Context, req *PickRequest, now time.Time) (Picked, error) {
	settings := b.settings.Load()
	identity := settings.identify(req)
	k := keys{b.pool, b.table, req.Caller.Name, b.pool.Provider(req.Provider), selector.ModelKey(req.Model)}
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
		id := b.pickIDs.next(now, carried)
		if req.Caller.isNamed() {
			id.seal = b.seals.of(&id, req.Caller.Name, picked.Auth, req.Model)
		}
		picked.ID = id.String()
	}
	return picked, nil
}
