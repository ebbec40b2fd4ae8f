package sessions

import "github.com/credbroker/credbroker/sessions/internal/jsonscan"

// message is what was read of one element of a list of messages.
type message struct {
	role, kind, content, calls, call   jsonscan.Value
	name, arguments, input, output, id jsonscan.Value
	action                             jsonscan.Value
	// contentRead: the content was taken in passing.
	contentRead bool
}

func (m *message) field(name []byte) *jsonscan.Value {
	switch string(name) {
	case "role":
		return &m.role
	case "type":
		return &m.kind
	case "content", "parts":
		return &m.content
	case "tool_calls":
		return &m.calls
	case "function_call":
		return &m.call
	case "name":
		return &m.name
	case "arguments":
		return &m.arguments
	case "input":
		return &m.input
	case "output":
		return &m.output
	case "action":
		return &m.action
	case "id":
		return &m.id
	default:
		return nil
	}
}

// author is whose message it is by its role; without one, the user's. An answer is always the assistant's.
func (c *chain) authorOf(role jsonscan.Value) author {
	switch {
	case c.ofAnswer:
		return assistant
	case role.Is("user"):
		return user
	case role.Is("assistant"), role.Is("model"):
		return assistant
	case role.Is("tool"), role.Is("function"):
		return tool
	case role.Is("system"), role.Is("developer"):
		return instructions
	default:
		return user
	}
}

// readMessages reads a list of messages from its bracket on, in any of the wire formats, and moves past it.
func (c *chain) readMessages(at *jsonscan.Cursor) {
	at.Enter()
	for at.Element() {
		if at.Kind() == jsonscan.Object {
			c.readMessage(at)
		} else if _, ok := at.Value(); !ok {
			return
		}
	}
}

// readMessage reads one message from its bracket on.
func (c *chain) readMessage(at *jsonscan.Cursor) {
	var m message
	begin := *at
	at.Enter()
	for {
		raw, ok := at.Member()
		if !ok {
			break
		}
		var buf jsonscan.NameBuffer
		slot := m.field(buf.Decode(raw))
		if slot == &m.content && slot.Kind == jsonscan.Absent && at.Kind() == jsonscan.Array && m.role.Kind == jsonscan.String {
			slot.Kind = jsonscan.Array
			m.contentRead = true
			c.readContent(&m, at)
			continue
		}
		v, ok := at.Value()
		if !ok {
			break
		}
		if slot != nil && slot.Kind == jsonscan.Absent {
			*slot = v
		}
	}
	c.finishMessage(&m, begin.Until(at))
}

// readContent takes the parts of a message, whose bracket is next.
func (c *chain) readContent(m *message, at *jsonscan.Cursor) {
	v := c.authorOf(m.role)
	if v == instructions {
		at.Value()
		return
	}
	if v == tool {
		c.startTurn(v)
		list, _ := at.Value()
		c.addItem(toolResult, resultSum(list))
		return
	}
	c.readParts(at, v)
}

// finishMessage takes what was not taken in passing.
func (c *chain) finishMessage(m *message, whole jsonscan.Value) {
	if m.role.Kind == jsonscan.Absent && m.kind.Kind == jsonscan.String && !m.kind.Is("message") {
		c.addResponsesItem(m, whole)
		return
	}
	v := c.authorOf(m.role)
	if v == instructions {
		return
	}
	if !m.contentRead {
		c.addContent(m.content, v)
	}
	if v != assistant {
		return
	}
	if m.calls.Kind == jsonscan.Array {
		at := m.calls.Cursor()
		at.Enter()
		for at.Element() {
			call, ok := at.Value()
			if !ok {
				break
			}
			c.addChatCall(call)
		}
	}
	if m.call.Kind == jsonscan.Object {
		c.addCall(m.call.Get("name"), m.call.Get("arguments"))
	}
}

// addContent takes a message's content that was not taken in passing.
func (c *chain) addContent(content jsonscan.Value, v author) {
	switch {
	case v == tool:
		c.startTurn(v)
		c.addItem(toolResult, resultSum(content))
	case content.Kind == jsonscan.String:
		c.addWords(content, v)
	case content.Kind == jsonscan.Array:
		at := content.Cursor()
		c.readParts(&at, v)
	case content.Kind == jsonscan.Object:
		at := content.Cursor()
		c.addPart(&at, v)
	default:
		c.startTurn(v)
	}
}

// addChatCall takes one of a chat message's tool calls, a function's or a custom tool's.
func (c *chain) addChatCall(call jsonscan.Value) {
	if call.Kind != jsonscan.Object {
		return
	}
	if f := call.Get("function"); f.Kind == jsonscan.Object {
		c.addCall(f.Get("name"), f.Get("arguments"))
	} else if f := call.Get("custom"); f.Kind == jsonscan.Object {
		c.addCall(f.Get("name"), f.Get("input"))
	}
}

// addResponsesItem takes an item of a Responses request that is no message.
func (c *chain) addResponsesItem(m *message, whole jsonscan.Value) {
	switch {
	case m.kind.HasSuffix("_call_output"):
		c.startTurn(tool)
		c.addItem(toolResult, resultSum(m.output))
	case m.kind.Is("item_reference"):
		c.startTurn(assistant)
		c.addReference(m.id)
	case m.kind.Is("reasoning"):
		c.startTurn(assistant)
	case m.kind.HasSuffix("_call"):
		c.startTurn(assistant)
		name := m.name
		if name.Kind == jsonscan.Absent {
			name = m.kind
		}
		c.addCall(name, firstOf(m.arguments, m.input, m.action))
	default:
		c.startTurn(assistant)
		c.addItem(assistantMedia, sumOf(whole, isIncidental))
	}
}

// addReference takes an item that only its id stands for, as if the id had been said. Thoughts come and go.
func (c *chain) addReference(id jsonscan.Value) {
	var begin [3]byte
	if id.Kind == jsonscan.String && (id.Text().Head(begin[:]) < len(begin) || string(begin[:]) != "rs_") {
		before := c.forms
		c.addItem(assistantText, textSum(id))
		c.forms = before | byReference
	}
}

func firstOf(values ...jsonscan.Value) jsonscan.Value {
	for _, v := range values {
		if v.Kind != jsonscan.Absent {
			return v
		}
	}
	return jsonscan.Value{}
}
