package selector_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/selector"
)

func of(id, provider string) *selector.Auth { return &selector.Auth{ID: id, Provider: provider} }

// A request finds the auths by any name of their provider; the name that an auth bears goes first.
func TestProviderNames(t *testing.T) {
	tests := []struct {
		pool []string // providers of the auths, which are their ids, too
		// want is who gets the request, and after the slash the name of the provider.
		request, want string
	}{
		{[]string{"claude"}, "anthropic", "claude/claude"},
		{[]string{"claude"}, "Anthropic", "claude/claude"},
		{[]string{"anthropic"}, "claude", "anthropic/anthropic"},
		{[]string{"anthropic"}, "anthropic", "anthropic/anthropic"},
		{[]string{"anthropic", "claude"}, "anthropic", "anthropic/anthropic"},
		{[]string{"anthropic", "claude"}, "claude", "claude/claude"},
		{[]string{"anthropic", "claude"}, "claude-api", "claude/claude"},
		{[]string{"claude-api", "anthropic"}, "claude", "anthropic/anthropic"},
		{[]string{"google", "vertex"}, "vertex_ai", "vertex/vertex"},
		{[]string{"Claude"}, "claude", "Claude/Claude"},
		{[]string{"acme"}, "Acme", "/Acme"},
		{[]string{"claude"}, "claude-code", "/claude-code"},
		{[]string{"claude"}, "", "claude/"},
		{[]string{"claude"}, "mixed", "claude/mixed"},
		{nil, "claude", "/claude"},
	}
	for _, tt := range tests {
		p := newPlayer(t, selector.Config{})
		for _, name := range tt.pool {
			p.put(of(name, name))
		}
		got, err := p.Pick(&selector.Request{Provider: tt.request}, p.now)
		id := ""
		if err == nil {
			id = got.Auth.ID
		} else if !errors.Is(err, selector.ErrAuthNotFound) {
			t.Fatal(err)
		}
		if got := id + "/" + p.Provider(tt.request); got != tt.want {
			t.Errorf("pool %v: a request for %q gets %s, want %s", tt.pool, tt.request, got, tt.want)
		}
	}
}

// Requests that mean the same share rotation, rules and listings.
func TestProviderNamesAreOne(t *testing.T) {
	rules := []selector.Rule{{Provider: "anthropic", Model: "fill", Strategy: selector.FillFirst}}
	p := newPlayer(t, selector.Config{Settings: selector.Settings{Rules: rules}}, of("a", "claude"), of("b", "claude"), of("c", "google"))
	if got := p.pick(selector.Request{Provider: "claude", Model: "m"}) + p.pick(selector.Request{Provider: "anthropic", Model: "m"}); got != "ab" {
		t.Errorf("in turn: %s, want ab", got)
	}
	fill := func() string {
		return p.pick(selector.Request{Provider: "claude", Model: "fill"}) + p.pick(selector.Request{Provider: "claude-api", Model: "fill"})
	}
	if got := fill(); got != "aa" {
		t.Errorf("by the rule of another name: %s, want aa", got)
	}
	if page, total := p.List(selector.Filter{Provider: "anthropic"}, p.now); total != 2 || page[0].Auth.ID != "a" {
		t.Errorf("List: %d auths, want 2", total)
	}
	// From now on an auth bears the name of the rule.
	p.put(of("d", "anthropic"))
	if got := fill(); got != "ab" {
		t.Errorf("where the rule is for others: %s, want ab", got)
	}
	p.Configure(selector.Settings{Rules: []selector.Rule{{Provider: "claude", Strategy: selector.FillFirst}}})
	if got := fill(); got != "aa" {
		t.Errorf("by a rule of its own: %s, want aa", got)
	}
}

func TestNotFoundNamesProviders(t *testing.T) {
	p := newPlayer(t, selector.Config{})
	var auths []*selector.Auth
	for i := range 20 {
		auths = append(auths, of(fmt.Sprint(i), fmt.Sprintf("p%02d", i)))
	}
	p.put(auths...)
	_, err := p.Pick(&selector.Request{Provider: "nobody"}, p.now)
	const want = "no auth of that provider is in the pool; there are: p00, p01, p02, p03, p04, p05, p06, p07, p08, p09, p10, p11, p12, p13, p14, p15 and 4 more"
	if !errors.Is(err, selector.ErrAuthNotFound) || err.Error() != want {
		t.Errorf("Pick: %v, want %s", err, want)
	}
	_, err = newPlayer(t, selector.Config{}).Pick(&selector.Request{Provider: "claude"}, p.now)
	if want := "no auth of that provider is in the pool, which is empty"; !errors.Is(err, selector.ErrAuthNotFound) || err.Error() != want {
		t.Errorf("Pick: %v, want %s", err, want)
	}
}

func TestWebSocketsByAnotherName(t *testing.T) {
	with := of("b", "codex")
	with.Attributes = map[string]string{"websockets": "true"}
	p := newPlayer(t, selector.Config{}, of("a", "codex"), with)
	for _, name := range []string{"codex", " CODEX ", "chatgpt"} {
		if name = strings.TrimSpace(name); p.pick(selector.Request{Provider: name, Options: selector.WebSocket}) != "b" {
			t.Errorf("provider %q: the auth with WebSockets is not preferred", name)
		}
	}
}
