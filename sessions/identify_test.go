package sessions_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

func equal(a, b sessions.Identity) bool { return a.Source == b.Source && slices.Equal(a.IDs, b.IDs) }

// identity is that of a request which names an id.
func identity(source sessions.Source, id string) sessions.Identity {
	return sessions.Identity{IDs: []string{source.Prefix() + id}, Source: source, Bindable: 1}
}

// said is the identity of a conversation with these first texts.
func said(system, user, assistant string) sessions.Identity {
	id := sessions.Identity{IDs: []string{messageID(system, user, "")}, Source: sessions.SourceMessages}
	if assistant != "" {
		id.IDs = slices.Insert(id.IDs, 0, messageID(system, user, assistant))
	}
	return id
}

// identifyTest is a rule, a body that shows it, and maybe one header beside it.
type identifyTest struct {
	name, header, body string
	want               sessions.Identity
}

func runIdentify(t *testing.T, tests []identifyTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var h sessions.Headers
			if name, value, ok := strings.Cut(test.header, ": "); ok {
				h.Add(name, value)
			}
			if got := sessions.Identify(&h, []byte(test.body), sessions.IdentificationReference); !equal(got, test.want) {
				t.Errorf("Identify(%q, %.200q) = %q, want %q", test.header, test.body, got.IDs, test.want.IDs)
			}
		})
	}
}

const hello = `"messages":[{"role":"user","content":"hello"}]`

func TestIdentifySources(t *testing.T) {
	hex300 := strings.Repeat("0f", 150)
	runIdentify(t, []identifyTest{
		{"nothing is no session", "", ``, sessions.Identity{}},
		{"an empty object is no session", "", `{}`, sessions.Identity{}},
		{"a body that is no object is no session", "", `[{"conversation_id":"c"}]`, sessions.Identity{}},

		{"user_id ending in _session_ and digits is claude", "", `{"metadata":{"user_id":"user_1_account__session_0a-9"}}`,
			identity(sessions.SourceClaude, "0a-9")},
		{"the last _session_ counts", "", `{"metadata":{"user_id":"_session_a_session_b"}}`, identity(sessions.SourceClaude, "b")},
		{"escapes are decoded before the end is looked at", "", `{"metadata":{"user_id":"\u005fsession_\u0061"}}`,
			identity(sessions.SourceClaude, "a")},
		{"upper-case digits are no claude session", "", `{"metadata":{"user_id":"x_session_AB"}}`,
			identity(sessions.SourceUser, "x_session_AB")},
		{"_session_ needs digits", "", `{"metadata":{"user_id":"x_session_"}}`, identity(sessions.SourceUser, "x_session_")},
		{"user_id is not trimmed before its end is looked at", "", `{"metadata":{"user_id":"x_session_a "}}`,
			identity(sessions.SourceUser, "x_session_a")},
		{"a claude session over 256 bytes is absent", "", `{"metadata":{"user_id":"_session_` + hex300 + `"}}`, sessions.Identity{}},
		{"a long user_id may end in a claude session", "", `{"metadata":{"user_id":"` + strings.Repeat("x", 1000) + `_session_a"}}`,
			identity(sessions.SourceClaude, "a")},
		{"user_id of JSON names a claude session", "", `{"metadata":{"user_id":"{\"session_id\":\"s\"}"}}`,
			identity(sessions.SourceClaude, "s")},
		{"user_id as an object is JSON as well", "", `{"metadata":{"user_id":{"a":1,"session_id":7}}}`, identity(sessions.SourceClaude, "7")},
		{"JSON must begin the user_id", "", `{"metadata":{"user_id":" {\"session_id\":\"s\"}"}}`,
			identity(sessions.SourceUser, `{"session_id":"s"}`)},
		{"an invalid claude session leaves the user", "", `{"metadata":{"user_id":"{\"session_id\":\" \"}"}}`,
			identity(sessions.SourceUser, `{"session_id":" "}`)},
		{"claude goes before headers", "X-Session-ID: h", `{"metadata":{"user_id":"_session_a"}}`, identity(sessions.SourceClaude, "a")},

		{"a header goes before the user", "X-Session-ID: h", `{"metadata":{"user_id":"u"},` + hello + `}`,
			identity(sessions.SourceHeader, "h")},
		{"a header needs no body", "Session_id: c", ``, identity(sessions.SourceCodex, "c")},
		{"a header over 256 bytes is absent", "X-Session-ID: " + strings.Repeat("h", 257), `{"session_id":"s"}`,
			identity(sessions.SourceSession, "s")},
		{"X-Client-Request-Id is not used", "X-Client-Request-Id: r", `{}`, sessions.Identity{}},

		{"the user goes before the conversation", "", `{"conversation_id":"c","metadata":{"user_id":"u"}}`, identity(sessions.SourceUser, "u")},
		{"the conversation goes before the session", "", `{"session_id":"s","conversation_id":"c"}`,
			identity(sessions.SourceConversation, "c")},
		{"conversation_id goes before conversation", "", `{"conversation":"b","conversation_id":"a"}`,
			identity(sessions.SourceConversation, "a")},
		{"conversation.id", "", `{"conversation":{"id":"c"}}`, identity(sessions.SourceConversation, "c")},
		{"conversation as a string", "", `{"conversation":"c"}`, identity(sessions.SourceConversation, "c")},
		{"conversation as a number is none", "", `{"conversation":5}`, sessions.Identity{}},
		{"session_id goes before sessionId", "", `{"sessionId":"b","session_id":"a"}`, identity(sessions.SourceSession, "a")},
		{"an invalid session_id leaves sessionId", "", `{"sessionId":"b","session_id":"\n"}`, identity(sessions.SourceSession, "b")},
		{"the session goes before the prompt cache key", "", `{"prompt_cache_key":"k","sessionId":"s"}`, identity(sessions.SourceSession, "s")},
		{"the prompt cache key goes before the messages", "", `{"prompt_cache_key":"k",` + hello + `}`,
			identity(sessions.SourcePromptCacheKey, "k")},
		{"names are case-sensitive", "", `{"Conversation_Id":"c"}`, sessions.Identity{}},
		{"names are compared after decoding", "", `{"conversation\u005fid":"c"}`, identity(sessions.SourceConversation, "c")},
		{"a name with a dot is no path", "", `{"metadata.user_id":"u","conversation.id":"c"}`, sessions.Identity{}},
		{"only the top level counts", "", `{"x":{"conversation_id":"c"}}`, sessions.Identity{}},
		{"of members of one name the first counts", "", `{"conversation_id":"a","conversation_id":"b"}`,
			identity(sessions.SourceConversation, "a")},
	})
}

func TestIdentifyIDs(t *testing.T) {
	long := strings.Repeat("é", 128)
	runIdentify(t, []identifyTest{
		{"white space around is cut", "", `{"session_id":"\u3000 a b\u00a0"}`, identity(sessions.SourceSession, "a b")},
		{"blank is absent", "", `{"session_id":" \u2003 "}`, sessions.Identity{}},
		{"a control character makes it absent", "", `{"session_id":"a\u0000"}`, sessions.Identity{}},
		{"a control character as white space too", "", `{"session_id":"a\t"}`, sessions.Identity{}},
		{"so does a control character beyond ASCII", "", `{"session_id":"\u0085a"}`, sessions.Identity{}},
		{"256 bytes are valid", "", `{"session_id":" ` + long + ` "}`, identity(sessions.SourceSession, long)},
		{"257 bytes are not", "", `{"session_id":"` + long + `x"}`, sessions.Identity{}},
		{"256 bytes with escapes are valid", "", `{"session_id":"\u0020` + long + `\u0020"}`, identity(sessions.SourceSession, long)},
		{"257 bytes with escapes are not", "", `{"session_id":"` + long + `\u0078"}`, sessions.Identity{}},
		{"255 bytes and half a character are not", "", `{"session_id":"x` + long[:254] + `\u00e9"}`, sessions.Identity{}},
		{"a lone half of a pair is U+FFFD", "", `{"session_id":"\ud83d"}`, identity(sessions.SourceSession, "\ufffd")},
		{"invalid UTF-8 stays as it is", "", "{\"session_id\":\"\xff\"}", identity(sessions.SourceSession, "\xff")},

		{"null is absent", "", `{"session_id":null}`, sessions.Identity{}},
		{"true is a word", "", `{"session_id":true}`, identity(sessions.SourceSession, "true")},
		{"digits are as written", "", `{"session_id":-00123456789012345678901234567890}`,
			identity(sessions.SourceSession, "-00123456789012345678901234567890")},
		{"an exponent is written out", "", `{"session_id":1e3}`, identity(sessions.SourceSession, "1000")},
		{"a fraction is the shortest", "", `{"session_id":1.50}`, identity(sessions.SourceSession, "1.5")},
		{"minus zero", "", `{"session_id":-0.0}`, identity(sessions.SourceSession, "-0")},
		{"overflow", "", `{"session_id":1e999}`, identity(sessions.SourceSession, "+Inf")},
		{"overflow below", "", `{"session_id":-1e999}`, identity(sessions.SourceSession, "-Inf")},
		{"a number of 309 digits is too long", "", `{"session_id":1e308}`, sessions.Identity{}},
		{"an object is its source", "", `{"session_id":{ "a" : [1] }}`, identity(sessions.SourceSession, `{ "a" : [1] }`)},
	})
}

func TestIdentifyMessages(t *testing.T) {
	hundred := strings.Repeat("x", 100)
	runIdentify(t, []identifyTest{
		{"a user's text", "", `{` + hello + `}`, said("", "hello", "")},
		{"three texts and the fallback without the answer", "", `{"messages":[{"role":"system","content":"s"},` +
			`{"role":"user","content":"u"},{"role":"assistant","content":"a"}]}`, said("s", "u", "a")},
		{"the first text of a role counts", "", `{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`,
			said("", "a", "")},
		{"an answer alone is no session", "", `{"messages":[{"role":"assistant","content":"a"}]}`, sessions.Identity{}},
		{"empty texts are passed over", "", `{"messages":[{"role":"user","content":""},{"role":"user","content":"b"}]}`,
			said("", "b", "")},
		{"other roles are nothing", "", `{"messages":[{"role":"tool","content":"a"},{"role":"User","content":"b"}]}`, sessions.Identity{}},
		{"members in any order, names and roles with escapes", "",
			`{"messages":[{"\u0063ontent":"hello","x":[{}],"role":"us\u0065r"}]}`, said("", "hello", "")},
		{"text parts are joined by a space", "", `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},` +
			`{"type":"image","text":"b"},{"type":"text","text":""},{"text":"c","type":"text"},"d",[{"type":"text","text":"e"}]]}]}`,
			said("", "a c", "")},
		{"no space after the last text", "", `{"messages":[{"role":"user","content":[{"type":"text","text":"` + hundred[:99] +
			`"},{"type":"text","text":""}]}]}`, said("", hundred[:99], "")},
		{"the text of a part may be a number", "", `{"messages":[{"role":"user","content":[{"type":"text","text":1e2}]}]}`,
			said("", "100", "")},
		{"content that is neither string nor list is empty", "", `{"messages":[{"role":"user","content":{"type":"text","text":"a"}}]}`,
			sessions.Identity{}},
		{"messages must be a list", "", `{"messages":{"a":{"role":"user","content":"b"}}}`, sessions.Identity{}},
		{"100 bytes count", "", `{"messages":[{"role":"user","content":"` + hundred + `more"}]}`, said("", hundred, "")},
		{"a character may be cut in two", "", `{"messages":[{"role":"user","content":"` + hundred[:99] + `é"}]}`,
			said("", hundred[:99]+"é"[:1], "")},
		{"an escaped character as well", "", `{"messages":[{"role":"user","content":"` + hundred[:98] + `\ud83d\ude00"}]}`,
			said("", hundred[:98]+"😀"[:2], "")},

		{"system beside messages, a string", "", `{` + hello + `,"system":"s"}`, said("s", "hello", "")},
		{"system beside messages, the first part with a text", "", `{"system":[{"text":""},{"type":"x","text":"s"},{"text":"t"}],` +
			hello + `}`, said("s", "hello", "")},
		{"a system message goes before system", "", `{"system":"t","messages":[{"role":"user","content":"u"},` +
			`{"role":"user","content":"v"},{"role":"system","content":"s"}]}`, said("s", "u", "")},
		{"system as an object is nothing", "", `{"system":{"text":"s"}}`, sessions.Identity{}},

		{"gemini", "", `{"contents":[{"role":"user","parts":[{"inlineData":{}},{"text":"u"},{"text":"v"}]},` +
			`{"role":"model","parts":[{"text":"a"}]}],"systemInstruction":{"parts":[{"text":"s"}]}}`, said("s", "u", "a")},
		{"gemini's parts may be an object", "", `{"contents":[{"role":"user","parts":{"x":1,"y":{"text":"u"}}}]}`, said("", "u", "")},
		{"contents do not count beside messages", "", `{"contents":[{"role":"user","parts":[{"text":"u"}]}],` + hello + `}`,
			said("", "hello", "")},
		{"an answer of messages stays", "", `{"messages":[{"role":"assistant","content":"a"}],"contents":[{"role":"model",` +
			`"parts":[{"text":"b"}]},{"role":"user","parts":[{"text":"u"}]}]}`, said("", "u", "a")},

		{"responses", "", `{"instructions":"s","input":[{"role":"user","content":"u"},{"type":"message","role":"assistant",` +
			`"content":[{"type":"output_text","text":"a"},{"type":"refusal","text":"b"},{"type":"input_text","text":"c"},` +
			`{"type":"text","text":"d"}]}]}`, said("s", "u", "a c d")},
		{"instructions may be an object", "", `{"instructions":{"a":1}}`, said(`{"a":1}`, "", "")},
		{"instructions go before a developer", "", `{"instructions":"s","input":[{"role":"developer","content":"d"}]}`, said("s", "", "")},
		{"a developer is the system", "", `{"input":[{"role":"developer","content":"d"},{"role":"system","content":"s"}]}`,
			said("d", "", "")},
		{"items of other types are passed over", "", `{"input":[{"type":"reasoning","role":"user","content":"r"},` +
			`{"type":"","role":"user","content":"u"}]}`, said("", "u", "")},
		{"a developer after user and assistant is not read", "", `{"input":[{"role":"user","content":"u"},` +
			`{"role":"assistant","content":"a"},{"role":"developer","content":"d"}]}`, said("", "u", "a")},
		{"a developer between them is", "", `{"input":[{"role":"user","content":"u"},{"role":"developer","content":"d"},` +
			`{"role":"assistant","content":"a"}]}`, said("d", "u", "a")},
		{"but not if messages gave the assistant", "", `{"messages":[{"role":"assistant","content":"b"}],"input":[` +
			`{"role":"user","content":"u"},{"role":"developer","content":"d"},{"role":"assistant","content":"a"}]}`, said("", "u", "b")},
		{"input as a string is nothing", "", `{"input":"hello"}`, sessions.Identity{}},

		{"the hash separates sides by marks", "", `{"messages":[{"role":"system","content":"a\nusr:b"}]}`, said("a", "b", "")},
		{"a cut body is read as far as it goes", "", `{` + hello[:len(hello)-2] + `,{"role":"assi`, said("", "hello", "")},
	})
}

func TestMessageIDIsFNV1a(t *testing.T) {
	// The hash of this text by the published parameters.
	got := sessions.Identify(nil, []byte(`{"messages":[{"role":"user","content":"a"}]}`), sessions.IdentificationReference)
	if want := "msg:9dc2951ce2d07d2e"; len(got.IDs) != 1 || got.IDs[0] != want || messageID("", "a", "") != want {
		t.Errorf("Identify = %q, messageID = %q, want %q", got.IDs, messageID("", "a", ""), want)
	}
}

func TestIdentifyNeedsNoHeaders(t *testing.T) {
	if got, want := sessions.Identify(nil, []byte(`{"session_id":"s"}`), sessions.IdentificationReference), identity(sessions.SourceSession, "s"); !equal(got, want) {
		t.Errorf("Identify(nil, ...) = %v, want %v", got, want)
	}
}

func TestIdentifyKeepsNothingOfTheBody(t *testing.T) {
	body := []byte(`{"session_id":"abc"}`)
	id := sessions.Identify(nil, body, sessions.IdentificationReference)
	clear(body)
	if want := identity(sessions.SourceSession, "abc"); !equal(id, want) {
		t.Errorf("Identity after the body is gone = %q, want %q", id.IDs, want.IDs)
	}
}

func TestIdentifyAllocationsDoNotGrow(t *testing.T) {
	for _, format := range formats {
		small, large := format.body(1<<10), format.body(1<<20)
		few := testing.AllocsPerRun(10, func() { sessions.Identify(nil, small, sessions.IdentificationReference) })
		many := testing.AllocsPerRun(10, func() { sessions.Identify(nil, large, sessions.IdentificationReference) })
		if many > few || few > 4 {
			t.Errorf("%s: %v allocations at 1 KB, %v at 1 MB", format.name, few, many)
		}
	}
}

func TestCaller(t *testing.T) {
	for _, test := range []struct{ name, id, want string }{
		{"as given", "run-1", "caller:run-1"},
		{"trimmed", " run 1\u3000", "caller:run 1"},
		{"256 bytes", strings.Repeat("x", 256), "caller:" + strings.Repeat("x", 256)},
		{"empty", "", ""},
		{"blank", " ", ""},
		{"257 bytes", strings.Repeat("x", 257), ""},
		{"1 MB", strings.Repeat("x", 1<<20), ""},
		{"control character", "a\x7f", ""},
		{"control character at the end", "a\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := sessions.Caller(test.id)
			if test.want != "" {
				if want := identity(sessions.SourceCaller, test.want[len("caller:"):]); err != nil || !equal(got, want) {
					t.Errorf("Caller(%.40q) = %v, %v, want %v", test.id, got, err, want)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "must have 1 to 256 bytes") || !equal(got, sessions.Identity{}) {
				t.Errorf("Caller(%.40q) = %v, %v, want an error", test.id, got, err)
			}
		})
	}
}
