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
	usage     Usage
	// responseID and messageID are the last ones.
	responseID, messageID jsonscan.Value
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

// readChunks reads a list of what a stream has, from its bracket on: of Gemini's responses, which do not come as events
// unless that was asked for.
func readChunks(at jsonscan.Cursor) *streamed {
	s := &streamed{}
	at.Enter()
	for at.Element() && at.Kind() == jsonscan.Object {
		s.take(readEvent(&at))
	}
	return s
}

// answer is what was put together.
func (s *streamed) answer() Answer {
	a := Answer{Digest: digestOf(s.message()), Usage: s.usage}
	a.ResponseID, _ = idOf(s.responseID)
	a.MessageID, _ = idOf(s.messageID)
	return a
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
	s.takeKept(e.response, &s.responseID)
	s.takeKept(e.message, &s.messageID)
}

// takeKept takes what a response or message in an event tells beside its words.
func (s *streamed) takeKept(of jsonscan.Value, id *jsonscan.Value) {
	s.usage.take(member(of, "usage"), member(of, "usageMetadata"))
	if kept := keptID(of); kept.Kind == jsonscan.String {
		*id = kept
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
