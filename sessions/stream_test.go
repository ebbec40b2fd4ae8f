package sessions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
)

// streamer writes an answer as the upstreams stream it: in pieces that end anywhere.
type streamer struct {
	t      *testing.T
	random *rand.Rand
	out    bytes.Buffer
	// named: events have names. ending is that of lines.
	named  bool
	ending string
}

type object = map[string]any

// streamed returns the stream of a message or response of any wire format.
func streamed(t *testing.T, message json.RawMessage, seed uint64) []byte {
	t.Helper()
	s := &streamer{t: t, random: rand.New(rand.NewPCG(seed, 0)), named: seed%2 == 0, ending: []string{"\n", "\r\n", "\r"}[seed%3]}
	var m object
	decode(t, message, &m)
	if list, ok := m["choices"].([]any); ok {
		m = list[0].(object)["message"].(object)
	}
	if list, ok := m["candidates"].([]any); ok {
		m = list[0].(object)["content"].(object)
	}
	_, calls := m["tool_calls"]
	_, call := m["function_call"]
	blocks, isList := m["content"].([]any)
	switch {
	case m["output"] != nil:
		s.response(m["output"].([]any), seed%5 == 0)
	case m["parts"] != nil:
		s.gemini(m["parts"].([]any))
	case isList && !calls && !call:
		s.messages(blocks)
	default:
		s.chat(m)
	}
	return s.out.Bytes()
}

func (s *streamer) event(name string, data object) {
	s.t.Helper()
	if s.random.IntN(4) == 0 {
		s.line(": keep-alive")
		s.line("")
	}
	if s.named {
		s.line("event: " + name)
	}
	text, err := json.Marshal(data)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.random.IntN(4) == 0 { // one datum on two lines
		s.line("data: {")
		text = text[1:]
	}
	s.line("data: " + string(text))
	s.line("")
}

func (s *streamer) line(text string) { s.out.WriteString(text + s.ending) }

// pieces cuts a text anywhere between its characters.
func (s *streamer) pieces(text any) (pieces []string) {
	rest := []rune(text.(string))
	for len(rest) > 0 {
		n := 1 + s.random.IntN(min(len(rest), 40))
		pieces, rest = append(pieces, string(rest[:n])), rest[n:]
	}
	return pieces
}

func (s *streamer) json(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *streamer) messages(blocks []any) {
	s.event("message_start", object{"type": "message_start", "message": object{
		"id": "msg_1", "role": "assistant", "content": []any{}, "usage": object{"input_tokens": 5, "cache_read_input_tokens": 3, "output_tokens": 1},
	}})
	for i, each := range blocks {
		block, ok := each.(object)
		if !ok {
			block = object{"type": "text", "text": each}
		}
		begun, deltas := object{}, []object{}
		maps.Copy(begun, block)
		if text, ok := block["text"].(string); ok {
			begun["text"] = ""
			for _, piece := range s.pieces(text) {
				deltas = append(deltas, object{"type": "text_delta", "text": piece})
			}
		}
		if input, ok := block["input"]; ok {
			begun["input"] = object{}
			for _, piece := range s.pieces(s.json(input)) {
				deltas = append(deltas, object{"type": "input_json_delta", "partial_json": piece})
			}
		}
		s.event("content_block_start", object{"type": "content_block_start", "index": i, "content_block": begun})
		for _, delta := range deltas {
			s.event("content_block_delta", object{"type": "content_block_delta", "index": i, "delta": delta})
		}
		s.event("content_block_stop", object{"type": "content_block_stop", "index": i})
	}
	s.event("message_delta", object{"type": "message_delta", "delta": object{"stop_reason": "end_turn"}, "usage": object{"output_tokens": 7}})
	s.event("message_stop", object{"type": "message_stop"})
}

func (s *streamer) chunk(delta object) {
	s.event("", object{"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": []any{object{"index": 0, "delta": delta, "finish_reason": nil}}})
}

func (s *streamer) chat(m object) {
	s.named = false
	s.chunk(object{"role": "assistant", "content": ""})
	if text, ok := m["content"].(string); ok {
		for _, piece := range s.pieces(text) {
			s.chunk(object{"content": piece})
		}
	} else if m["content"] != nil {
		s.chunk(object{"content": m["content"]})
	}
	calls, _ := m["tool_calls"].([]any)
	for i, each := range calls {
		call := each.(object)
		kind, argument := "function", "arguments"
		if call["custom"] != nil {
			kind, argument = "custom", "input"
		}
		f := call[kind].(object)
		s.chunk(object{"tool_calls": []any{object{"index": i, "id": fmt.Sprint("call_", i), "type": kind, kind: object{"name": f["name"], argument: ""}}}})
		if f[argument] == nil {
			continue
		}
		for _, piece := range s.pieces(s.json(f[argument])) {
			s.chunk(object{"tool_calls": []any{object{"index": i, kind: object{argument: piece}}}})
		}
	}
	if call, ok := m["function_call"].(object); ok {
		s.chunk(object{"function_call": call})
	}
	s.event("", object{"choices": []any{object{"index": 0, "delta": object{}, "finish_reason": "stop"}}})
	s.event("", object{"choices": []any{}, "usage": object{
		"prompt_tokens": 8, "completion_tokens": 7, "prompt_tokens_details": object{"cached_tokens": 3},
	}})
	s.line("data: [DONE]")
	s.line("")
}

// response writes the events of items; some upstreams leave them away in the response that ends the stream.
func (s *streamer) response(items []any, bare bool) {
	s.event("response.created", object{"type": "response.created", "response": object{"id": "resp_1", "output": []any{}}})
	for i, item := range items {
		s.event("response.output_item.added", object{"type": "response.output_item.added", "output_index": i, "item": object{"type": "message"}})
		for _, piece := range s.pieces("texts that the item repeats") {
			s.event("response.output_text.delta", object{"type": "response.output_text.delta", "output_index": i, "delta": piece})
		}
		s.event("response.output_item.done", object{"type": "response.output_item.done", "output_index": i, "item": item})
	}
	if bare {
		items = []any{}
	}
	s.event("response.completed", object{"type": "response.completed", "response": object{"id": "resp_1", "output": items, "usage": object{
		"input_tokens": 8, "output_tokens": 7, "input_tokens_details": object{"cached_tokens": 3},
	}}})
}

func (s *streamer) gemini(parts []any) {
	s.named = false
	for _, part := range parts {
		p := part.(object)
		text, ok := p["text"].(string)
		if !ok || strings.TrimSpace(text) == "" {
			s.candidate(p)
			continue
		}
		for _, piece := range s.pieces(text) {
			cut := object{}
			maps.Copy(cut, p)
			cut["text"] = piece
			s.candidate(cut)
		}
	}
}

func (s *streamer) candidate(part object) {
	s.event("", object{
		"candidates":    []any{object{"content": object{"role": "model", "parts": []any{part}}, "index": 0}},
		"usageMetadata": object{"promptTokenCount": 8, "cachedContentTokenCount": 3, "candidatesTokenCount": 5, "thoughtsTokenCount": 2},
	})
}
