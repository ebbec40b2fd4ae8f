package sessions_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// turn is something that happened in a synthetic conversation: the person says something ('u'), the assistant answers and
// may call a tool ('a'), or the tool's result comes back ('r').
type turn struct {
	by          byte
	text, image string
	tool, path  string
	number      int
	id, result  string
	thought     bool
	// sent: the thought comes back in every request, not only in some.
	sent bool
}

// wire writes conversations as clients do, with all that varies without meaning: white space, the order of members, ids of
// tool calls, marks of caches, thoughts that are sent back or not, a text alone or as a part.
type wire struct {
	*rand.Rand
	name string
	// request is the body; answer is what the upstream sends for a turn of the assistant.
	request func(w wire, system string, turns []turn) string
	answer  func(w wire, t turn) string
}

// encrypts reports whether thoughts come back in a form that only the upstream's account can read.
func (w wire) encrypts() bool { return w.name == "responses" || w.name == "frames" }

func wires(r *rand.Rand) []wire {
	chat := func(w wire, t turn) string { return w.object(`"role":"assistant"`, w.content(t.text), w.toolCalls(t)) }
	claude := func(w wire, t turn) string {
		return w.object(`"role":"assistant"`, `"content":`+w.claudeParts(t, false))
	}
	gemini := func(w wire, t turn) string { return w.object(`"role":"model"`, `"parts":`+w.geminiParts(t)) }
	output := func(w wire, t turn) string {
		return w.object(`"id":"resp_`+t.id+`"`, `"output":[`+strings.Join(w.items(t), ",")+`]`)
	}
	contents := func(w wire, system string, turns []turn) string {
		return w.object(`"systemInstruction":{"parts":[{"text":`+quote(system)+`}]}`,
			`"contents":[`+w.join(turns, func(t turn) string {
				if t.by == 'a' {
					return gemini(w, t)
				}
				return w.object(`"role":"user"`, `"parts":`+w.geminiParts(t))
			})+`]`)
	}
	input := func(w wire, system string, turns []turn, item func(t turn) string) string {
		return w.object(`"instructions":`+quote(system), `"input":[`+w.join(turns, item)+`]`)
	}
	full := func(w wire, system string, turns []turn) string {
		return input(w, system, turns, func(t turn) string { return strings.Join(w.items(t), ",") })
	}
	return []wire{
		{r, "chat", func(w wire, system string, turns []turn) string {
			return w.object(`"model":"m"`, `"messages":[`+w.object(`"role":"system"`, `"content":`+quote(system))+","+
				w.join(turns, func(t turn) string { return w.chatMessage(t, chat) })+`]`)
		}, func(w wire, t turn) string { return `{"choices":[{"index":0,"message":` + chat(w, t) + `}]}` }},
		{r, "messages", func(w wire, system string, turns []turn) string {
			return w.object(`"system":`+quote(system), `"max_tokens":100`, `"messages":[`+w.join(turns, func(t turn) string {
				if t.by == 'a' {
					return claude(w, t)
				}
				return w.object(`"role":"user"`, `"content":`+w.claudeParts(t, true))
			})+`]`)
		}, claude},
		{r, "responses", full, output},
		{r, "references", func(w wire, system string, turns []turn) string {
			return input(w, system, turns, func(t turn) string {
				if t.by != 'a' {
					return strings.Join(w.items(t), ",")
				}
				return strings.Join(w.references(t), ",")
			})
		}, output},
		{r, "frames", func(w wire, system string, turns []turn) string {
			return `{"type":"response.create","response":` + full(w, system, turns) + `}`
		}, func(w wire, t turn) string { return `{"type":"response.completed","response":` + output(w, t) + `}` }},
		{r, "gemini", contents, func(w wire, t turn) string { return `{"candidates":[{"content":` + gemini(w, t) + `}]}` }},
		{r, "code-assist", func(w wire, system string, turns []turn) string {
			return w.object(`"model":"m"`, `"request":`+contents(w, system, turns))
		}, func(w wire, t turn) string { return `{"response":{"candidates":[{"content":` + gemini(w, t) + `}]}}` }},
	}
}

func quote(text string) string {
	encoded, _ := json.Marshal(text)
	return string(encoded)
}

func (w wire) often() bool { return w.IntN(2) == 0 }

// object is one of members in any order; empty ones are left out.
func (w wire) object(members ...string) string {
	var kept []string
	for _, i := range w.Perm(len(members)) {
		if members[i] != "" {
			kept = append(kept, members[i])
		}
	}
	space := [2]string{"", " \n"}[w.IntN(2)]
	return "{" + space + strings.Join(kept, ","+space) + "}"
}

func (w wire) join(turns []turn, one func(t turn) string) string {
	var all []string
	for _, t := range turns {
		all = append(all, one(t))
	}
	return strings.Join(all, ",")
}

// content is a text alone or in a part.
func (w wire) content(text string) string {
	if w.often() {
		return `"content":[` + w.object(`"type":"text"`, `"text":`+quote(text)) + `]`
	}
	return `"content":` + quote(text)
}

func (w wire) arguments(t turn) string {
	number := [3]string{"%d", "%d.0", "%de0"}[w.IntN(3)]
	return w.object(`"path":`+quote(t.path), `"number":`+fmt.Sprintf(number, t.number))
}

func (w wire) toolCalls(t turn) string {
	if t.tool == "" {
		return ""
	}
	f := w.object(`"name":`+quote(t.tool), `"arguments":`+quote(w.arguments(t)))
	return fmt.Sprintf(`"tool_calls":[{"id":"call_%d","type":"function","function":%s}]`, w.Uint32(), f)
}

func (w wire) chatMessage(t turn, assistant func(wire, turn) string) string {
	switch t.by {
	case 'a':
		return assistant(w, t)
	case 'r':
		return w.object(`"role":"tool"`, fmt.Sprintf(`"tool_call_id":"call_%d"`, w.Uint32()), w.content(t.result))
	}
	if t.image == "" {
		return w.object(`"role":"user"`, w.content(t.text))
	}
	return w.object(`"role":"user"`, `"content":[{"type":"text","text":`+quote(t.text)+`},`+
		w.object(`"type":"image_url"`, `"image_url":{"url":`+quote(t.image)+`}`)+`]`)
}

func (w wire) cached() string {
	if w.often() {
		return `"cache_control":{"type":"ephemeral"}`
	}
	return ""
}

func (w wire) claudeParts(t turn, alone bool) string {
	if alone && t.image == "" && t.by == 'u' && w.often() {
		return quote(t.text)
	}
	var parts []string
	if t.by == 'r' {
		parts = append(parts, w.object(`"type":"tool_result"`, fmt.Sprintf(`"tool_use_id":"t%d"`, w.Uint32()), w.content(t.result), w.cached()))
	}
	if t.by == 'a' && t.thought && w.often() {
		parts = append(parts, `{"type":"thinking","thinking":"so","signature":"x"}`)
	}
	if t.text != "" {
		parts = append(parts, w.object(`"type":"text"`, `"text":`+quote(t.text), w.cached()))
	}
	if t.image != "" {
		parts = append(parts, w.object(`"type":"image"`, `"source":{"type":"base64","data":`+quote(t.image)+`}`, w.cached()))
	}
	if t.tool != "" {
		parts = append(parts, w.object(`"type":"tool_use"`, fmt.Sprintf(`"id":"t%d"`, w.Uint32()), `"name":`+quote(t.tool),
			`"input":`+w.arguments(t)))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (w wire) geminiParts(t turn) string {
	var parts []string
	if t.by == 'r' {
		parts = append(parts, `{"functionResponse":`+w.object(`"name":"x"`, `"response":{"output":`+quote(t.result)+`}`)+`}`)
	}
	if t.by == 'a' && t.thought && w.often() {
		parts = append(parts, `{"text":"so","thought":true}`)
	}
	if t.text != "" {
		parts = append(parts, w.object(`"text":`+quote(t.text)))
	}
	if t.image != "" {
		parts = append(parts, `{"inlineData":`+w.object(`"mimeType":"image/png"`, `"data":`+quote(t.image))+`}`)
	}
	if t.tool != "" {
		signature := ""
		if w.often() {
			signature = `"thoughtSignature":"x"`
		}
		parts = append(parts, w.object(`"functionCall":`+w.object(`"name":`+quote(t.tool), `"args":`+w.arguments(t)), signature))
	}
	return "[" + strings.Join(parts, ",") + "]"
}

// items are those of the Responses API for a turn.
func (w wire) items(t turn) (items []string) {
	switch t.by {
	case 'r':
		return []string{w.object(`"type":"function_call_output"`, fmt.Sprintf(`"call_id":"c%d"`, w.Uint32()), `"output":`+quote(t.result))}
	case 'u':
		image := ""
		if t.image != "" {
			image = "," + w.object(`"type":"input_image"`, `"image_url":`+quote(t.image))
		}
		return []string{w.object(`"role":"user"`, `"content":[`+w.object(`"type":"input_text"`, `"text":`+quote(t.text))+image+`]`)}
	}
	if t.thought && (t.sent || w.often()) {
		items = append(items, w.object(`"type":"reasoning"`, `"id":"rs_`+t.id+`"`, `"summary":[]`, `"encrypted_content":"gAAAAA`+t.id+`"`))
	}
	if t.text != "" {
		items = append(items, w.object(`"type":"message"`, `"role":"assistant"`, `"id":"msg_`+t.id+`"`,
			`"content":[`+w.object(`"type":"output_text"`, `"text":`+quote(t.text), `"annotations":[]`)+`]`))
	}
	if t.tool != "" {
		items = append(items, w.object(`"type":"function_call"`, `"id":"fc_`+t.id+`"`, `"name":`+quote(t.tool),
			`"arguments":`+quote(w.arguments(t))))
	}
	return items
}

func (w wire) references(t turn) (items []string) {
	for _, kind := range []struct {
		prefix string
		there  bool
	}{{"rs_", t.thought && w.often()}, {"msg_", t.text != ""}, {"fc_", t.tool != ""}} {
		if kind.there {
			items = append(items, w.object(`"type":"item_reference"`, `"id":"`+kind.prefix+t.id+`"`))
		}
	}
	return items
}
