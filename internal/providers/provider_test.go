package providers_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/internal/providers"
	"github.com/credbroker/credbroker/verdict"
)

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{
		"claude": "claude", "anthropic": "claude", "Anthropic": "claude", "ANTHROPIC_API": "claude", "google": "gemini", "azure": "azure-openai",
		"vertex_ai": "vertex", "together-ai": "together", "x.ai": "xai", "aws": "bedrock", "moonshotai": "moonshot",
		// These are not the same as what they look like.
		"claude-code": "claude-code", "gemini-cli": "gemini-cli", "kimi": "kimi", "qwen": "qwen",
	} {
		if p, known := providers.Lookup(name); !known || p.Name != want {
			t.Errorf("Lookup(%q) = %q, %t, want %q", name, p.Name, known, want)
		}
	}
	for _, name := range []string{"", "mixed", "acme", "claude ", "anthropics", "Ünthropic", strings.Repeat("x", 1<<16)} {
		if p, known := providers.Lookup(name); known || p.Name != name {
			t.Errorf("Lookup(%q) = %q, %t, want nothing", name, p.Name, known)
		}
	}
}

func TestNamesAreUnique(t *testing.T) {
	seen := make(map[string]bool)
	all := providers.All()
	for _, p := range all {
		for _, name := range append([]string{p.Name}, p.Aliases...) {
			if seen[name] || name != strings.ToLower(strings.ReplaceAll(name, "_", "-")) {
				t.Errorf("name %q of %s: want it once, in lower case and with -", name, p.Name)
			}
			seen[name] = true
		}
		if !slices.IsSorted(p.Aliases) {
			t.Errorf("aliases of %s: %v, want them sorted", p.Name, p.Aliases)
		}
	}
	if !slices.IsSortedFunc(all, func(a, b providers.Provider) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the table is not sorted by name")
	}
}

// A provider is known here whose answers are judged by rules of their own, and the other way round.
func TestDialects(t *testing.T) {
	rules, err := verdict.Load()
	if err != nil {
		t.Fatal(err)
	}
	withRules := rules.Dialects()
	for _, dialect := range withRules {
		owns := func(p providers.Provider) bool { return dialect == p.DialectOf(true) || dialect == p.DialectOf(false) }
		if _, known := providers.Lookup(dialect); !known && !slices.ContainsFunc(providers.All(), owns) {
			t.Errorf("dialect %s has rules, but no provider has it or its name", dialect)
		}
	}
	without := []string{"iflow", "qwen"}
	for _, p := range providers.All() {
		for _, dialect := range []string{p.DialectOf(false), p.DialectOf(true)} {
			if slices.Contains(withRules, dialect) == slices.Contains(without, dialect) {
				t.Errorf("dialect %s of %s: want rules for it, or that it is listed as one without", dialect, p.Name)
			}
		}
	}
}

func TestRefusal(t *testing.T) {
	const bearer = providers.Authorization
	tests := []struct {
		name string
		in   providers.Sending
		want string // a part of it
	}{
		{"a key of Anthropic's behind Bearer", providers.Sending{Secret: "sk-ant-api03-x", Header: bearer}, "where claude refuses API keys; allowed: the provider claude, or the key in headers as x-api-key"},
		{"it in its header", providers.Sending{Secret: "sk-ant-api03-x", Header: "X-Api-Key"}, ""},
		{"it as an access token", providers.Sending{Secret: "sk-ant-api03-x", Account: true, Header: bearer}, "is an API key, which claude refuses in Authorization; allowed: the kind api_key"},
		{"it to a relay", providers.Sending{Secret: "sk-ant-api03-x", Header: bearer, BaseURL: "https://relay.example.com"}, ""},
		{"an access token as a key", providers.Sending{Secret: "sk-ant-oat01-x", Header: "x-api-key"}, "no upstream takes in x-api-key; allowed: the kind oauth"},
		{"an access token", providers.Sending{Secret: "sk-ant-oat01-x", Account: true, Header: bearer}, ""},
		{"any key to Anthropic", providers.Sending{Secret: "k", Header: bearer, BaseURL: "https://API.anthropic.com:443/"}, "where claude refuses API keys"},
		{"any token to Anthropic", providers.Sending{Secret: "k", Account: true, Header: bearer, BaseURL: "https://api.anthropic.com"}, ""},
		{"where Anthropic speaks OpenAI's protocol", providers.Sending{Secret: "k", Header: bearer, BaseURL: "https://api.anthropic.com/v1/"}, ""},
		{"any key to Google", providers.Sending{Secret: "k", Header: bearer, BaseURL: "https://generativelanguage.googleapis.com"}, "as x-goog-api-key"},
		{"where Google speaks it", providers.Sending{Secret: "k", Header: bearer, BaseURL: "https://generativelanguage.googleapis.com/v1beta/openai"}, ""},
		{"a key of Google's behind Bearer", providers.Sending{Secret: "AIzaSy", Header: bearer}, "where gemini refuses"},
		{"a token of Google's as a key", providers.Sending{Secret: "ya29.a", Header: "x-goog-api-key"}, "the kind oauth"},
		{"any key to Azure", providers.Sending{Secret: "k", Header: bearer, BaseURL: "https://a.openai.azure.com/openai/deployments/d"}, "as api-key"},
		{"Azure's newer paths", providers.Sending{Secret: "k", Header: bearer, BaseURL: "https://a.openai.azure.com/openai/v1"}, ""},
		{"a JSON web token as a key", providers.Sending{Secret: "eyJhbGciOi", Header: "api-key"}, "the kind oauth"},
		{"a JSON web token behind Bearer", providers.Sending{Secret: "eyJhbGciOi", Header: bearer}, ""},
		{"a header that is given", providers.Sending{Secret: "sk-ant-api03-x", Header: bearer, Given: func(h string) bool { return h == "x-api-key" }}, ""},
		{"another header that is given", providers.Sending{Secret: "sk-ant-api03-x", Header: bearer, Given: func(h string) bool { return h == "x-title" }}, "where claude refuses"},
		{"nothing known", providers.Sending{Secret: "k", Header: "x-api-key"}, ""},
		{"no URL", providers.Sending{Secret: "k", Header: bearer, BaseURL: "://"}, ""},
	}
	for _, test := range tests {
		got := test.in.Refusal()
		if (test.want == "") != (got == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
		if strings.Contains(got, test.in.Secret) && len(test.in.Secret) > 1 {
			t.Errorf("%s: %q repeats the secret", test.name, got)
		}
	}
}

func TestDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range providers.All() {
		aliases := "-"
		if len(p.Aliases) > 0 {
			aliases = "`" + strings.Join(p.Aliases, "`, `") + "`"
		}
		dialect := "`" + p.DialectOf(false) + "`"
		if account := p.DialectOf(true); account != p.DialectOf(false) {
			dialect += ", of accounts `" + account + "`"
		}
		row := fmt.Sprintf("| `%s` | %s | `%s` | %s |\n", p.Name, aliases, p.SecretHeader(false), dialect)
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/configuration.md has not the row\n%s", row)
		}
	}
}
