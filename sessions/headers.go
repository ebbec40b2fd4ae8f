package sessions

import (
	"strings"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// Headers are the headers of one request, as far as they name sessions. The zero value is ready and holds none.
type Headers struct {
	found [headerNames]header
}

// header is one name's session id, and the name as it was spelled.
type header struct{ spelling, id string }

// The names in the order of their rank.
const (
	xSessionID = iota
	xAmpThreadID
	xClaudeCodeSessionID
	sessionHyphenID
	sessionUnderscoreID
	xSessionAffinity
	sourceNames
)

// The names that tell what the session is to others.
const (
	threadID = iota + sourceNames
	xParentSessionID
	xCodexParentThreadID
	xClaudeCodeAgentID
	xOpenAISubagent
	anthropicVersion
	// Members of the JSON in Codex's X-Codex-Turn-Metadata.
	turnParent
	turnKind
	headerNames
)

// Add takes one header, in any order and any case. Of a name's values the first that is a valid id counts; where the
// spellings of a name differ in case, those of the smallest spelling in byte order. So it does not matter in which order
// a map is walked. Headers that name no session are not kept.
func (h *Headers) Add(name, value string) {
	if equalFoldASCII(name, "x-codex-turn-metadata") {
		metadata := jsonscan.At([]byte(value), strings.IndexByte(value, '{'))
		parent, kind := metadata, metadata
		h.addText(turnParent, name, parent.Get("parent_thread_id"))
		h.addText(turnKind, name, kind.Get("request_kind"))
		return
	}
	if rank := rankOf(name); rank != headerNames {
		h.add(rank, name, value)
	}
}

// add keeps the value of a name if it is the first.
func (h *Headers) add(rank int, name, value string) {
	kept := &h.found[rank]
	if kept.id != "" && kept.spelling <= name {
		return
	}
	if id, ok := validID(value); ok {
		*kept = header{spelling: name, id: id}
	}
}

// addText keeps the text that is a member of a header.
func (h *Headers) addText(rank int, name string, member jsonscan.Value) {
	if id, ok := idOf(member); ok {
		h.add(rank, name, id)
	}
}

// identity is that of the first name with an id.
func (h *Headers) identity() Identity {
	if h == nil {
		return Identity{}
	}
	for rank, source := range [sourceNames]Source{
		xSessionID:           SourceHeader,
		xAmpThreadID:         SourceAmp,
		xClaudeCodeSessionID: SourceClaude,
		sessionHyphenID:      SourceCodex,
		sessionUnderscoreID:  SourceCodex,
		xSessionAffinity:     SourceAffinity,
	} {
		if id := h.found[rank].id; id != "" {
			return identity(source, id)
		}
	}
	return Identity{}
}

// rankOf is headerNames for names that name no session. Their lengths differ, but for the two that Codex uses.
func rankOf(name string) int {
	rank, lower := headerNames, ""
	switch len(name) {
	case len("x-session-id"):
		rank, lower = xSessionID, "x-session-id"
	case len("x-amp-thread-id"):
		rank, lower = xAmpThreadID, "x-amp-thread-id"
	case len("x-claude-code-session-id"):
		rank, lower = xClaudeCodeSessionID, "x-claude-code-session-id"
		if name[len("x-c")]|0x20 == 'o' {
			rank, lower = xCodexParentThreadID, "x-codex-parent-thread-id"
		}
	case len("thread-id"):
		rank, lower = threadID, "thread-id"
	case len("x-parent-session-id"):
		rank, lower = xParentSessionID, "x-parent-session-id"
	case len("x-claude-code-agent-id"):
		rank, lower = xClaudeCodeAgentID, "x-claude-code-agent-id"
	case len("x-openai-subagent"):
		rank, lower = xOpenAISubagent, "x-openai-subagent"
		if name[0]|0x20 == 'a' {
			rank, lower = anthropicVersion, "anthropic-version"
		}
	case len("session-id"):
		rank, lower = sessionHyphenID, "session-id"
		if name[len("session")] == '_' {
			rank, lower = sessionUnderscoreID, "session_id"
		}
	case len("x-session-affinity"):
		rank, lower = xSessionAffinity, "x-session-affinity"
	}
	if !equalFoldASCII(name, lower) {
		return headerNames
	}
	return rank
}

// equalFoldASCII is strings.EqualFold, which would take the Kelvin sign for a k, for names of headers.
func equalFoldASCII(name, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
