package sessions

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
	headerNames
)

// Add takes one header, in any order and any case. Of a name's values the first that is a valid id counts; where the
// spellings of a name differ in case, those of the smallest spelling in byte order. So it does not matter in which order
// a map is walked. Headers that name no session are not kept.
func (h *Headers) Add(name, value string) {
	rank := rankOf(name)
	if rank == headerNames {
		return
	}
	kept := &h.found[rank]
	if kept.id != "" && kept.spelling <= name {
		return
	}
	if id, ok := validID(value); ok {
		*kept = header{spelling: name, id: id}
	}
}

// identity is that of the first name with an id.
func (h *Headers) identity() Identity {
	if h == nil {
		return Identity{}
	}
	for rank, source := range [headerNames]Source{
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
