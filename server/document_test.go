package server

import (
	"errors"
	"testing"

	"github.com/credbroker/credbroker/selector"
)

func TestInRequestNamesTheFieldOfTheRequest(t *testing.T) {
	for member, want := range map[string]string{
		"id":                 "config.id",
		"type":               "config.provider",
		"models[2]":          "config.models[2]",
		"excluded_models[0]": "config.exclude_models[0]",
		"headers.X-Title":    "secret.headers.X-Title",
		"secret":             "secret",
		"api_key":            "secret.api_key",
		"expired":            "secret.expires_at",
		"account_id":         "secret.account",
		"document":           "config",
	} {
		err := inRequest(&selector.FieldError{Field: member, Problem: "is wrong"})
		var got *selector.FieldError
		if !errors.As(err, &got) || got.Field != want || got.Problem != "is wrong" {
			t.Errorf("inRequest(%s) = %v, want %s: is wrong", member, err, want)
		}
	}
	if err := inRequest(selector.ErrManagedByConfig); !errors.Is(err, selector.ErrManagedByConfig) {
		t.Errorf("inRequest(ErrManagedByConfig) = %v", err)
	}
}
