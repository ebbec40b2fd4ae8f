package sessions_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/credbroker/credbroker/sessions"
)

// FuzzIdentify feeds headers, as lines of `name: value`, and a body.
func FuzzIdentify(f *testing.F) {
	f.Add("X-Session-ID: a\nsession-id: b", []byte(`{"metadata":{"user_id":"u_session_0a"}}`))
	f.Add("", []byte(`{"metadata":{"user_id":"{\"session_id\":\"s\"}"},"conversation":{"id":1.50}}`))
	f.Add("", []byte(`{"system":[{"text":"s"}],"messages":[{"content":[{"type":"text","text":"\u00e9"}],"role":"user"}]}`))
	f.Add("", []byte(`{"contents":[{"role":"user","parts":{"a":{"text":"u"}}}],"systemInstruction":{"parts":[{"text":"s"}]}}`))
	f.Add("", []byte(`{"instructions":1e3,"input":[{"role":"developer","content":"d"},{"type":"message","role":"user","content":"u"}]}`))
	f.Add("", []byte(`{"messages":[{"role":"user","content":"hi`))
	f.Add("x-parent-session-id: p\nthread-id: t", []byte(`{"request":{"contents":[{"parts":[{"functionCall":{"name":"f","args":{"a":[1,{}]}}}],"role":"model"}]}}`))
	f.Add("x-codex-turn-metadata: {\"parent_thread_id\":\"p\"}", []byte(`{"input":[{"type":"item_reference","id":"a"},{"type":"function_call","arguments":"{\"a\":1}"},{"type":"x","y":[]}]}`))
	f.Add("", []byte(`{"messages":[{"content":[{"type":"tool_use","input":{"a":"\u0041"}},"b"],"role":"assistant","tool_calls":[{"function":{"name":"n","arguments":"{"}}]}]}`))
	f.Add("", []byte(`{"messages":[{"role":"user","content":["\u003csystem-reminder>x</system-reminder> ","a"]}],"thread":{"previous_message_id":"m"}}`))
	f.Add("", []byte(`{"input":[{"type":"reasoning","encrypted_content":"x"},{"role":"user","content":"<system-reminder>"}],"id":"resp_1"}`))
	f.Fuzz(func(t *testing.T, headers string, body []byte) {
		var lines []line
		for text := range strings.Lines(headers) {
			name, value, _ := strings.Cut(strings.TrimSuffix(text, "\n"), ": ")
			lines = append(lines, line{name, value})
		}
		got := sessions.Identify(headersOf(lines), body, sessions.IdentificationReference)
		checkIdentity(t, got)
		checkChained(t, sessions.Identify(headersOf(lines), body, sessions.IdentificationChain))
		if digest := sessions.AnswerDigest(body); digest != "" && !sessions.ValidDigest(digest) {
			t.Errorf("AnswerDigest(%q) = %q", body, digest)
		}
		sessions.Refer(sessions.Identity{}, body)
		slices.SortStableFunc(lines, func(a, b line) int { return strings.Compare(a.name, b.name) })
		if again := sessions.Identify(headersOf(lines), slices.Clone(body), sessions.IdentificationReference); !equal(got, again) {
			t.Errorf("Identify = %q, with sorted headers %q", got.IDs, again.IDs)
		}
		if sameAsSlow(body) {
			if want := slowIdentify(sessions.Identify(headersOf(lines), nil, sessions.IdentificationReference), string(body)); !equal(got, want) {
				t.Errorf("Identify(%q, %q) = %q, the rules give %q", headers, body, got.IDs, want.IDs)
			}
		}
	})
}

var messageIDPattern = regexp.MustCompile(`^msg:[0-9a-f]{16}$`)

// checkIdentity holds what is true of every identity.
func checkIdentity(t *testing.T, id sessions.Identity) {
	t.Helper()
	if (id.Source == sessions.SourceNone) != (len(id.IDs) == 0) || len(id.IDs) > 2 || len(id.IDs) == 2 && id.Source != sessions.SourceMessages {
		t.Errorf("%d ids of source %v", len(id.IDs), id.Source)
	}
	for _, text := range id.IDs {
		rest, ok := strings.CutPrefix(text, id.Source.Prefix())
		switch {
		case !ok || id.Source.Prefix() == "":
			t.Errorf("id %q of source %v", text, id.Source)
		case id.Source == sessions.SourceMessages && !messageIDPattern.MatchString(text):
			t.Errorf("id %q is no hash", text)
		case len(rest) < 1 || len(rest) > 256 || rest != strings.TrimSpace(rest):
			t.Errorf("id %q has %d bytes", text, len(rest))
		case strings.ContainsFunc(rest, unicode.IsControl):
			t.Errorf("id %q has control characters", text)
		}
		if shown := sessions.Display(text); len([]rune(shown)) > 64 {
			t.Errorf("Display(%q) = %q", text, shown)
		}
	}
}

var chainIDPattern = regexp.MustCompile(`^chain:[0-9a-f]{16}$`)

// checkChained holds what is true of every identity by chain.
func checkChained(t *testing.T, id sessions.Identity) {
	t.Helper()
	if (id.Source == sessions.SourceNone) != (len(id.IDs) == 0) || id.Bindable > len(id.IDs) || len(id.IDs) > 0 && id.Bindable == 0 || len(id.IDs) > 16 {
		t.Errorf("%d ids of source %v, %d to keep", len(id.IDs), id.Source, id.Bindable)
	}
	if id.Source == sessions.SourceUser || id.Source == sessions.SourceMessages || id.Source != sessions.SourceChain && (len(id.IDs) > 1 || id.FirstTurn || id.State != "") {
		t.Errorf("identity %+v of source %v", id, id.Source)
	}
	for i, text := range id.IDs {
		if !strings.HasPrefix(text, id.Source.Prefix()) || id.Source == sessions.SourceChain && !chainIDPattern.MatchString(text) {
			t.Errorf("id %q of source %v", text, id.Source)
		}
		if slices.Contains(id.IDs[:i], text) {
			t.Errorf("id %q twice", text)
		}
	}
	if (id.Parent == "") != (id.Role != sessions.RoleAgent) {
		t.Errorf("side %d of parent %q", id.Role, id.Parent)
	}
}

// halfPair finds escapes that may be half a surrogate pair, of which gjson has had two readings.
var halfPair = regexp.MustCompile(`(?i)u\s*d[89a-f]`)

// sameAsSlow reports whether slowIdentify must give the same for a body: it is JSON, and nothing in it is read in two ways.
func sameAsSlow(body []byte) bool {
	return gjson.ValidBytes(body) && !halfPair.Match(body)
}
