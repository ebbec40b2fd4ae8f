package sessions_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// shape is a body that is meant to cost time, memory or the process.
type shape struct {
	name string
	body []byte
	want sessions.Identity
}

// hostileShapes are bodies of about the given size.
func hostileShapes(size int) []shape {
	fill := func(head, repeated, foot string) []byte {
		return []byte(head + strings.Repeat(repeated, max(1, size/len(repeated))) + foot)
	}
	id := identity
	hi := sessions.Identity{IDs: []string{messageID("", "hi", "")}, Source: sessions.SourceMessages}
	escapedA := sessions.Identity{IDs: []string{messageID("", strings.Repeat("a", 100), "")}, Source: sessions.SourceMessages}
	return []shape{
		{"empty-messages", fill(`{"messages":[`, `{"role":"user","content":""},`, `{"role":"user","content":"hi"}]}`), hi},
		{"parts-of-other-types", fill(`{"messages":[{"role":"user","content":[`, `{"type":"image","text":"x"},`,
			`{"type":"text","text":"hi"}]}]}`), hi},
		{"empty-parts", fill(`{"contents":[{"role":"user","parts":[`, `{"text":""},`, `{"text":"hi"}]}]}`), hi},
		{"items-of-other-types", fill(`{"input":[`, `{"type":"reasoning","role":"user"},`, `{"role":"user","content":"hi"}]}`), hi},
		{"content-before-role", fill(`{"messages":[`, `{"content":[{"text":"x","type":"text"}],"role":"tool"},`,
			`{"content":"hi","role":"user"}]}`), hi},
		{"escapes-in-text", fill(`{"messages":[{"role":"user","content":"`, `\u0061`, `"}]}`), escapedA},
		{"escaped-quotes", fill(`{"x":["`, `\"`, `"],"conversation_id":"c"}`), id(sessions.SourceConversation, "c")},
		{"backslashes", fill(`{"x":["`, `\\`, `"],"conversation_id":"c"}`), id(sessions.SourceConversation, "c")},
		{"members", fill(`{`, `"a":1,`, `"conversation_id":"c"}`), id(sessions.SourceConversation, "c")},
		{"escaped-names", fill(`{`, `"\u0061":"\u0061",`, `"conversation_id":"c"}`), id(sessions.SourceConversation, "c")},
		{"one-long-name", fill(`{"`, `\u0061`, `":1,"conversation_id":"c"}`), id(sessions.SourceConversation, "c")},
		{"deep-lists", fill(`{"messages":`, `[`, ``), sessions.Identity{}},
		{"deep-objects", fill(``, `{"messages":`, ``), sessions.Identity{}},
		{"deep-and-closed", append(append(fill(`{"x":`, `[[`, `1`), fill(``, `]]`, ``)...), `,"conversation_id":"c"}`...),
			id(sessions.SourceConversation, "c")},
		{"user-id-json", fill(`{"metadata":{"user_id":"{\"a\":\"`, `x\\\"`, `\",\"session_id\":\"s\"}"}}`), id(sessions.SourceClaude, "s")},
		{"user-id-escapes", fill(`{"metadata":{"user_id":"`, `\u0061`, `_session_\u0061b"}}`), id(sessions.SourceClaude, "ab")},
		{"user-id-too-long", fill(`{"metadata":{"user_id":"`, `\u0061`, `"}}`), sessions.Identity{}},
		{"id-behind-white-space", fill(`{"conversation_id":"`, `\u3000`, `c"}`), id(sessions.SourceConversation, "c")},
		{"id-too-long", fill(`{"conversation_id":"`, `x`, `"}`), sessions.Identity{}},
		{"id-of-digits", fill(`{"conversation_id":1`, `0`, `}`), sessions.Identity{}},
		{"id-of-fraction", fill(`{"conversation_id":1.`, `0`, `1}`), id(sessions.SourceConversation, "1")},
		{"cut", fill(`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"`, `x`, ``), hi},
		{"nothing-of-json", fill(``, `x`, ``), sessions.Identity{}},
		{"zeros", make([]byte, size), sessions.Identity{}},
		{"openers", fill(``, `{`, ``), sessions.Identity{}},
		{"quotes", fill(`{`, `"`, ``), sessions.Identity{}},
	}
}

func TestIdentifyHostileBodies(t *testing.T) {
	for _, shape := range hostileShapes(1 << 20) {
		t.Run(shape.name, func(t *testing.T) {
			if got := sessions.Identify(nil, shape.body, sessions.IdentificationReference); !equal(got, shape.want) {
				t.Errorf("Identify(%.60q...) = %v, want %v", shape.body, got, shape.want)
			}
			checkChained(t, sessions.Identify(nil, shape.body, sessions.IdentificationChain))
			sessions.AnswerDigest(shape.body)
		})
	}
}
