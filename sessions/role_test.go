package sessions_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// Agents are conversations of their own, and know whom they work for.
func TestRoles(t *testing.T) {
	const chat = `{"messages":[{"role":"user","content":"a"}],"max_tokens":100}`
	for _, test := range []struct {
		name, headers, body string
		id, parent          string
		side                sessions.Role
	}{
		{"a conversation", "X-Session-ID: s", chat, "header:s", "", sessions.RoleTurn},
		{"a parent session", "X-Session-ID: s\nX-Parent-Session-Id: p", chat, "header:s", "header:p", sessions.RoleAgent},
		{"a parent session of another header", "X-Session-Affinity: s\nx-parent-session-id: p", chat, "affinity:s", "affinity:p", sessions.RoleAgent},
		{"a parent of a conversation without an id", "x-parent-session-id: p", chat, "chain:", "header:p", sessions.RoleAgent},
		{"its own parent", "X-Session-ID: s\nX-Parent-Session-Id: s", chat, "header:s", "", sessions.RoleTurn},
		{"a thread that another started", "session-id: s\nthread-id: t\nx-codex-parent-thread-id: p", chat, "codex:t", "codex:p", sessions.RoleAgent},
		{"a thread as the metadata have it", `session-id: s` + "\nthread-id: t\n" + `x-codex-turn-metadata: {"request_kind":"turn","parent_thread_id":"p"}`,
			chat, "codex:t", "codex:p", sessions.RoleAgent},
		{"a thread as the body has it", "", `{"type":"response.create","input":"a","prompt_cache_key":"s","client_metadata":{"thread_id":"t","x-codex-parent-thread-id":"s"}}`,
			"pck:t", "pck:s", sessions.RoleAgent},
		{"a thread of its own", "session-id: s\nthread-id: t", chat, "codex:s", "", sessions.RoleTurn},
		{"an agent of Claude Code", "X-Claude-Code-Session-Id: s\nX-Claude-Code-Agent-Id: a", chat, "claude:s/a", "claude:s", sessions.RoleAgent},
		{"an agent of a session that the body names", "X-Claude-Code-Agent-Id: a", `{"metadata":{"user_id":"u_session_0a"}}`, "claude:0a/a", "claude:0a", sessions.RoleAgent},
		{"a compaction", "session-id: s\n" + `x-codex-turn-metadata: {"request_kind":"compaction"}`, chat, "codex:s", "", sessions.RoleAuxiliary},
		{"a compaction by its name", "session-id: s\nx-openai-subagent: compact", chat, "codex:s", "", sessions.RoleAuxiliary},
		{"a probe", "X-Session-ID: s", `{"max_tokens":1,"messages":[{"role":"user","content":"quota"}]}`, "header:s", "", sessions.RoleAuxiliary},
		{"a count of tokens", "anthropic-version: 2023-06-01", `{"messages":[{"role":"user","content":"a"}]}`, "chain:", "", sessions.RoleAuxiliary},
		{"a count of tokens by Gemini", "", `{"generateContentRequest":{"contents":[{"parts":[{"text":"a"}]}]}}`, "chain:", "", sessions.RoleAuxiliary},
		{"metadata that are no JSON", "session-id: s\nx-codex-turn-metadata: parent_thread_id", chat, "codex:s", "", sessions.RoleTurn},
	} {
		t.Run(test.name, func(t *testing.T) {
			var h sessions.Headers
			for text := range strings.SplitSeq(test.headers, "\n") {
				name, value, _ := strings.Cut(text, ": ")
				h.Add(name, value)
			}
			got := sessions.Identify(&h, []byte(test.body), sessions.IdentificationChain)
			if len(got.IDs) == 0 || !strings.HasPrefix(got.IDs[0], test.id) || got.Parent != test.parent || got.Role != test.side {
				t.Errorf("Identify(%q, %s) = %q, parent %q, side %d; want %q, %q, %d", test.headers, test.body,
					got.IDs, got.Parent, got.Role, test.id, test.parent, test.side)
			}
			if got := sessions.Identify(&h, []byte(test.body), sessions.IdentificationReference); got.Parent != "" || got.Role != sessions.RoleTurn || got.Pins != nil {
				t.Errorf("by the reference: %+v", got)
			}
		})
	}
}
