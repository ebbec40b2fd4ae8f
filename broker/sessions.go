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

// SessionQuery selects bindings for Sessions.
type SessionQuery struct {
	// AuthID of the auth that they are bound to; empty: any.
	AuthID string
	// Size is the most that a page has.
	Size int
	// Token is what Sessions gave with the page before; empty: the first page.
	Token string
}

// SessionPage is a page of bindings, most recently used first.
type SessionPage struct {
	Sessions []Session
	// Next is the token of the next page; empty: there is none.
	Next string
	// Total is how many bindings there are whatever the query.
	Total int
}

// Session is a binding and the auth of it. Others may share that auth's identity, and so its bindings.
type Session struct {
	bindings.Bound

	AuthID string
}

// Sessions returns a page of bindings.
func (b *Broker) Sessions(q SessionQuery, now time.Time) (SessionPage, error) {
	query := bindings.Query{Size: q.Size, Token: q.Token}
	if q.AuthID != "" {
		st, err := b.pool.Status(q.AuthID, now)
		if err != nil {
			return SessionPage{}, err
		}
		query.Slot, query.OfSlot = st.Slot, true
	}
	list, next, err := b.table.List(query, now)
	if err != nil {
		return SessionPage{}, err
	}
	page := SessionPage{Sessions: make([]Session, 0, len(list)), Next: next, Total: b.table.Len()}
	for i := range list {
		s := Session{list[i], q.AuthID}
		if s.AuthID == "" {
			s.AuthID, _ = b.pool.AuthOf(s.Slot)
		}
		page.Sessions = append(page.Sessions, s)
	}
	return page, nil
}

// SessionName names a session, by its key or else by provider, id and model of a request.
type SessionName struct {
	Key                 selector.SessionKey
	Provider, ID, Model string
}

// ReleaseSession ends the binding of a session. The key of the result is valid after an error, too.
func (b *Broker) ReleaseSession(ctx context.Context, name SessionName, now time.Time) (key selector.SessionKey, authID string, err error) {
	key = name.Key
	if name.ID != "" {
		key = b.table.Key(name.Provider, name.ID, selector.ModelKey(name.Model))
	}
	slot, ok, err := b.persister.Forget(ctx, key, now)
	switch {
	case err != nil:
		return key, "", notDurable(ctx, err)
	case !ok:
		return key, "", ErrUnknownSession
	}
	authID, _ = b.pool.AuthOf(slot)
	return key, authID, nil
}
