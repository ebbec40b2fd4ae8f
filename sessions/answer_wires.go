package sessions

import "github.com/credbroker/credbroker/sessions/internal/jsonscan"

// streamedMessage is put together from the events of Anthropic's messages.
type streamedMessage struct {
	blocks list
	// block at hand as it began, and what its deltas added. Strings are as they stand in the source.
	block jsonscan.Value
	added []byte
}

func (s *streamedMessage) take(e *event) {
	switch kind := e.kind; {
	case kind.Is("content_block_start"):
		s.end()
		s.block, s.added = e.block, nil
		addString(&s.added, member(s.block, "text"))
	case kind.Is("content_block_delta"):
		addString(&s.added, member(e.delta, "text"))
		addString(&s.added, member(e.delta, "partial_json"))
	case kind.Is("content_block_stop"), kind.Is("message_delta"), kind.Is("message_stop"):
		s.end()
	}
}

// end ends the block at hand.
func (s *streamedMessage) end() {
	block := s.block
	s.block = jsonscan.Value{}
	kind := member(block, "type")
	switch {
	case kind.Kind != jsonscan.String:
	case kind.Is("text"):
		s.blocks.add([]byte(`{"type":"text","text":"`), s.added, []byte(`"}`))
	case kind.HasSuffix("tool_use") && len(s.added) > 0:
		s.blocks.add([]byte(`{"type":"`), kind.Raw, []byte(`","name":"`), member(block, "name").Raw, []byte(`","input":"`), s.added, []byte(`"}`))
	default:
		s.blocks.add(block.Raw)
	}
}

// message leaves a call away that the stream's end cut off: nobody can have made it.
func (s *streamedMessage) message() []byte {
	if !member(s.block, "type").HasSuffix("tool_use") {
		s.end()
	}
	return s.blocks.in(`{"role":"assistant","content":[`, `]}`)
}

// streamedChat is put together from chunks of OpenAI's chat completions.
type streamedChat struct {
	text  []byte
	calls []streamedCall
	// finished: the upstream said why it ended.
	finished, tooMany bool
}

type streamedCall struct {
	index, id, name []byte
	arguments       []byte
	whole           jsonscan.Value // arguments that came as an object
}

func (s *streamedChat) take(choices jsonscan.Value) {
	if choices.Kind != jsonscan.Array {
		return
	}
	at := choices.Cursor()
	at.Enter()
	for at.Element() {
		choice, ok := at.Value()
		if !ok {
			return
		}
		if index := member(choice, "index"); index.Kind == jsonscan.Number && string(index.Raw) != "0" {
			continue
		}
		delta := member(choice, "delta")
		s.addContent(member(delta, "content"))
		s.addCalls(member(delta, "tool_calls"))
		if call := member(delta, "function_call"); call.Kind == jsonscan.Object {
			s.addCall(jsonscan.Value{}, call)
		}
		s.finished = s.finished || member(choice, "finish_reason").Kind == jsonscan.String
	}
}

// addContent takes a text, or parts of which some are texts.
func (s *streamedChat) addContent(content jsonscan.Value) {
	addString(&s.text, content)
	if content.Kind != jsonscan.Array {
		return
	}
	at := content.Cursor()
	at.Enter()
	for at.Element() && at.Kind() == jsonscan.Object {
		var p part
		if p.read(&at); p.isText() {
			addString(&s.text, p.text)
		}
	}
}

func (s *streamedChat) addCalls(calls jsonscan.Value) {
	if calls.Kind != jsonscan.Array {
		return
	}
	at := calls.Cursor()
	at.Enter()
	for at.Element() {
		call, ok := at.Value()
		if !ok {
			return
		}
		for _, kind := range [...]string{"function", "custom"} {
			if f := member(call, kind); f.Kind == jsonscan.Object {
				s.addCall(call, f)
			}
		}
	}
}

// addCall goes on with a call. Some upstreams give all calls one index, and each an id of its own.
func (s *streamedChat) addCall(call, function jsonscan.Value) {
	index, id := member(call, "index").Raw, member(call, "id").Raw
	var c *streamedCall
	for i := range s.calls {
		if known := &s.calls[i]; string(known.index) == string(index) && (len(id) == 0 || string(known.id) == string(id)) {
			c = known // the last one of that index
		}
	}
	if c == nil {
		if len(s.calls) == maxItems {
			s.tooMany = true
			return
		}
		s.calls = append(s.calls, streamedCall{index: index, id: id})
		c = &s.calls[len(s.calls)-1]
	}
	if name := member(function, "name"); name.Kind == jsonscan.String && len(c.name) == 0 {
		c.name = name.Raw
	}
	for _, member := range [...]jsonscan.Value{member(function, "arguments"), member(function, "input")} {
		addString(&c.arguments, member)
		if member.Kind == jsonscan.Object {
			c.whole = member
		}
	}
}

func (s *streamedChat) message() []byte {
	calls := s.calls
	if !s.finished && len(calls) > 0 {
		calls = calls[:len(calls)-1] // it was cut off
	}
	if s.tooMany || len(s.text) == 0 && len(calls) == 0 {
		return nil
	}
	var l list
	for _, c := range calls {
		arguments := c.whole.Raw
		if len(arguments) == 0 {
			arguments = append(append([]byte{'"'}, c.arguments...), '"')
		}
		l.add([]byte(`{"function":{"name":"`), c.name, []byte(`","arguments":`), arguments, []byte(`}}`))
	}
	message := append(append([]byte(`{"role":"assistant","content":"`), s.text...), `","tool_calls":[`...)
	return append(append(message, l.json...), `]}`...)
}

// streamedResponse is put together from the events of the Responses API: the response that ends them, else the items that
// came before it, the last one as far as it got.
type streamedResponse struct {
	whole jsonscan.Value
	items list
	text  []byte
}

func (s *streamedResponse) take(e *event) {
	switch kind := e.kind; {
	case kind.Is("response.output_item.done"):
		if e.item.Kind == jsonscan.Object {
			s.items.add(e.item.Raw)
		}
		s.text = nil
	case kind.Is("response.output_text.delta"):
		addString(&s.text, e.delta)
	case kind.Is("response.completed"), kind.Is("response.incomplete"), kind.Is("response.done"):
		if output := member(e.response, "output"); output.Kind == jsonscan.Array && hasElement(output) {
			s.whole = e.response
		}
	}
}

func hasElement(list jsonscan.Value) bool {
	at := list.Cursor()
	at.Enter()
	return at.Element()
}

func (s *streamedResponse) message() []byte {
	if s.whole.Kind == jsonscan.Object {
		return s.whole.Raw
	}
	if len(s.text) > 0 {
		s.items.add([]byte(`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"`), s.text, []byte(`"}]}`))
	}
	return s.items.in(`{"output":[`, `]}`)
}

// streamedParts is put together from Gemini's responses.
type streamedParts struct{ parts list }

func (s *streamedParts) take(candidates jsonscan.Value) {
	if candidates.Kind != jsonscan.Array {
		return
	}
	at := candidates.Cursor()
	at.Enter()
	for at.Element() && at.Kind() == jsonscan.Object {
		candidate, _ := at.Value()
		if index := member(candidate, "index"); index.Kind == jsonscan.Number && string(index.Raw) != "0" {
			continue
		}
		parts := member(member(candidate, "content"), "parts")
		if parts.Kind != jsonscan.Array {
			continue
		}
		in := parts.Cursor()
		for in.Enter(); in.Element(); {
			part, ok := in.Value()
			if !ok {
				return
			}
			if part.Kind == jsonscan.Object {
				s.parts.add(part.Raw)
			}
		}
	}
}

func (s *streamedParts) message() []byte { return s.parts.in(`{"role":"model","parts":[`, `]}`) }
