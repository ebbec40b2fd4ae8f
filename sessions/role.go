package sessions

import "github.com/credbroker/credbroker/sessions/internal/jsonscan"

// setRole finds the parent of a conversation. An agent that works for a session is a conversation of its own: many of them
// run at a time, each with messages of its own, and would move the session's binding to and fro.
func (m *members) setRole(id *Identity, h *Headers) {
	prefix := id.Source.Prefix()
	agent, parent := h.found[xClaudeCodeAgentID].id, h.found[xParentSessionID].id
	switch {
	case id.Source == SourceNone:
		return
	case id.Source == SourceClaude && agent != "":
		id.Parent = id.IDs[0]
		id.IDs = []string{id.Parent + "/" + agent}
	case id.Source == SourceCodex || id.Source == SourcePromptCacheKey:
		// The threads of one session share its id; the root's thread has the id of the session.
		thread, of := m.threads(h)
		if of == "" {
			break
		}
		if parent = of; thread != "" {
			id.IDs = []string{prefix + thread}
		}
	case id.Source == SourceChain:
		prefix = SourceHeader.Prefix()
	}
	if id.Parent == "" && parent != "" {
		id.Parent = prefix + parent
	}
	if id.Parent == id.IDs[0] {
		id.Parent = ""
	}
	if id.Parent != "" {
		id.Role = RoleAgent
	}
}

// threads are Codex's own thread and the one that started it, by the headers or by what stands beside them.
func (m *members) threads(h *Headers) (thread, parent string) {
	thread, parent = h.found[threadID].id, h.found[xCodexParentThreadID].id
	if parent == "" {
		parent = h.found[turnParent].id
	}
	if thread == "" {
		thread, _ = idOf(m.thread)
	}
	if parent == "" {
		parent, _ = idOf(m.parentThread)
	}
	return thread, parent
}

// auxiliary reports whether headers say that the request is not one of the conversation's turns.
func (h *Headers) auxiliary() bool {
	switch h.found[xOpenAISubagent].id {
	case "compact", "memory_consolidation":
		return true
	}
	kind := h.found[turnKind].id
	return kind != "" && kind != "turn"
}

// auxiliary reports whether the body is that of a probe, which wants one token, or of a count of tokens, which wants none.
func (m *members) auxiliary(h *Headers) bool {
	for _, limit := range []jsonscan.Value{m.maxTokens, m.maxOutput} {
		if limit.Kind == jsonscan.Number && (string(limit.Raw) == "0" || string(limit.Raw) == "1") {
			return true
		}
	}
	return m.countsTokens(h)
}

// countsTokens reports whether the request wants no answer. One to Anthropic that does must limit it.
func (m *members) countsTokens(h *Headers) bool {
	toAnthropic := h.found[anthropicVersion].id != ""
	return m.counts || toAnthropic && m.messages.Kind == jsonscan.Array && m.maxTokens.Kind == jsonscan.Absent
}
