package broker

import (
	"context"
	"errors"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// ErrUnknownSession is a session that is not bound.
var ErrUnknownSession = errors.New("no such session is bound")

// Session is a binding and the auth of it. Others may share that auth's identity, and so its bindings.
type Session struct {
	bindings.Bound

	AuthID string
}

// SessionPage is a part of a listing.
type SessionPage struct {
	Sessions []Session
	// Next is the token of the page after it; empty: it is the last.
	Next string
	// Total is how many bindings there are in all.
	Total int
}

// Sessions returns, of the sessions that the caller sees, a page of at most size bindings, most recently used first: those of one
// auth, or of all for an empty id.
// The token is that of the page before; empty: the first page.
func (b *Broker) Sessions(by Caller, authID string, size int, token string, now time.Time) (page SessionPage, err error) {
	query := bindings.Query{Size: size, Token: token, Caller: by.Name, OfCaller: !by.seesSessions()}
	if authID != "" {
		st, err := b.Auth(by, authID, now)
		if err != nil {
			return SessionPage{}, err
		}
		query.Slot, query.OfSlot = st.Slot, true
	}
	list, next, err := b.table.List(query, now)
	if err != nil {
		return SessionPage{}, err
	}
	for _, bound := range list {
		s := Session{bound, authID}
		if authID == "" {
			s.AuthID, _ = b.pool.AuthOf(bound.Slot)
		}
		page.Sessions = append(page.Sessions, s)
	}
	page.Next, page.Total = next, b.table.Len()
	if query.OfCaller {
		page.Total, _ = b.table.CountOf(by.Name, 0)
	}
	return page, nil
}

// SessionName names a session, by its key or else by provider, id and model of a request.
type SessionName struct {
	Key                 selector.SessionKey
	Provider, ID, Model string
}

// ReleaseSession ends the binding of a session. The key of the result is valid after an error, too.
func (b *Broker) ReleaseSession(ctx context.Context, by Caller, name SessionName, now time.Time) (key selector.SessionKey, authID string, err error) {
	key = name.Key
	if name.ID != "" {
		key = b.table.KeyOf(by.Name, b.pool.Provider(name.Provider), name.ID, selector.ModelKey(name.Model))
	}
	if of, ok := b.table.CallerOf(key, now); ok && of != by.Name && !by.seesSessions() {
		return key, "", ErrUnknownSession
	}
	slot, ok, err := b.persister.Unbind(ctx, key, now)
	switch {
	case err != nil:
		return key, "", notDurable(ctx, err)
	case !ok:
		return key, "", ErrUnknownSession
	}
	authID, _ = b.pool.AuthOf(slot)
	return key, authID, nil
}
