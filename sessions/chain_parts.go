package sessions

import (
	"github.com/cespare/xxhash/v2"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// part is what was read of one part of a message's content.
type part struct {
	kind, text, thought, name, input, content jsonscan.Value
	call, response                            jsonscan.Value
}

func (p *part) field(name []byte) *jsonscan.Value {
	switch string(name) {
	case "type":
		return &p.kind
	case "text":
		return &p.text
	case "thought":
		return &p.thought
	case "name":
		return &p.name
	case "input":
		return &p.input
	case "content":
		return &p.content
	case "functionCall", "function_call":
		return &p.call
	case "functionResponse", "function_response":
		return &p.response
	default:
		return nil
	}
}

// readParts reads a list of parts from its bracket on and moves past it. A message of nothing but reminders begins no turn.
func (c *chain) readParts(at *jsonscan.Cursor, v author) {
	begins := true
	at.Enter()
	for at.Element() {
		var counts bool
		switch at.Kind() {
		case jsonscan.Object:
			counts = c.addPart(at, v)
		case jsonscan.String:
			words, _ := at.Value()
			counts = c.addWords(words, v)
		default:
			if _, counts = at.Value(); !counts {
				return
			}
		}
		begins = begins && counts
	}
	if begins {
		c.startTurn(v)
	}
}

// addPart reads one part from its bracket on. False: it does not count.
func (c *chain) addPart(at *jsonscan.Cursor, v author) bool {
	var p part
	whole := p.read(at)
	if p.isPlainText() {
		return c.addWords(p.text, v)
	}
	c.startTurn(v)
	switch {
	case p.thought.Kind == jsonscan.Boolean && p.thought.Raw[0] == 't':
	case p.call.Kind == jsonscan.Object:
		c.addCall(p.call.Get("name"), p.call.Get("args"))
	case p.response.Kind == jsonscan.Object:
		c.addItem(toolResult, resultSum(p.response.Get("response")))
	case p.kind.HasSuffix("tool_use"):
		c.addCall(p.name, p.input)
	case p.kind.HasSuffix("tool_result"):
		c.addItem(toolResult, resultSum(p.content))
	case p.isThinking():
	case p.isEmpty():
	case v == assistant:
		c.addItem(assistantMedia, sumOf(whole, isIncidental))
	default:
		c.addItem(userMedia, sumOf(whole, isIncidental))
	}
	return true
}

// read reads a part from its bracket on and moves past it. Of members of one name the first counts.
func (p *part) read(at *jsonscan.Cursor) (whole jsonscan.Value) {
	begin := *at
	at.Enter()
	for {
		name, ok := at.Member()
		if !ok {
			break
		}
		v, ok := at.Value()
		if !ok {
			break
		}
		var buf jsonscan.NameBuffer
		if slot := p.field(buf.Decode(name)); slot != nil && slot.Kind == jsonscan.Absent {
			*slot = v
		}
	}
	return begin.Until(at)
}

// isThinking: thoughts are sent back or left out as the client and the upstream like.
func (p *part) isThinking() bool {
	return p.kind.Is("thinking") || p.kind.Is("redacted_thinking") || p.kind.Is("reasoning")
}

// isPlainText: a text, and nothing else that counts.
func (p *part) isPlainText() bool {
	thought := p.thought.Kind == jsonscan.Boolean && p.thought.Raw[0] == 't'
	return p.isText() && !thought && p.call.Kind != jsonscan.Object && p.response.Kind != jsonscan.Object
}

func (p *part) isText() bool {
	return p.text.Kind == jsonscan.String &&
		(p.kind.Kind == jsonscan.Absent || p.kind.Is("text") || p.kind.Is("input_text") || p.kind.Is("output_text"))
}

// isEmpty: a part without anything that this package knows how to tell apart from nothing.
func (p *part) isEmpty() bool {
	return p.kind.Kind == jsonscan.Absent && p.text.Kind != jsonscan.Absent
}

// isIncidental are members that vary without meaning: marks of caches, ids, signatures, what an upstream adds to its answer.
func isIncidental(name []byte) bool {
	switch string(name) {
	case "cache_control", "id", "status", "annotations", "citations", "logprobs", "signature", "thoughtSignature",
		"thought_signature", "call_id":
		return true
	default:
		return false
	}
}

// addCall takes a tool call of the assistant's. Its arguments may be JSON or JSON inside a string; a tool without any is
// called with an empty object by some and with nothing by others.
func (c *chain) addCall(name, arguments jsonscan.Value) {
	none := valueSum(jsonscan.Value{Kind: jsonscan.Object})
	var sum uint64
	switch arguments.Kind {
	case jsonscan.Absent, jsonscan.Null:
		sum = none
	case jsonscan.String:
		inside := arguments.Trim()
		var first [1]byte
		switch inside.Text().Head(first[:]); {
		case len(inside.Raw) == 0:
			sum = none
		case first[0] == '{':
			sum = valueSum(jsonscan.Value{Kind: jsonscan.Object, Raw: c.decode(inside)})
		default:
			sum = mix('s', textSum(inside), 0)
		}
	default:
		sum = valueSum(arguments)
	}
	c.addItem(toolCall, mix('f', textSum(name), sum))
}

// resultSum is the digest of what a tool returned: of its texts, and of everything else in their order.
func resultSum(v jsonscan.Value) uint64 {
	switch v.Kind {
	case jsonscan.String:
		return textSum(v.Trim())
	case jsonscan.Array:
		return listSum(v)
	default:
		return valueSum(v)
	}
}

func listSum(v jsonscan.Value) uint64 {
	var words xxhash.Digest
	words.Reset()
	var media uint64
	at := v.Cursor()
	at.Enter()
	for at.Element() {
		switch at.Kind() {
		case jsonscan.Object:
			var p part
			whole := p.read(&at)
			if p.isText() {
				writeText(&words, p.text.Trim())
			} else {
				media = mix('m', media, sumOf(whole, isIncidental))
			}
		case jsonscan.String:
			other, _ := at.Value()
			writeText(&words, other.Trim())
		default:
			other, _ := at.Value()
			media = mix('m', media, valueSum(other))
		}
	}
	if media == 0 {
		return words.Sum64()
	}
	return mix('m', media, words.Sum64())
}
