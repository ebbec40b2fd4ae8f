package sessions

import "github.com/credbroker/credbroker/sessions/internal/jsonscan"

// message is what was read of one element of a list of messages.
type message struct {
	role, kind, content, calls, call   jsonscan.Value
	name, arguments, input, output, id jsonscan.Value
	action                             jsonscan.Value
	// heard: the content was taken in passing.
	heard bool
}

func (m *message) slot(name []byte) *jsonscan.Value {
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

// voice is whose message it is by its role; without one, the user's. An answer is always the assistant's.
func (c *chain) voice(role jsonscan.Value) voice {
	switch {
	case c.reading:
		return assistant
	case role.Is("assistant"), role.Is("model"):
		return assistant
	case role.Is("tool"), role.Is("function"):
		return tool
	case role.Is("system"), role.Is("developer"):
		return nobody
	default:
		return user
	}
}

// messages reads a list of messages from its bracket on, in any of the wire formats, and moves past it.
func (c *chain) messages(at *jsonscan.Cursor) {
	at.Enter()
	for at.Element() {
		if at.Kind() == jsonscan.Object {
			c.message(at)
		} else if _, ok := at.Value(); !ok {
			return
		}
	}
}

// message reads one message from its bracket on.
func (c *chain) message(at *jsonscan.Cursor) {
	var m message
	begin := *at
	at.Enter()
	for {
		raw, ok := at.Member()
		if !ok {
			break
		}
		var buf jsonscan.NameBuffer
		slot := m.slot(buf.Decode(raw))
		if slot == &m.content && slot.Kind == jsonscan.Absent && at.Kind() == jsonscan.Array && m.role.Kind == jsonscan.String {
			slot.Kind = jsonscan.Array
			m.heard = true
			c.hear(&m, at)
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
	c.finish(&m, begin.Until(at))
}

// hear takes the parts of a message, whose bracket is next.
func (c *chain) hear(m *message, at *jsonscan.Cursor) {
	v := c.voice(m.role)
	if v == nobody {
		at.Value()
		return
	}
	c.speaks(v)
	if v == tool {
		list, _ := at.Value()
		c.add(toolResult, resultSum(list))
		return
	}
	c.parts(at, v)
}

// finish takes what was not taken in passing.
func (c *chain) finish(m *message, whole jsonscan.Value) {
	if m.role.Kind == jsonscan.Absent && m.kind.Kind == jsonscan.String && !m.kind.Is("message") {
		c.item(m, whole)
		return
	}
	v := c.voice(m.role)
	if v == nobody {
		return
	}
	c.speaks(v)
	if !m.heard {
		c.content(m.content, v)
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
			c.chatCall(call)
		}
	}
	if m.call.Kind == jsonscan.Object {
		c.call(m.call.Get("name"), m.call.Get("arguments"))
	}
}

// content takes a message's content that was not in passing.
func (c *chain) content(content jsonscan.Value, v voice) {
	switch {
	case v == tool:
		c.add(toolResult, resultSum(content))
	case content.Kind == jsonscan.String && v == assistant:
		c.say(assistantText, content)
	case content.Kind == jsonscan.String:
		c.say(userText, content)
	case content.Kind == jsonscan.Array:
		at := content.Cursor()
		c.parts(&at, v)
	case content.Kind == jsonscan.Object:
		at := content.Cursor()
		c.part(&at, v)
	}
}

// chatCall takes one of a chat message's tool calls, a function's or a custom tool's.
func (c *chain) chatCall(call jsonscan.Value) {
	if call.Kind != jsonscan.Object {
		return
	}
	if f := call.Get("function"); f.Kind == jsonscan.Object {
		c.call(f.Get("name"), f.Get("arguments"))
	} else if f := call.Get("custom"); f.Kind == jsonscan.Object {
		c.call(f.Get("name"), f.Get("input"))
	}
}

// item takes an item of a Responses request that is no message.
func (c *chain) item(m *message, whole jsonscan.Value) {
	switch {
	case m.kind.HasSuffix("_call_output"):
		c.speaks(tool)
		c.add(toolResult, resultSum(m.output))
	case m.kind.Is("item_reference"):
		c.speaks(assistant)
		c.reference(m.id)
	case m.kind.Is("reasoning"):
		c.speaks(assistant)
	case m.kind.HasSuffix("_call"):
		c.speaks(assistant)
		name := m.name
		if name.Kind == jsonscan.Absent {
			name = m.kind
		}
		c.call(name, firstOf(m.arguments, m.input, m.action))
	default:
		c.speaks(assistant)
		c.add(assistantMedia, sumOf(whole, passing))
	}
}

// reference takes an item that only its id stands for, as if the id had been said. Thoughts come and go.
func (c *chain) reference(id jsonscan.Value) {
	var begin [3]byte
	if id.Kind == jsonscan.String && (id.Text().Head(begin[:]) < len(begin) || string(begin[:]) != "rs_") {
		before := c.forms
		c.add(assistantText, textSum(id))
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
