package servertest

import (
	"context"
	"errors"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/selector"
)

var _ broker.AuthStore = (*Store)(nil)

// Store keeps auths in the pool and nowhere else. It refuses documents that are no auth file, so that a test fails where
// the server writes one.
type Store struct {
	Broker *broker.Broker
	Clock  *Clock
}

// Put is part of broker.AuthStore.
func (s *Store) Put(_ context.Context, id string, document []byte) (persisted bool, err error) {
	draft, problems := authdoc.Parse(id, "", document)
	if len(problems) > 0 {
		return false, problems
	}
	old, err := s.Broker.Auth(broker.Caller{}, id, s.Clock.Now())
	switch {
	case err == nil && old.Auth.Origin == selector.OriginConfig:
		return false, selector.ErrManagedByConfig
	case err != nil && !errors.Is(err, selector.ErrUnknownAuth):
		return false, err
	}
	draft.Auth.Origin = selector.OriginMemory
	auth := draft.Build([32]byte{})
	switch {
	case draft.HasSecret():
	case old.Auth == nil:
		return false, &selector.FieldError{Field: "secret", Problem: "is required for a new auth"}
	default:
		auth.Headers, auth.Kind, auth.ExpiresAt = old.Auth.Headers, old.Auth.Kind, old.Auth.ExpiresAt
	}
	s.Broker.Update([]*selector.Auth{auth}, nil, s.Clock.Now())
	return false, nil
}

// Delete is part of broker.AuthStore.
func (s *Store) Delete(_ context.Context, id string) error {
	old, err := s.Broker.Auth(broker.Caller{}, id, s.Clock.Now())
	if err != nil {
		return err
	}
	if old.Auth.Origin == selector.OriginConfig {
		return selector.ErrManagedByConfig
	}
	s.Broker.Update(nil, []string{id}, s.Clock.Now())
	return nil
}
