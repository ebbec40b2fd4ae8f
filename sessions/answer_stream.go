package sessions

import (
	"bytes"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// streamed is an answer that came as events, put together again: in each of the wire formats what it has of it.
type streamed struct {
	messages  streamedMessage
	chat      streamedChat
	responses streamedResponse
	gemini    streamedParts
	id        jsonscan.Value
	usage     Usage
}

// readEvents reads a stream of server-sent events: of Anthropic's messages, chunks of OpenAI's chat, events of the Responses
// API, or Gemini's responses.
func readEvents(stream []byte) *streamed {
	s := &streamed{}
	events(stream, func(data []byte) {
		at := jsonscan.At(bytes.TrimLeft(data, " \t\r\n"), 0)
		if at.Kind() == jsonscan.Object { // the last of a chat is [DONE]
			s.take(readEvent(&at))
		}
	})
	return s
}

// event is what was read of one event.
type event struct {
	kind, block, delta, item, response, message jsonscan.Value
	choices, candidates, usage, usageMetadata   jsonscan.Value
}

func (e *event) field(name []byte) *jsonscan.Value {
	switch string(name) {
	case "type":
		return &e.kind
	case "content_block":
		return &e.block
	case "delta":
		return &e.delta
	case "item":
		return &e.item
	case "response":
		return &e.response
	case "message":
		return &e.message
	case "choices":
		return &e.choices
	case "candidates":
		return &e.candidates
	case "usage":
		return &e.usage
	case "usageMetadata":
		return &e.usageMetadata
	default:
		return nil
	}
}

func readEvent(at *jsonscan.Cursor) (e event) {
	at.Enter()
	for {
		name, ok := at.Member()
		if !ok {
			return e
		}
		v, ok := at.Value()
		if !ok {
			return e
		}
		var buf jsonscan.NameBuffer
		if slot := e.field(buf.Decode(name)); slot != nil && slot.Kind == jsonscan.Absent {
			*slot = v
		}
	}
}

func (s *streamed) take(e event) {
	s.messages.take(&e)
	s.responses.take(&e)
	s.chat.take(e.choices)
	s.gemini.take(e.candidates)
	s.gemini.take(member(e.response, "candidates"))
	s.usage.take(e.usage, e.usageMetadata)
	for _, holder := range [...]jsonscan.Value{e.response, e.message} {
		s.usage.take(member(holder, "usage"), member(holder, "usageMetadata"))
		if id := keptID(holder); id.Kind == jsonscan.String {
			s.id = id
		}
	}
}

// message is the answer as JSON, as an upstream sends it that does not stream; empty if there was none.
func (s *streamed) message() []byte {
	for _, wire := range [...]interface{ message() []byte }{&s.responses, &s.messages, &s.chat, &s.gemini} {
		if message := wire.message(); len(message) > 0 {
			return message
		}
	}
	return nil
}

// member is a member of an object, Absent of everything else.
func member(of jsonscan.Value, name string) jsonscan.Value {
	if of.Kind != jsonscan.Object {
		return jsonscan.Value{}
	}
	return of.Get(name)
}

// list is a list in JSON that grows. Beyond its limit it takes no more: an answer of so many items tells nothing.
type list struct {
	json  []byte
	count int
}

// maxPieces is how many pieces of an answer are put together; each delta of Gemini's is one.
const maxPieces = 1 << 16

func (l *list) add(pieces ...[]byte) {
	if l.count++; l.count > maxPieces {
		return
	}
	if len(l.json) > 0 {
		l.json = append(l.json, ',')
	}
	for _, piece := range pieces {
		l.json = append(l.json, piece...)
	}
}

// in is the list in its brackets, with what stands before and behind it; nothing if it is empty.
func (l *list) in(before, behind string) []byte {
	if l.count == 0 || l.count > maxPieces {
		return nil
	}
	return append(append([]byte(before), l.json...), behind...)
}

func addString(dst *[]byte, text jsonscan.Value) {
	if text.Kind == jsonscan.String {
		*dst = append(*dst, text.Raw...)
	}
}
