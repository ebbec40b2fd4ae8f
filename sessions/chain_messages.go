package sessions

// message is what was read of one element of a list of messages.
type message struct {
	role, kind, content, calls, call   value
	name, arguments, input, output, id value
	action                             value
	// heard: the content was taken in passing.
	heard bool
}

func (m *message) slot(name []byte) *value {
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
func (c *chain) voice(role value) voice {
	switch {
	case c.reading:
		return assistant
	case role.is("assistant"), role.is("model"):
		return assistant
	case role.is("tool"), role.is("function"):
		return tool
	case role.is("system"), role.is("developer"):
		return nobody
	default:
		return user
	}
}

// messages reads a list of messages from its bracket on, in any of the wire formats, and moves past it.
func (c *chain) messages(at *cursor) {
	at.enter()
	for at.element() {
		if at.kind() == object {
			c.message(at)
		} else if _, ok := at.value(); !ok {
			return
		}
	}
}

// message reads one message from its bracket on.
func (c *chain) message(at *cursor) {
	var m message
	begin := *at
	at.enter()
	for {
		raw, ok := at.next()
		if !ok {
			break
		}
		var buf nameBuffer
		slot := m.slot(buf.decode(raw))
		if slot == &m.content && slot.kind == absent && at.kind() == list && m.role.kind == text {
			slot.kind = list
			m.heard = true
			c.hear(&m, at)
			continue
		}
		v, ok := at.value()
		if !ok {
			break
		}
		if slot != nil && slot.kind == absent {
			*slot = v
		}
	}
	c.finish(&m, begin.until(at))
}

// hear takes the parts of a message, whose bracket is next.
func (c *chain) hear(m *message, at *cursor) {
	v := c.voice(m.role)
	if v == nobody {
		at.value()
		return
	}
	c.speaks(v)
	if v == tool {
		list, _ := at.value()
		c.add(toolResult, resultSum(list))
		return
	}
	c.parts(at, v)
}

// finish takes what was not taken in passing.
func (c *chain) finish(m *message, whole value) {
	if m.role.kind == absent && m.kind.kind == text && !m.kind.is("message") {
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
	if m.calls.kind == list {
		at := m.calls.cursor()
		at.enter()
		for at.element() {
			call, ok := at.value()
			if !ok {
				break
			}
			c.chatCall(call)
		}
	}
	if m.call.kind == object {
		c.call(m.call.get("name"), m.call.get("arguments"))
	}
}

// content takes a message's content that was not in passing.
func (c *chain) content(content value, v voice) {
	switch {
	case v == tool:
		c.add(toolResult, resultSum(content))
	case content.kind == text && v == assistant:
		c.say(assistantText, content)
	case content.kind == text:
		c.say(userText, content)
	case content.kind == list:
		at := content.cursor()
		c.parts(&at, v)
	case content.kind == object:
		at := content.cursor()
		c.part(&at, v)
	}
}

// chatCall takes one of a chat message's tool calls, a function's or a custom tool's.
func (c *chain) chatCall(call value) {
	if call.kind != object {
		return
	}
	if f := call.get("function"); f.kind == object {
		c.call(f.get("name"), f.get("arguments"))
	} else if f := call.get("custom"); f.kind == object {
		c.call(f.get("name"), f.get("input"))
	}
}

// item takes an item of a Responses request that is no message.
func (c *chain) item(m *message, whole value) {
	switch {
	case m.kind.ends("_call_output"):
		c.speaks(tool)
		c.add(toolResult, resultSum(m.output))
	case m.kind.is("item_reference"):
		c.speaks(assistant)
		c.reference(m.id)
	case m.kind.is("reasoning"):
		c.speaks(assistant)
	case m.kind.ends("_call"):
		c.speaks(assistant)
		name := m.name
		if name.kind == absent {
			name = m.kind
		}
		c.call(name, firstOf(m.arguments, m.input, m.action))
	default:
		c.speaks(assistant)
		c.add(assistantMedia, sumOf(whole, passing))
	}
}

// reference takes an item that only its id stands for, as if the id had been said. Thoughts come and go.
func (c *chain) reference(id value) {
	var begin [3]byte
	if id.kind == text && (id.text().head(begin[:]) < len(begin) || string(begin[:]) != "rs_") {
		before := c.forms
		c.add(assistantText, textSum(id))
		c.forms = before | byReference
	}
}

func firstOf(values ...value) value {
	for _, v := range values {
		if v.kind != absent {
			return v
		}
	}
	return value{}
}
