package authdoc

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
)

var testKey = [32]byte{1}

// readAuthText reads an auth file's text as the file a.json of a folder.
func readAuthText(text string) (*selector.Auth, document.Problems) {
	draft, problems := Parse("a.json", "auths/a.json", []byte(text))
	if len(problems) > 0 {
		return nil, problems
	}
	return draft.Build(testKey), nil
}

func TestAuthFile(t *testing.T) {
	bearer := func(token string) []selector.Header {
		return []selector.Header{{Name: "Authorization", Value: selector.NewSecret("Bearer " + token)}}
	}
	end := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name, text string
		want       selector.Auth
	}{
		{
			"a Claude account", `{"type":" Claude ","email":"one@example.com","access_token":"at","refresh_token":"rt",
				"account_uuid":"u-1","organization_uuid":"o-1","expired":"2026-01-31T13:00:00+01:00","last_refresh":"x","other":"secret"}`,
			selector.Auth{
				Provider: "claude", Label: "one@example.com", Identity: "account:claude:u-1", Kind: selector.KindOAuth,
				Dialect: "claude-code", ExpiresAt: end, Domains: []string{"org:o-1", "account:u-1"},
				Headers: []selector.Header{
					{Name: "anthropic-beta", Value: selector.NewSecret("oauth-2025-04-20")}, bearer("at")[0],
				},
			},
		},
		{
			"a Codex account", `{"type":"codex","email":"two@example.com","account_id":"acc","access_token":"at","id_token":"it",
				"websockets":true,"priority":"7","note":"a note","expired":1769860800,"headers":{"X-Team":"t"}}`,
			selector.Auth{
				Provider: "codex", Label: "two@example.com", Note: "a note", Identity: "account:codex:acc", Kind: selector.KindOAuth,
				Dialect: "codex", Priority: new(int64(7)), ExpiresAt: end, WebSockets: true, Domains: []string{"account:acc"},
				Headers: append(bearer("at"), selector.Header{Name: "X-Team", Value: selector.NewSecret("t")}),
			},
		},
		{
			"a Gemini account with a token object", `{"type":"gemini","email":"three@example.com","project_id":"p-1",
				"token":{"access_token":"at","refresh_token":"rt","expiry":"2026-01-31T12:00:00Z","client_secret":"x"},"checked":true}`,
			selector.Auth{
				Provider: "gemini", Label: "three@example.com", Identity: "account:gemini:three@example.com", Kind: selector.KindOAuth,
				Dialect: "gemini-code-assist", ExpiresAt: end, Domains: []string{"project:p-1"}, Headers: bearer("at"),
			},
		},
		{
			"the file goes before its token", `{"type":"x","access_token":"outer","expire":"2026-01-31T12:00:00Z",
				"token":{"access_token":"inner","expire":"2027-01-31T12:00:00Z","account_id":"acc"}}`,
			selector.Auth{
				Provider: "x", Label: "x", Identity: "account:x:acc", Kind: selector.KindOAuth, Dialect: "x", ExpiresAt: end,
				Domains: []string{"account:acc"}, Headers: bearer("outer"),
			},
		},
		{
			"a key", `{"type":"gemini","api_key":" key ","label":"lab","base_url":"https://example.com","proxy_url":"http://u:p@proxy:1",
				"prefix":"/team/","excluded-models":["a-*"],"weight":"3","disabled":true}`,
			selector.Auth{
				Provider: "gemini", Label: "lab", Identity: "key:gemini:" + Fingerprint([32]byte{1}, "gemini", "key"), Kind: selector.KindAPIKey,
				Dialect: "gemini", Weight: new(uint32(3)), ExcludeModels: []string{"a-*"}, Prefix: "team", Disabled: true,
				BaseURL: "https://example.com", ProxyURL: selector.NewSecret("http://u:p@proxy:1"),
				Headers: []selector.Header{{Name: "x-goog-api-key", Value: selector.NewSecret("key")}},
			},
		},
		{
			"a Claude key with headers of its own", `{"type":"claude","api_key":"key","headers":{"X-API-Key":"other"}}`,
			selector.Auth{
				Provider: "claude", Label: "claude", Identity: "key:claude:" + Fingerprint([32]byte{1}, "claude", "key"), Kind: selector.KindAPIKey,
				Dialect: "anthropic", Headers: []selector.Header{{Name: "X-API-Key", Value: selector.NewSecret("other")}},
			},
		},
		{
			"a key beside an account goes first, and does not expire with it",
			`{"type":"iflow","api_key":"key","access_token":"at","expired":"2020-01-31T12:00:00Z","email":"e@example.com"}`,
			selector.Auth{
				Provider: "iflow", Label: "e@example.com", Identity: "key:iflow:" + Fingerprint([32]byte{1}, "iflow", "key"),
				Kind: selector.KindAPIKey, Dialect: "iflow", Headers: bearer("key"),
			},
		},
		{
			"members of ours", `{"type":"kimi","access_token":"at","models":["k*"],"domains":["org:o","project:p"],"project_id":"p",
				"kind":"api_key","dialect":"d","attributes":{"websockets":"true","n":1},"excluded_models":["b"],"excluded-models":["c"]}`,
			selector.Auth{
				Provider: "kimi", Label: "kimi", Identity: "key:kimi:" + Fingerprint([32]byte{1}, "kimi", "at"), Kind: selector.KindAPIKey,
				Dialect: "d", Models: []string{"k*"}, ExcludeModels: []string{"b"}, Domains: []string{"project:p", "org:o"},
				Attributes: map[string]string{"websockets": "true", "n": "1"}, Headers: bearer("at"),
			},
		},
		{
			"nothing but a type, and blanks", `{"type":"vertex","service_account":{"private_key":"x"},"email":" ","api_key":"",
				"expired":"","priority":" ","weight":"","kind":" ","base_url":" ","token":null,"label":null,"disabled":null,"account_id":5}`,
			selector.Auth{
				Provider: "vertex", Label: "vertex", Identity: "account:vertex:5", Kind: selector.KindOAuth, Dialect: "vertex",
				Domains: []string{"account:5"},
			},
		},
		{
			"an account without a name is its id", "\ufeff" + `{"type":"kimi","access_token":"at","websockets":3}`,
			selector.Auth{Provider: "kimi", Label: "kimi", Kind: selector.KindOAuth, Dialect: "kimi-code", Headers: bearer("at")},
		},
		{
			"an id that is the path", `{"id":"a","type":"kimi","api_key":"key"}`,
			selector.Auth{
				ID: "a", Provider: "kimi", Label: "kimi", Identity: "key:kimi:" + Fingerprint([32]byte{1}, "kimi", "key"), Kind: selector.KindAPIKey,
				Dialect: "moonshot", Headers: bearer("key"),
			},
		},
		{
			"an id that is not", `{"id":"b","type":"kimi"}`,
			selector.Auth{Provider: "kimi", Label: "kimi", Kind: selector.KindOAuth, Dialect: "kimi-code"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			want.Origin, want.Source = selector.OriginFile, "auths/a.json"
			if want.ID == "" {
				want.ID = "a.json"
			}
			got, problems := readAuthText(test.text)
			if len(problems) > 0 {
				t.Fatalf("read %s: %v", test.text, problems)
			}
			if diff := cmp.Diff(&want, got, cmp.Comparer(selector.Secret.Equal)); diff != "" {
				t.Errorf("read %s: want -, got +\n%s", test.text, diff)
			}
		})
	}
}

func TestAuthFileExpiry(t *testing.T) {
	end := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		`"expired":"2026-01-31T12:00:00Z"`:                 end,
		`"expire":"2026-01-31T12:00:00.5Z"`:                end.Add(time.Second / 2),
		`"expires_at":1769860800`:                          end,
		`"expiry":1769860800000`:                           end,
		`"expired":"1769860800"`:                           end,
		`"expired":1769860800.25`:                          end.Add(time.Second / 4),
		`"expired":1.7698608e9`:                            end,
		`"expired":0`:                                      {},
		`"expired":-5`:                                     {},
		`"expired":"0001-01-01T00:00:00Z"`:                 {},
		`"expired":null,"expiry":"2026-01-31T12:00:00Z"`:   end,
		`"expired":"","expires_at":"2026-01-31T12:00:00Z"`: end,
		`"expiry":1,"expired":1769860800`:                  end,
	} {
		a, problems := readAuthText(`{"type":"x","access_token":"at",` + text + `}`)
		if len(problems) > 0 || !a.ExpiresAt.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", text, a, problems, want)
		}
	}
}

func TestAuthFilePriority(t *testing.T) {
	for text, want := range map[string]int64{
		`5`: 5, `-5`: -5, `"5"`: 5, `" +7 "`: 7, `"007"`: 7, `5.0`: 5, `1e3`: 1000, `1.5`: 0, `"five"`: 0, `"1.0"`: 0,
		`9223372036854775807`: 9223372036854775807, `9223372036854775808`: 0, `"9223372036854775808"`: 0, `1e300`: 0,
	} {
		a, problems := readAuthText(`{"type":"x","priority":` + text + `}`)
		if len(problems) > 0 || a.Priority == nil || *a.Priority != want {
			t.Errorf("priority %s: %v, %v, want %d", text, a, problems, want)
		}
	}
}

func TestAuthFileReject(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", ``, `auths/a.json:1: is not JSON: it ends too early`},
		{"half a file", "{\n\"type\": \"claude\",\n\"api", `auths/a.json:3: is not JSON: it ends too early`},
		{"no JSON", "{\n\"type\": claude}", `auths/a.json:2: is not JSON: invalid character 'c' looking for beginning of value`},
		{"more than an object", `{"type":"x"} {}`, `auths/a.json:1: is not JSON: something follows the object`},
		{"a list", `[{"type":"x"}]`, `auths/a.json:1: is a list; allowed: one JSON object`},
		{"null", `null`, `auths/a.json:1: is empty; allowed: one JSON object`},
		{"deep", strings.Repeat(`{"a":`, 100), `auths/a.json:1: is nested too deep; allowed: 64 levels`},
		{"many values", `{"type":"x","a":[` + strings.Repeat("0,", 50_000) + `0]}`, `auths/a.json:1: has too many values; allowed: 50000`},
		{"no type", `{}`, `auths/a.json:1: has no type; allowed: type with the name of the provider, such as claude`},
		{"a blank type", `{"type":" "}`, `auths/a.json:1: type: is empty; allowed: text on one line, with no white space around it`},
		{"every provider", `{"type":"Mixed"}`, `auths/a.json:1: type: mixed stands for every provider; allowed: any other name, such as claude`},
		{"a type that is a number", `{"type":5}`, `auths/a.json:1: type: is a number; allowed: text, so put it in quotes`},
		{"a member twice", "{\"type\":\"x\",\n\"type\":\"y\"}", `auths/a.json:2: type: duplicate key; the first is on line 1`},
		{"disabled in words", `{"type":"x","disabled":"yes"}`, `auths/a.json:1: disabled: is text; allowed: true or false`},
		{"a priority of no number", `{"type":"x","priority":[1]}`, `auths/a.json:1: priority: is a list; allowed: a whole number, as a number or as text`},
		{"a weight too large", `{"type":"x","weight":1000001}`, `auths/a.json:1: weight: "1000001" does not fit; allowed: a whole number from 0 to 1000000`},
		{"a weight of no number", `{"type":"x","weight":"much"}`, `auths/a.json:1: weight: does not fit; allowed: a whole number from 0 to 1000000`},
		{"an end in words", `{"type":"x","expired":"tomorrow"}`, `auths/a.json:1: expired: is no time that can be read; ` +
			`allowed: a time such as 2026-01-31T12:00:00Z, or Unix seconds or milliseconds`},
		{"an end that is a boolean", `{"type":"x","token":{"expiry":true}}`, `auths/a.json:1: token.expiry: is a boolean; ` +
			`allowed: a time such as 2026-01-31T12:00:00Z, or Unix seconds or milliseconds`},
		{"a token that is text", `{"type":"x","token":"sk-secret"}`, `auths/a.json:1: token: is text; allowed: a mapping of keys to values`},
		{"a secret of two lines", `{"type":"x","api_key":"sk\nsecret"}`, `auths/a.json:1: api_key: has a character that an HTTP header cannot have, such as a line break`},
		{"a secret that is a number", `{"type":"x","access_token":5}`, `auths/a.json:1: access_token: is a number; allowed: text, so put it in quotes`},
		{"a header that is none", `{"type":"x","headers":{"a b":"c"}}`, `auths/a.json:1: headers: has a name that is not the name of an HTTP header; ` +
			`allowed: letters, digits and a few signs, such as X-Title`},
		{"a header of the connection", `{"type":"x","headers":{"Transfer-Encoding":"chunked"}}`, `auths/a.json:1: headers.Transfer-Encoding: ` +
			`is about the connection, which the gateway's HTTP client makes; allowed: headers for the upstream itself`},
		{"an access token as a key", "{\"type\":\"anthropic\",\n\"api_key\":\"sk-ant-oat01-tell-tale\"}", `auths/a.json:2: api_key: is an access token, ` +
			`which no upstream takes in x-api-key; allowed: the kind oauth`},
		{"a base URL with a password", `{"type":"x","base_url":"https://u:sk-secret@h"}`, `auths/a.json:1: base_url: has a user or password, and listings show it; ` +
			`allowed: a URL such as https://api.example.com, and a secret in headers`},
		{"a proxy URL too long", `{"type":"x","proxy_url":"http://h/` + strings.Repeat("p", 2040) + `"}`, `auths/a.json:1: proxy_url: has 2049 bytes; allowed: at most 2048`},
		{"an account of two lines", `{"type":"x","account_id":"a\nb"}`, `auths/a.json:1: account_id: has a control character; ` +
			`allowed: text on one line, with no white space around it`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if a, problems := readAuthText(test.text); problems.Error() != test.want {
				t.Errorf("read %s = %v, %q, want %q", test.text, a, problems.Error(), test.want)
			}
		})
	}
}

func TestAuthFilePathAsID(t *testing.T) {
	for _, id := range []string{strings.Repeat("x", 252) + ".json", "a\nb.json", "\xff.json"} {
		if _, problems := Parse(id, "f", []byte(`{"type":"x"}`)); len(problems) != 1 {
			t.Errorf("Parse(%q): %v, want one problem", id, problems)
		}
	}
}

// What is sent, and whose rules apply, follows from provider and kind.
func TestProviderDefaults(t *testing.T) {
	tests := []struct{ provider, kind, dialect, headers string }{
		{"claude", "api_key", "anthropic", "x-api-key"},
		{"claude", "oauth", "claude-code", "anthropic-beta Authorization"},
		{"gemini", "api_key", "gemini", "x-goog-api-key"},
		{"gemini", "oauth", "gemini-code-assist", "Authorization"},
		{"kimi", "api_key", "moonshot", "Authorization"},
		{"kimi", "oauth", "kimi-code", "Authorization"},
		{"openrouter", "api_key", "openrouter", "Authorization"},
		{"codex", "oauth", "codex", "Authorization"},
		{"Claude-like", "oauth", "claude-like", "Authorization"},
		{"anthropic", "api_key", "anthropic", "x-api-key"},
		{"anthropic", "oauth", "claude-code", "anthropic-beta Authorization"},
		{"Google", "api_key", "gemini", "x-goog-api-key"},
		{"azure", "api_key", "azure-openai", "api-key"},
		{"azure", "oauth", "azure-openai", "Authorization"},
		{"x_ai", "api_key", "xai", "Authorization"},
	}
	for _, test := range tests {
		a, problems := readAuthText(fmt.Sprintf(`{"type":%q,"kind":%q,"access_token":"at"}`, test.provider, test.kind))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		var names []string
		for _, h := range a.Headers {
			names = append(names, h.Name)
		}
		if got := strings.Join(names, " "); got != test.headers || a.Dialect != test.dialect {
			t.Errorf("%s with %s: headers %q, dialect %q, want %q and %q", test.provider, test.kind, got, a.Dialect, test.headers, test.dialect)
		}
	}
}
