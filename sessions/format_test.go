package sessions_test

import (
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

func TestFormatOfABody(t *testing.T) {
	const messages = `"messages":[{"role":"user","content":"hi"}]`
	for _, tt := range []struct {
		name   string
		header string
		body   string
		want   sessions.Format
	}{
		{"messages alone may be of two", "", `{` + messages + `}`, sessions.FormatUnknown},
		{"system beside the messages", "", `{"model":"m",` + messages + `,"system":"s"}`, sessions.FormatAnthropic},
		{"a list of system texts", "", `{"system":[{"type":"text","text":"s"}],` + messages + `}`, sessions.FormatAnthropic},
		{"Anthropic's version in a header", "Anthropic-Version", `{` + messages + `}`, sessions.FormatAnthropic},
		{"the version says nothing of contents", "anthropic-version", `{"contents":[]}`, sessions.FormatGemini},
		{"a session of Claude Code", "", `{` + messages + `,"metadata":{"user_id":"user_a_account__session_0f"}}`, sessions.FormatAnthropic},
		{"contents", "", `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`, sessions.FormatGemini},
		{"wrapped contents", "", `{"model":"m","request":{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}}`, sessions.FormatGemini},
		{"a system message is no member", "", `{"messages":[{"role":"system","content":"s"}]}`, sessions.FormatUnknown},
		{"input", "", `{"input":"hi"}`, sessions.FormatUnknown},
		{"no JSON", "", `hi`, sessions.FormatUnknown},
	} {
		var h sessions.Headers
		if tt.header != "" {
			h.Add(tt.header, "2023-06-01")
		}
		if got := sessions.Identify(&h, []byte(tt.body), sessions.IdentificationChain).Format; got != tt.want {
			t.Errorf("%s: format of %s = %d, want %d", tt.name, tt.body, got, tt.want)
		}
	}
}

// A session that a header names does not hide the format.
func TestFormatBesideASession(t *testing.T) {
	var h sessions.Headers
	h.Add("X-Session-ID", "s")
	for _, by := range []sessions.Identification{sessions.IdentificationChain, sessions.IdentificationReference} {
		id := sessions.Identify(&h, []byte(`{"metadata":{"user_id":"u_session_0f"},"system":"s","messages":[]}`), by)
		if id.Format != sessions.FormatAnthropic {
			t.Errorf("identification %d: format = %d, want Anthropic's", by, id.Format)
		}
	}
}
