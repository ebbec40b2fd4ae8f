package servertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
)

var _ broker.AuthStore = (*Store)(nil)

// Store keeps auths in the pool and nowhere else. It refuses documents that are no auth file, so that a test fails where
// the server writes one.
type Store struct {
	Broker *broker.Broker
	Clock  *Clock
}

// authFile are the members that the server writes.
type authFile struct {
	ID            string            `json:"id"`
	Type          string            `json:"type"`
	Kind          string            `json:"kind"`
	Label         string            `json:"label"`
	Note          string            `json:"note"`
	Disabled      bool              `json:"disabled"`
	Priority      int64             `json:"priority"`
	Weight        *uint32           `json:"weight"`
	Models        []string          `json:"models"`
	ExcludeModels []string          `json:"excluded_models"`
	Prefix        string            `json:"prefix"`
	BaseURL       string            `json:"base_url"`
	ProxyURL      string            `json:"proxy_url"`
	Attributes    map[string]string `json:"attributes"`
	Domains       []string          `json:"domains"`
	Dialect       string            `json:"dialect"`
	APIKey        string            `json:"api_key"`
	AccessToken   string            `json:"access_token"`
	Expired       string            `json:"expired"`
	AccountID     string            `json:"account_id"`
	Headers       map[string]string `json:"headers"`
}

// Put is part of broker.AuthStore.
func (s *Store) Put(_ context.Context, id string, document []byte) (persisted bool, err error) {
	var f authFile
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&f); err != nil {
		return false, fmt.Errorf("decode document: %w", err)
	}
	if f.ID != id {
		return false, fmt.Errorf("document of %q put under %q", f.ID, id)
	}
	old, err := s.Broker.Auth(id, s.Clock.Now())
	switch {
	case err == nil && old.Auth.Origin == selector.OriginConfig:
		return false, selector.ErrManagedByConfig
	case err != nil && !errors.Is(err, selector.ErrUnknownAuth):
		return false, err
	}
	auth, err := f.auth(old.Status.Auth)
	if err != nil {
		return false, err
	}
	s.Broker.Update([]*selector.Auth{auth}, nil, s.Clock.Now())
	return false, nil
}

// Delete is part of broker.AuthStore.
func (s *Store) Delete(_ context.Context, id string) error {
	old, err := s.Broker.Auth(id, s.Clock.Now())
	if err != nil {
		return err
	}
	if old.Auth.Origin == selector.OriginConfig {
		return selector.ErrManagedByConfig
	}
	s.Broker.Update(nil, []string{id}, s.Clock.Now())
	return nil
}

func (f *authFile) auth(old *selector.Auth) (*selector.Auth, error) {
	a := &selector.Auth{
		ID: f.ID, Provider: f.Type, Label: f.Label, Note: f.Note, Disabled: f.Disabled, Priority: &f.Priority,
		Weight: f.Weight, Models: f.Models, ExcludeModels: f.ExcludeModels, Prefix: f.Prefix, BaseURL: f.BaseURL,
		Attributes: f.Attributes, Domains: f.Domains, Dialect: f.Dialect, Kind: map[string]selector.Kind{
			"api_key": selector.KindAPIKey, "oauth": selector.KindOAuth,
		}[f.Kind],
		Origin: selector.OriginMemory,
	}
	if f.AccountID != "" {
		a.Identity = strings.Join([]string{f.Type, f.AccountID}, " ")
	}
	if f.ProxyURL != "" {
		a.ProxyURL = selector.NewSecret(f.ProxyURL)
	}
	for name, value := range f.Headers {
		a.Headers = append(a.Headers, selector.Header{Name: name, Value: selector.NewSecret(value)})
	}
	switch secret := f.APIKey + f.AccessToken; {
	case secret != "":
		a.Headers = append(a.Headers, selector.Header{Name: "Authorization", Value: selector.NewSecret("Bearer " + secret)})
	case old == nil:
		return nil, &selector.FieldError{Field: "secret", Problem: "is required for a new auth"}
	default:
		a.Headers, a.Kind, a.ExpiresAt = old.Headers, old.Kind, old.ExpiresAt
	}
	if f.Expired == "" {
		return a, nil
	}
	end, err := time.Parse(time.RFC3339Nano, f.Expired)
	if err != nil {
		return nil, &selector.FieldError{Field: "expired", Problem: "is not a time"}
	}
	a.ExpiresAt = end
	return a, nil
}
