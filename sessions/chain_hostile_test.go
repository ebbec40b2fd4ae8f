package sessions_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// hostileChains are bodies of about the given size whose messages are made to cost a chain as much as they can.
func hostileChains(size int) []shape {
	fill := func(name, head, repeated, foot string) shape {
		return shape{name: "chain-" + name, body: []byte(head + strings.Repeat(repeated, max(1, size/len(repeated))) + foot)}
	}
	const calls, foot = `{"input":[{"type":"function_call","name":"f","arguments":`, `}]}`
	return []shape{
		fill("deep-arguments", `{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":`, `{"a":`, `1}]}]}`),
		fill("deep-lists", `{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":`, `[`, `]}]}`),
		fill("members", `{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":{`, `"a":1,`, `"b":2}}]}]}`),
		fill("numbers", `{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":[`, `1e999,`, `1]}]}]}`),
		fill("digits", `{"messages":[{"role":"assistant","content":[{"type":"tool_use","input":[`, `7`, `]}]}]}`),
		fill("escaped-arguments", calls+`"{\"a\":\"`, `\\n`, `\"}"`+foot),
		fill("broken-arguments", calls+`"`, `{`, `"`+foot),
		fill("white-space-before", `{"input":"`, `\u0020`, `x"}`),
		fill("white-space-behind", `{"input":"x`, `\u000a`, `"}`),
		fill("backslashes-behind", `{"input":"x`, `\\`, `\n"}`),
		fill("turns", `{"input":[`, `{"role":"user","content":"a"},{"role":"assistant","content":"b"},`, `{}]}`),
		fill("references", `{"input":[`, `{"type":"item_reference","id":"a"},`, `{}]}`),
		fill("unknown-items", `{"input":[`, `{"type":"x"},`, `{}]}`),
		fill("parts", `{"messages":[{"role":"user","content":[`, `"a",`, `"b"]}]}`),
		fill("results", `{"messages":[{"role":"tool","content":[`, `{"text":"a"},1,`, `"b"]}]}`),
		fill("content-before-role", `{"messages":[{"content":[`, `{"text":"a","type":"text"},`, `"b"],"role":"user"}]}`),
		fill("wraps", ``, `{"request":`, `{}`),
		fill("odd-escapes", `{"input":"`, `\u00e9`, `"}`),
		fill("reminders", `{"messages":[{"role":"user","content":[`, `"<system-reminder>",`, `"b"]}]}`),
		fill("escaped-reminders", `{"messages":[{"role":"user","content":[`, `"\u003csystem-reminder>\u003c/system-reminder>",`, `"b"]}]}`),
		fill("long-reminder", `{"input":"\u003csystem-reminder>`, `</system-reminder`, `"}`),
		fill("thoughts", `{"messages":[{"role":"assistant","content":"<think>`, `\n<\u003c/think`, `"}]}`),
		fill("contents", `{"input":[`, `"_content",`, `"b"]}`),
		fill("encrypted-names", `{"input":[{`, `"encrypted_content":"",`, `"b":1}]}`),
		fill("answers", `{"output":[`, `{"id":"a","type":"x"},`, `{}]}`),
		fill("nested-answers", ``, `{"message":`, `{}`),
	}
}

func TestChainHostileBodies(t *testing.T) {
	for _, shape := range hostileChains(256 << 10) {
		t.Run(shape.name, func(t *testing.T) {
			checkChained(t, sessions.Identify(nil, shape.body, sessions.IdentificationChain))
			if digest := sessions.AnswerDigest(shape.body); digest != "" && !sessions.ValidDigest(digest) {
				t.Errorf("AnswerDigest = %q", digest)
			}
			sessions.Refer(sessions.Identity{}, shape.body)
		})
	}
}

func TestChainAllocationsDoNotGrow(t *testing.T) {
	for _, format := range formats {
		small, large := format.body(1<<10), format.body(1<<20)
		few := testing.AllocsPerRun(10, func() { sessions.Identify(nil, small, sessions.IdentificationChain) })
		many := testing.AllocsPerRun(10, func() { sessions.Identify(nil, large, sessions.IdentificationChain) })
		if many > 8 || few > 8 {
			t.Errorf("%s: %v allocations at 1 KB, %v at 1 MB", format.name, few, many)
		}
	}
}
