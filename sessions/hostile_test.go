package sessions

import (
	"strings"
	"testing"
)

// shape is a body that is meant to cost time, memory or the process.
type shape struct {
	name string
	body []byte
	want Identity
}

// hostileShapes are bodies of about the given size.
func hostileShapes(size int) []shape {
	fill := func(head, repeated, foot string) []byte {
		return []byte(head + strings.Repeat(repeated, max(1, size/len(repeated))) + foot)
	}
	id := identity
	hi := Identity{IDs: []string{messageID("", "hi", "")}, Source: SourceMessages}
	escapedA := Identity{IDs: []string{messageID("", strings.Repeat("a", 100), "")}, Source: SourceMessages}
	return []shape{
		{"empty-messages", fill(`{"messages":[`, `{"role":"user","content":""},`, `{"role":"user","content":"hi"}]}`), hi},
		{"parts-of-other-types", fill(`{"messages":[{"role":"user","content":[`, `{"type":"image","text":"x"},`,
			`{"type":"text","text":"hi"}]}]}`), hi},
		{"empty-parts", fill(`{"contents":[{"role":"user","parts":[`, `{"text":""},`, `{"text":"hi"}]}]}`), hi},
		{"items-of-other-types", fill(`{"input":[`, `{"type":"reasoning","role":"user"},`, `{"role":"user","content":"hi"}]}`), hi},
		{"content-before-role", fill(`{"messages":[`, `{"content":[{"text":"x","type":"text"}],"role":"tool"},`,
			`{"content":"hi","role":"user"}]}`), hi},
		{"escapes-in-text", fill(`{"messages":[{"role":"user","content":"`, `\u0061`, `"}]}`), escapedA},
		{"escaped-quotes", fill(`{"x":["`, `\"`, `"],"conversation_id":"c"}`), id(SourceConversation, "c")},
		{"backslashes", fill(`{"x":["`, `\\`, `"],"conversation_id":"c"}`), id(SourceConversation, "c")},
		{"members", fill(`{`, `"a":1,`, `"conversation_id":"c"}`), id(SourceConversation, "c")},
		{"escaped-names", fill(`{`, `"\u0061":"\u0061",`, `"conversation_id":"c"}`), id(SourceConversation, "c")},
		{"one-long-name", fill(`{"`, `\u0061`, `":1,"conversation_id":"c"}`), id(SourceConversation, "c")},
		{"deep-lists", fill(`{"messages":`, `[`, ``), Identity{}},
		{"deep-objects", fill(``, `{"messages":`, ``), Identity{}},
		{"deep-and-closed", append(append(fill(`{"x":`, `[[`, `1`), fill(``, `]]`, ``)...), `,"conversation_id":"c"}`...),
			id(SourceConversation, "c")},
		{"user-id-json", fill(`{"metadata":{"user_id":"{\"a\":\"`, `x\\\"`, `\",\"session_id\":\"s\"}"}}`), id(SourceClaude, "s")},
		{"user-id-escapes", fill(`{"metadata":{"user_id":"`, `\u0061`, `_session_\u0061b"}}`), id(SourceClaude, "ab")},
		{"user-id-too-long", fill(`{"metadata":{"user_id":"`, `\u0061`, `"}}`), Identity{}},
		{"id-behind-white-space", fill(`{"conversation_id":"`, `\u3000`, `c"}`), id(SourceConversation, "c")},
		{"id-too-long", fill(`{"conversation_id":"`, `x`, `"}`), Identity{}},
		{"id-of-digits", fill(`{"conversation_id":1`, `0`, `}`), Identity{}},
		{"id-of-fraction", fill(`{"conversation_id":1.`, `0`, `1}`), id(SourceConversation, "1")},
		{"cut", fill(`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"`, `x`, ``), hi},
		{"nothing-of-json", fill(``, `x`, ``), Identity{}},
		{"zeros", make([]byte, size), Identity{}},
		{"openers", fill(``, `{`, ``), Identity{}},
		{"quotes", fill(`{`, `"`, ``), Identity{}},
	}
}

func TestIdentifyHostileBodies(t *testing.T) {
	for _, shape := range hostileShapes(1 << 20) {
		t.Run(shape.name, func(t *testing.T) {
			if got := Identify(nil, shape.body, IdentificationReference); !equal(got, shape.want) {
				t.Errorf("Identify(%.60q...) = %v, want %v", shape.body, got, shape.want)
			}
			checkChained(t, Identify(nil, shape.body, IdentificationChain))
			AnswerDigest(shape.body)
		})
	}
}
