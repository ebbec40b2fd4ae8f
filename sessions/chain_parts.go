package sessions

import (
	"slices"

	"github.com/cespare/xxhash/v2"
)

// part is what was read of one part of a message's content.
type part struct {
	kind, text, thought, name, input, content value
	call, response                            value
}

func (p *part) slot(name []byte) *value {
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

// parts reads a list of parts from its bracket on and moves past it.
func (c *chain) parts(at *cursor, v voice) {
	at.enter()
	for at.element() {
		switch at.kind() {
		case object:
			c.part(at, v)
		case text:
			words, _ := at.value()
			c.say(wordsOf(v), words)
		default:
			if _, ok := at.value(); !ok {
				return
			}
		}
	}
}

func wordsOf(v voice) byte {
	if v == assistant {
		return assistantText
	}
	return userText
}

// part reads one part from its bracket on.
func (c *chain) part(at *cursor, v voice) {
	p, whole := readPart(at)
	switch {
	case p.thought.kind == boolean && p.thought.raw[0] == 't':
	case p.call.kind == object:
		c.call(p.call.get("name"), p.call.get("args"))
	case p.response.kind == object:
		c.add(toolResult, resultSum(p.response.get("response")))
	case p.kind.ends("tool_use"):
		c.call(p.name, p.input)
	case p.kind.ends("tool_result"):
		c.add(toolResult, resultSum(p.content))
	case p.isThinking():
	case p.isText():
		c.say(wordsOf(v), p.text)
	case p.isEmpty():
	case v == assistant:
		c.add(assistantMedia, sumOf(whole, passing))
	default:
		c.add(userMedia, sumOf(whole, passing))
	}
}

// readPart reads a part from its bracket on and moves past it. Of members of one name the first counts.
func readPart(at *cursor) (p part, whole value) {
	begin := *at
	at.enter()
	for {
		name, ok := at.next()
		if !ok {
			break
		}
		v, ok := at.value()
		if !ok {
			break
		}
		var buf nameBuffer
		if slot := p.slot(buf.decode(name)); slot != nil && slot.kind == absent {
			*slot = v
		}
	}
	return p, begin.until(at)
}

// isThinking: thoughts are sent back or left out as the client and the upstream like.
func (p *part) isThinking() bool {
	return p.kind.is("thinking") || p.kind.is("redacted_thinking") || p.kind.is("reasoning")
}

func (p *part) isText() bool {
	return p.text.kind == text &&
		(p.kind.kind == absent || p.kind.is("text") || p.kind.is("input_text") || p.kind.is("output_text"))
}

// isEmpty: a part without anything that this package knows how to tell apart from nothing.
func (p *part) isEmpty() bool { return p.kind.kind == absent && p.text.kind != absent }

// passing are members that vary without meaning: marks of caches, ids, signatures, what an upstream adds to its answer.
func passing(name []byte) bool {
	switch string(name) {
	case "cache_control", "id", "status", "annotations", "citations", "logprobs", "signature", "thoughtSignature",
		"thought_signature", "call_id":
		return true
	default:
		return false
	}
}

// call takes a tool call of the assistant's. Its arguments may be JSON or JSON inside a string; a tool without any is
// called with an empty object by some and with nothing by others.
func (c *chain) call(name, arguments value) {
	none := valueSum(value{kind: object})
	var sum uint64
	switch arguments.kind {
	case absent, null:
		sum = none
	case text:
		inside := arguments.trim()
		var first [1]byte
		switch inside.text().head(first[:]); {
		case len(inside.raw) == 0:
			sum = none
		case first[0] == '{':
			c.arguments = appendText(slices.Grow(c.arguments[:0], len(inside.raw)), inside.raw)
			sum = valueSum(value{kind: object, raw: c.arguments})
		default:
			sum = mix('s', textSum(inside), 0)
		}
	default:
		sum = valueSum(arguments)
	}
	c.add(toolCall, mix('f', textSum(name), sum))
}

// resultSum is the digest of what a tool returned: of its texts, and of everything else in their order.
func resultSum(v value) uint64 {
	switch v.kind {
	case text:
		return textSum(v.trim())
	case list:
		return listSum(v)
	default:
		return valueSum(v)
	}
}

func listSum(v value) uint64 {
	var words xxhash.Digest
	words.Reset()
	var media uint64
	at := v.cursor()
	at.enter()
	for at.element() {
		switch at.kind() {
		case object:
			p, whole := readPart(&at)
			if p.isText() {
				writeText(&words, p.text.trim())
			} else {
				media = mix('m', media, sumOf(whole, passing))
			}
		case text:
			other, _ := at.value()
			writeText(&words, other.trim())
		default:
			other, _ := at.value()
			media = mix('m', media, valueSum(other))
		}
	}
	if media == 0 {
		return words.Sum64()
	}
	return mix('m', media, words.Sum64())
}
