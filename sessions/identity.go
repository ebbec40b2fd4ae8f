package sessions

// Identity names the session that a request belongs to. The zero value is that of a request that does not say.
type Identity struct {
	// IDs, each with the prefix of its source. The first names the session; the others name what it may continue, what
	// says most first. They are exact bytes, not always UTF-8: show them with Display only.
	IDs []string
	// Source of all IDs.
	Source Source
	// Bindable is how many of the IDs, from the first, are worth a binding once the request is placed. Those behind are
	// looked up as well, and then done with: the conversation has grown beyond them.
	Bindable int
	// FirstTurn: nothing shows that the conversation has begun. The first of the IDs may be that of many conversations which
	// begin alike, and is ambiguous then; the others, if there are any, are this one's.
	FirstTurn bool
	// Parent is the id of the conversation that this one serves, empty if the client names none.
	Parent string
	// Role is what the request does for its parent.
	Role Role
	// Pins are ids of what only the auth that issued it can resolve.
	Pins []string
	// Reasoning is what the conversation has of encrypted reasoning.
	Reasoning Reasoning
	// Thread: the request is one of Anthropic's message threads, so a later one may name its answer by the id of the message.
	Thread bool
	// Marks are ids to bind to the auth that gets the request, whatever they were bound to before. Later requests name
	// them behind everything else.
	Marks []string
	// Format of the body; FormatUnknown: it is one of OpenAI's, or nobody knows.
	Format Format
	// State is what Answered needs to go on from here; empty if an answer tells nothing.
	State string
}

// Role is what a request does for a conversation.
type Role uint8

// The roles.
const (
	// RoleTurn: the request is one of the conversation, or nobody knows better.
	RoleTurn Role = iota
	// RoleAgent: a conversation of its own that another one started, such as a sub-agent's.
	RoleAgent
	// RoleAuxiliary: one request for the client's own sake, such as a title, a probe, a token count or a compaction.
	RoleAuxiliary
)

// Reasoning is what a conversation has of reasoning that its upstream encrypts: the account that wrote it can read it, under
// any model, and other accounts can not, but those of its organization.
type Reasoning uint8

// What there may be of it.
const (
	// ReasoningNone: conversations of this wire format carry none.
	ReasoningNone Reasoning = iota
	// ReasoningPossible: the request carries none, but an answer may.
	ReasoningPossible
	// ReasoningCarried: the request carries some.
	ReasoningCarried
)

// Identification is the way to identify conversations that bring no id of their own.
type Identification uint8

// The ways.
const (
	// IdentificationChain goes by all messages: a request continues the conversation whose messages it begins with.
	IdentificationChain Identification = iota
	// IdentificationReference goes by the user or by the beginnings of the first messages, as other selectors do.
	IdentificationReference
)
