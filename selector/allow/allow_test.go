package allow_test

import (
	"slices"
	"testing"

	"github.com/credbroker/credbroker/selector/allow"
)

func TestModels(t *testing.T) {
	auth := &allow.Auth{ID: "team-1", Provider: "claude", Label: "team one", Domains: []string{"org:acme", "egress:eu"}}
	bare := &allow.Auth{ID: "bare", Provider: "claude"}
	for _, tt := range []struct {
		name  string
		rules []allow.Rule
		auth  *allow.Auth
		want  []string
		ok    bool
	}{
		{"no rules allow everything", nil, auth, nil, true},
		{"an empty rule does so, too", []allow.Rule{{}}, auth, nil, true},
		{"a provider", []allow.Rule{{Providers: []string{"openai", "cl*"}}}, auth, nil, true},
		{"another provider", []allow.Rule{{Providers: []string{"openai"}}}, auth, nil, false},
		{"case counts", []allow.Rule{{Providers: []string{"Claude"}}}, auth, nil, false},
		{"a label", []allow.Rule{{Labels: []string{"team *"}}}, auth, nil, true},
		{"an id", []allow.Rule{{IDs: []string{"team-?"}}}, auth, nil, true},
		{"one of its domains", []allow.Rule{{Domains: []string{"org:acme"}}}, auth, nil, true},
		{"a domain of an auth without any", []allow.Rule{{Domains: []string{"*"}}}, bare, nil, false},
		{"every list of a rule counts", []allow.Rule{{Providers: []string{"claude"}, IDs: []string{"other"}}}, auth, nil, false},
		{"models", []allow.Rule{{Models: []string{"m-*"}}}, auth, []string{"m-*"}, true},
		{"models of several rules", []allow.Rule{{Models: []string{"a"}}, {IDs: []string{"x"}, Models: []string{"b"}}, {Models: []string{"c"}}}, auth, []string{"a", "c"}, true},
		{"a rule without models beside one with some", []allow.Rule{{Models: []string{"a"}}, {IDs: []string{"team-1"}}}, auth, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			list := allow.New(tt.rules)
			got, ok := list.Models(tt.auth)
			if !slices.Equal(got, tt.want) || ok != tt.ok || list.Admits(tt.auth) != tt.ok {
				t.Errorf("Models = %q, %t, Admits = %t, want %q, %t", got, ok, list.Admits(tt.auth), tt.want, tt.ok)
			}
		})
	}
}

func TestNothing(t *testing.T) {
	if list := allow.Nothing(); list.Admits(&allow.Auth{}) || list.Same(nil) {
		t.Error("Nothing admits something")
	}
}

func TestSame(t *testing.T) {
	lists := []*allow.List{
		nil,
		allow.New([]allow.Rule{{}}), allow.New([]allow.Rule{{}, {}}),
		allow.New([]allow.Rule{{Providers: []string{"a"}}}), allow.New([]allow.Rule{{Labels: []string{"a"}}}),
		allow.New([]allow.Rule{{IDs: []string{"a"}}}), allow.New([]allow.Rule{{Domains: []string{"a"}}}), allow.New([]allow.Rule{{Models: []string{"a"}}}),
	}
	for i, a := range lists {
		for j, b := range lists {
			if got := a.Same(b); got != (i == j) {
				t.Errorf("Same of lists %d and %d = %t", i, j, got)
			}
		}
	}
	if again := allow.New([]allow.Rule{{IDs: []string{"a"}}}); !again.Same(lists[5]) {
		t.Error("lists of the same rules are not the same")
	}
}
