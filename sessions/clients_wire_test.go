package sessions_test

import (
	"encoding/json"
	"fmt"
)

// event is something that happened in a conversation: the person said something ('u'), the assistant answered and may have
// called tools ('a'), or their results came back ('r').
type event struct {
	by                   byte
	text, thought, image string
	// extra is what the client adds to the person's words, in a part of its own.
	extra string
	calls []toolUse
}

type toolUse struct{ name, path, result string }

// clientForm is how a client writes what was said.
type clientForm struct {
	// parts: texts stand in parts, also where they are alone.
	parts bool
	// empty is the content of an answer that only calls tools; missing: it has none.
	empty   any
	missing bool
	// inline: the upstream thinks in the text of its answer, between tags; thinks: so does the history.
	inline, thinks bool
	// marks: the last message has a mark for the cache. renumbers: calls have other ids in each request.
	marks, renumbers bool
}

// clientWire writes a request, and the answer that an upstream gives it.
type clientWire struct {
	request func(f clientForm, events []event, number int) any
	answer  func(f clientForm, e event) any
}

var (
	chatClient      = clientWire{chatRequest, chatAnswer}
	messagesClient  = clientWire{messagesRequest, messagesAnswer}
	responsesClient = clientWire{responsesRequest, responsesAnswer}
	geminiClient    = clientWire{geminiRequest, geminiAnswer}
)

func encoded(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}

func instructed(number int) string { return fmt.Sprintf("You help. It is request %d.", number) }

// callID is that of a call of the event at an index, counted from 0.
func (f clientForm) callID(number, index, call int) string {
	if !f.renumbers {
		number = 0
	}
	return fmt.Sprintf("call_%d_%d_%d", number, index, call)
}

func thinking(e event) string {
	if e.thought == "" {
		return e.text
	}
	return "<think>\n" + e.thought + "\n</think>\n\n" + e.text
}

func chatRequest(f clientForm, events []event, number int) any {
	messages := []any{object{"role": "system", "content": instructed(number)}}
	for i, e := range events {
		switch e.by {
		case 'u':
			messages = append(messages, object{"role": "user", "content": f.chatContent(e)})
		case 'r':
			for n, c := range e.calls {
				messages = append(messages, object{"role": "tool", "tool_call_id": f.callID(number, i-1, n), "content": c.result})
			}
		default:
			if f.thinks {
				e.text = thinking(e)
			}
			messages = append(messages, f.chatAssistant(e, number, i))
		}
	}
	return object{"model": "m", "messages": messages}
}

func (f clientForm) chatContent(e event) any {
	if !f.parts && e.image == "" && e.extra == "" {
		return e.text
	}
	parts := []any{object{"type": "text", "text": e.text}}
	if e.image != "" {
		parts = append(parts, object{"type": "image_url", "image_url": object{"url": e.image}})
	}
	if e.extra != "" {
		parts = append(parts, object{"type": "text", "text": e.extra})
	}
	return parts
}

func (f clientForm) chatAssistant(e event, number, index int) object {
	message := object{"role": "assistant"}
	switch {
	case e.text != "" || len(e.calls) == 0:
		message["content"] = f.chatContent(e)
	case !f.missing:
		message["content"] = f.empty
	}
	var calls []any
	for n, c := range e.calls {
		calls = append(calls, object{"id": f.callID(number, index, n), "type": "function", "function": object{
			"name": c.name, "arguments": string(encoded(object{"path": c.path})),
		}})
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	return message
}

func chatAnswer(f clientForm, e event) any {
	if f.inline {
		e.text = thinking(e)
	}
	message := clientForm{}.chatAssistant(e, 0, 0)
	message["refusal"] = nil
	if !f.inline && e.thought != "" {
		message["reasoning_content"] = e.thought
	}
	return object{"object": "chat.completion", "choices": []any{object{"index": 0, "message": message}}}
}

func messagesRequest(f clientForm, events []event, number int) any {
	var messages []any
	for i, e := range events {
		role, blocks := "user", []any{}
		switch e.by {
		case 'r':
			for n, c := range e.calls {
				blocks = append(blocks, object{"type": "tool_result", "tool_use_id": f.callID(number, i-1, n),
					"content": []any{object{"type": "text", "text": c.result}}})
			}
		case 'a':
			role, blocks = "assistant", messagesBlocks(f, e, number, i)
		}
		if e.by == 'u' {
			blocks = append(blocks, object{"type": "text", "text": e.text})
		}
		if e.image != "" {
			blocks = append(blocks, object{"type": "image", "source": object{"type": "base64", "data": e.image}})
		}
		if e.extra != "" {
			blocks = append(blocks, object{"type": "text", "text": e.extra})
		}
		if f.marks && i == len(events)-1 {
			blocks[len(blocks)-1].(object)["cache_control"] = object{"type": "ephemeral"}
		}
		messages = append(messages, object{"role": role, "content": blocks})
	}
	return object{"model": "m", "max_tokens": 8192, "system": instructed(number), "messages": messages}
}

func messagesBlocks(f clientForm, e event, number, index int) []any {
	blocks := []any{}
	if e.thought != "" {
		blocks = append(blocks, object{"type": "thinking", "thinking": e.thought, "signature": "Er"})
	}
	if e.text != "" {
		blocks = append(blocks, object{"type": "text", "text": e.text})
	}
	for n, c := range e.calls {
		blocks = append(blocks, object{"type": "tool_use", "id": f.callID(number, index, n), "name": c.name, "input": object{"path": c.path}})
	}
	return blocks
}

func messagesAnswer(f clientForm, e event) any {
	return object{"id": "msg_1", "type": "message", "role": "assistant", "stop_reason": "end_turn", "content": messagesBlocks(f, e, 0, 0)}
}

func responsesRequest(f clientForm, events []event, number int) any {
	items := []any{object{"role": "developer", "content": instructed(number)}}
	for i, e := range events {
		switch e.by {
		case 'u':
			items = append(items, object{"role": "user", "content": []any{object{"type": "input_text", "text": e.text}}})
		case 'r':
			for n, c := range e.calls {
				items = append(items, object{"type": "function_call_output", "call_id": f.callID(number, i-1, n), "output": c.result})
			}
		default:
			items = append(items, responsesItems(f, e, number, i)...)
		}
	}
	return object{"model": "m", "store": false, "include": []any{"reasoning.encrypted_content"}, "input": items}
}

func responsesItems(f clientForm, e event, number, index int) (items []any) {
	if e.thought != "" {
		items = append(items, object{"type": "reasoning", "summary": []any{}, "encrypted_content": "gAAAA" + e.thought})
	}
	if e.text != "" {
		items = append(items, object{"role": "assistant", "content": []any{object{"type": "output_text", "text": e.text}}})
	}
	for n, c := range e.calls {
		items = append(items, object{"type": "function_call", "call_id": f.callID(number, index, n), "name": c.name,
			"arguments": string(encoded(object{"path": c.path}))})
	}
	return items
}

func responsesAnswer(f clientForm, e event) any {
	return object{"object": "response", "id": "resp_1", "store": false, "output": responsesItems(f, e, 0, 0)}
}

func geminiRequest(f clientForm, events []event, number int) any {
	var contents []any
	for _, e := range events {
		role, parts := "user", []any{}
		switch e.by {
		case 'r':
			for _, c := range e.calls {
				parts = append(parts, object{"functionResponse": object{"name": c.name, "response": object{"result": c.result}}})
			}
		case 'a':
			e.thought = "" // what was thought stays away, but for its signature
			role, parts = "model", geminiParts(f, e, number)
		default:
			parts = append(parts, object{"text": e.text})
		}
		if e.image != "" {
			parts = append(parts, object{"inlineData": object{"mimeType": "image/png", "data": e.image}})
		}
		contents = append(contents, object{"role": role, "parts": parts})
	}
	return object{"systemInstruction": object{"parts": []any{object{"text": instructed(number)}}}, "contents": contents}
}

func geminiParts(f clientForm, e event, number int) []any {
	parts := []any{}
	if e.thought != "" {
		parts = append(parts, object{"text": e.thought, "thought": true})
	}
	if e.text != "" {
		parts = append(parts, object{"text": e.text})
	}
	for n, c := range e.calls {
		args := object{"name": c.name, "args": object{"path": c.path}}
		if f.renumbers {
			args["id"] = f.callID(number, 0, n)
		}
		parts = append(parts, object{"functionCall": args, "thoughtSignature": "CsAB"})
	}
	return parts
}

func geminiAnswer(f clientForm, e event) any {
	return object{"candidates": []any{object{"content": object{"role": "model", "parts": geminiParts(f, e, 0)}}}}
}
