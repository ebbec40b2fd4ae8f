package sessions

import (
	"bytes"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// members is what the top level of a body holds of what the rules look at; of members of one name the first.
type members struct {
	// claude is the session that Claude Code's userID holds.
	claude string

	userID                       jsonscan.Value
	conversationID, conversation jsonscan.Value
	conversationObjectID         jsonscan.Value
	sessionID, sessionIDCamel    jsonscan.Value
	promptCacheKey               jsonscan.Value
	system, instructions         jsonscan.Value
	systemInstructionParts       jsonscan.Value

	// The lists are read in passing.
	messages, contents, input             jsonscan.Value
	fromMessages, fromContents, fromInput texts

	// byChain: the lists go into chains instead, unless the conversation is named elsewhere; and what wraps a request is
	// opened.
	byChain, hasID                         bool
	messageChain, contentChain, inputChain chain
	previousResponse, store                jsonscan.Value
	// previousMessage is the answer that a request goes on from within one of Anthropic's message threads.
	previousMessage      jsonscan.Value
	inThread             bool
	maxTokens, maxOutput jsonscan.Value
	// thread and parentThread are what Codex says beside its headers.
	thread, parentThread jsonscan.Value
	// counts: the request only counts tokens.
	counts bool
}

// read passes over the top level once. It stops at Claude Code's session, which outranks all else in headers and body;
// with claudeOnly, it looks for nothing else.
func (m *members) read(body []byte, claudeOnly bool) {
	c := jsonscan.At(body, bytes.IndexAny(body, "{["))
	if c.Kind() == jsonscan.Object {
		m.readObject(&c, claudeOnly, false)
	}
}

// readObject reads the members of the object that begins at c, which may be wrapped in the body's.
func (m *members) readObject(c *jsonscan.Cursor, claudeOnly, wrapped bool) {
	c.Enter()
	for {
		raw, ok := c.Member()
		if !ok {
			return
		}
		var buf jsonscan.NameBuffer
		name := buf.Decode(raw)
		if m.byChain && !wrapped && c.Kind() == jsonscan.Object && isWrapper(name) {
			m.counts = m.counts || string(name) == "generateContentRequest"
			m.readObject(c, false, true)
			continue
		}
		m.readNested(name, *c)
		m.hasID = m.hasID || m.claude != ""
		if !m.byChain && (m.claude != "" || claudeOnly && m.userID.Kind != jsonscan.Absent) {
			return
		}
		if slot := m.field(name); slot != nil && slot.Kind == jsonscan.Absent && !claudeOnly {
			ok = m.readField(slot, c)
		} else {
			_, ok = c.Value()
		}
		if !ok {
			return
		}
	}
}

// readNested looks for members of the object at c, if it has a name that a rule knows. Like gjson, it goes on to the next
// object of the name if the first has no such member.
func (m *members) readNested(name []byte, c jsonscan.Cursor) {
	if c.Kind() != jsonscan.Object {
		return
	}
	switch string(name) {
	case "metadata":
		if m.userID.Kind == jsonscan.Absent {
			m.userID = c.Get("user_id")
			m.claude, _ = claudeID(m.userID)
		}
	case "conversation":
		if m.conversationObjectID.Kind == jsonscan.Absent {
			m.conversationObjectID = c.Get("id")
		}
	case "systemInstruction":
		if m.systemInstructionParts.Kind == jsonscan.Absent {
			m.systemInstructionParts = c.Get("parts")
		}
	case "thread":
		if m.byChain && !m.inThread {
			m.inThread, m.previousMessage = true, c.Get("previous_message_id")
		}
	case "client_metadata":
		if m.byChain && m.thread.Kind == jsonscan.Absent {
			again := c
			m.thread, m.parentThread = c.Get("thread_id"), again.Get("x-codex-parent-thread-id")
		}
	}
}

// field is where a member of the top level is kept, nil if no rule looks at it.
func (m *members) field(name []byte) *jsonscan.Value {
	switch string(name) {
	case "conversation_id":
		return &m.conversationID
	case "conversation":
		return &m.conversation
	case "session_id":
		return &m.sessionID
	case "sessionId":
		return &m.sessionIDCamel
	case "prompt_cache_key":
		return &m.promptCacheKey
	case "system":
		return &m.system
	case "instructions":
		return &m.instructions
	case "messages":
		return &m.messages
	case "contents":
		return &m.contents
	case "input":
		return &m.input
	case "previous_response_id":
		return &m.previousResponse
	case "store":
		return &m.store
	case "max_tokens":
		return &m.maxTokens
	case "max_completion_tokens", "max_output_tokens":
		return &m.maxOutput
	default:
		return nil
	}
}

// isWrapper: the name is that of the member that holds the client's request, of Code Assist, of the WebSocket frames of the
// Responses API, of items of OpenAI's, Anthropic's and Gemini's batches, and of Gemini's token counts.
func isWrapper(name []byte) bool {
	switch string(name) {
	case "request", "response", "body", "params", "generateContentRequest":
		return true
	default:
		return false
	}
}

// readField moves past a member's value and keeps it, or the texts of a list of messages.
func (m *members) readField(slot *jsonscan.Value, c *jsonscan.Cursor) (ok bool) {
	slot.Kind = c.Kind()
	if messages := m.chainFor(slot); messages != nil && slot.Kind == jsonscan.Array {
		begin := *c
		messages.readMessages(c)
		*slot = begin.Until(c)
		return true
	}
	switch {
	case m.byChain:
	case slot == &m.messages && slot.Kind == jsonscan.Array:
		m.fromMessages.readChat(c)
		return true
	case slot == &m.contents && slot.Kind == jsonscan.Array:
		m.fromContents.readGemini(c)
		return true
	case slot == &m.input && slot.Kind == jsonscan.Array:
		m.fromInput.readResponses(c)
		return true
	}
	*slot, ok = c.Value()
	return ok
}

// namedValue is a value that may be a session id.
type namedValue struct {
	source Source
	value  jsonscan.Value
}

// namedValues are the values that may be session ids, in the order of their rank.
func (m *members) namedValues() [7]namedValue {
	conversation := m.conversation
	if conversation.Kind != jsonscan.String {
		conversation = jsonscan.Value{}
	}
	return [7]namedValue{
		{SourceUser, m.userID},
		{SourceConversation, m.conversationID},
		{SourceConversation, m.conversationObjectID},
		{SourceConversation, conversation},
		{SourceSession, m.sessionID},
		{SourceSession, m.sessionIDCamel},
		{SourcePromptCacheKey, m.promptCacheKey},
	}
}

// texts are the first texts of the conversation. Each step adds what the steps before have not found, and the steps of
// further wire formats count only while nothing is known of how the conversation began.
func (m *members) texts() *texts {
	t := &m.fromMessages
	if t.system.empty() {
		t.system.readSystem(m.system)
	}
	if !t.begun() {
		if m.systemInstructionParts.Kind == jsonscan.Array {
			parts := m.systemInstructionParts.Cursor()
			t.system.readFirstPart(&parts)
		}
		t.user = m.fromContents.user
		t.assistant.setIfEmpty(m.fromContents.assistant)
	}
	if !t.begun() {
		t.system.set(m.instructions)
		// Reading stops when user and assistant are known. With an assistant from an earlier step, that is at the user.
		if t.assistant.empty() || !m.fromInput.lateSystem {
			t.system.setIfEmpty(m.fromInput.system)
		}
		t.user = m.fromInput.user
		t.assistant.setIfEmpty(m.fromInput.assistant)
	}
	return t
}
