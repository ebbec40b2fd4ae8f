package sessions

// Source is the place in a request that named its session. The numbers are those of SessionSource in the wire contract.
type Source uint8

// The sources. The prefix of the ids that each gives is in Prefix.
const (
	// SourceNone: the request names no session.
	SourceNone Source = iota
	// SourceCaller: the caller worked the id out itself.
	SourceCaller
	// SourceClaude: Claude Code's session, from `metadata.user_id` or from its header.
	SourceClaude
	// SourceHeader: header X-Session-ID.
	SourceHeader
	// SourceAmp: header X-Amp-Thread-Id.
	SourceAmp
	// SourceCodex: header Session-Id or Session_id.
	SourceCodex
	// SourceAffinity: header X-Session-Affinity.
	SourceAffinity
	// SourceUser: body `metadata.user_id`.
	SourceUser
	// SourceConversation: body `conversation_id` or `conversation`.
	SourceConversation
	// SourceSession: body `session_id` or `sessionId`.
	SourceSession
	// SourcePromptCacheKey: body `prompt_cache_key`.
	SourcePromptCacheKey
	// SourceMessages: a hash of the first messages.
	SourceMessages
	// SourceChain: digests of all messages.
	SourceChain
)

// Prefix begins every id of the source; empty for SourceNone and for numbers that are no source.
func (s Source) Prefix() string {
	if name := s.String(); name != "" && s != SourceNone {
		return name + ":"
	}
	return ""
}

// String is the word before the colon of the source's ids, `none`, or empty for numbers that are no source.
func (s Source) String() string {
	switch s {
	case SourceNone:
		return "none"
	case SourceCaller:
		return "caller"
	case SourceClaude:
		return "claude"
	case SourceHeader:
		return "header"
	case SourceAmp:
		return "amp"
	case SourceCodex:
		return "codex"
	case SourceAffinity:
		return "affinity"
	case SourceUser:
		return "user"
	case SourceConversation:
		return "conv"
	case SourceSession:
		return "session"
	case SourcePromptCacheKey:
		return "pck"
	case SourceMessages:
		return "msg"
	case SourceChain:
		return "chain"
	default:
		return ""
	}
}
