package sessions_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

func byChain(body string) sessions.Identity {
	return sessions.Identify(nil, []byte(body), sessions.IdentificationChain)
}

// Requests that say the same are one conversation.
func TestChainLeavesOut(t *testing.T) {
	const plain = `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`
	for _, test := range []struct{ name, one, other string }{
		{"what instructs the model", plain, `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"a"},
			{"role":"assistant","content":"b"},{"role":"developer","content":"d"},{"role":"user","content":"c"}]}`},
		{"how messages of one side are split", plain, `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},
			{"role":"user","content":[{"type":"text","text":"c"},{"type":"text","text":" "}]},{"role":"user","content":""}]}`},
		{"the pieces in which an answer was streamed", `{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b c\n\td"}]}]}`,
			`{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b "},{"text":"c\n"}]},{"role":"model","parts":[{"text":"\t"},{"text":"d "}]}]}`},
		{"the wire format, of texts", plain, `{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]},{"role":"user","parts":[{"text":"c"}]}]}`},
		{"thoughts", plain, `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"x"},
			{"type":"text","text":"b"}],"reasoning_content":"x"},{"role":"user","content":"c"}]}`},
		{"thoughts of Gemini", `{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]}]}`,
			`{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"x","thought":true},{"text":"b","thoughtSignature":"s"}]}]}`},
		{"ids of tool calls and marks of caches", `{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"r"}]}]}`,
			`{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"2","content":[{"type":"text","text":"r","cache_control":{}}],"is_error":false}]}]}`},
		{"marks of caches on images", `{"messages":[{"role":"user","content":[{"type":"image","source":{"data":"x","type":"base64"}}]}]}`,
			`{"messages":[{"content":[{"cache_control":{"type":"ephemeral"},"source":{"type":"base64","data":"x"},"type":"image"}],"role":"user"}]}`},
		{"the model and everything else beside the messages", plain, strings.TrimSuffix(plain, "}") + `,"model":"m","tools":[1],"stream":true}`},
		{"a wrapping request", `{"contents":[{"parts":[{"text":"a"}]}]}`, `{"model":"m","request":{"contents":[{"parts":[{"text":"a"}]}]}}`},
		{"a WebSocket frame around it", `{"input":"a"}`, `{"type":"response.create","response":{"input":"a"}}`},
		{"a WebSocket frame beside it", `{"input":"a"}`, `{"type":"response.create","input":[{"role":"user","content":"a"}]}`},
		{"an item of OpenAI's batches", plain, `{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":` + plain + `}`},
		{"an item of Anthropic's batches", plain, `{"custom_id":"1","params":` + plain + `}`},
		{"thoughts kept by the upstream", `{"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"msg_1"}]}`,
			`{"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"rs_1"},{"type":"item_reference","id":"msg_1"}]}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			one, other := byChain(test.one), byChain(test.other)
			if one.Source != sessions.SourceChain || !equal(one, other) {
				t.Errorf("Identify(%s) = %q, Identify(%s) = %q", test.one, one.IDs, test.other, other.IDs)
			}
		})
	}
}

// Requests that do not say the same are not one conversation.
func TestChainTellsApart(t *testing.T) {
	for _, test := range []struct{ name, one, other string }{
		{"texts beyond their beginning", `{"input":"` + strings.Repeat("x", 5000) + `"}`, `{"input":"` + strings.Repeat("x", 5001) + `"}`},
		{"who said it", `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`,
			`{"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`},
		{"images", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"a"}}]}]}`,
			`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"b"}}]}]}`},
		{"data of Gemini", `{"contents":[{"parts":[{"inlineData":{"data":"a"}}]}]}`, `{"contents":[{"parts":[{"inlineData":{"data":"b"}}]}]}`},
		{"tools", `{"input":[{"type":"function_call","name":"a","arguments":"{}"}]}`, `{"input":[{"type":"function_call","name":"b","arguments":"{}"}]}`},
		{"arguments", `{"input":[{"type":"function_call","name":"a","arguments":"{\"x\":1}"}]}`, `{"input":[{"type":"function_call","name":"a","arguments":"{\"x\":2}"}]}`},
		{"inputs of free tools", `{"input":[{"type":"custom_tool_call","name":"a","input":"x"}]}`, `{"input":[{"type":"custom_tool_call","name":"a","input":"y"}]}`},
		{"results", `{"messages":[{"role":"tool","content":"a"}]}`, `{"messages":[{"role":"tool","content":"b"}]}`},
		{"persons", `{"metadata":{"user_id":"a"},"input":"x"}`, `{"metadata":{"user_id":"b"},"input":"x"}`},
		{"what an answer continues", `{"previous_response_id":"a","input":"x"}`, `{"previous_response_id":"b","input":"x"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			one, other := byChain(test.one), byChain(test.other)
			if one.Source != sessions.SourceChain || other.Source != sessions.SourceChain || one.IDs[0] == other.IDs[0] {
				t.Errorf("Identify(%s) = %q, Identify(%s) = %q", test.one, one.IDs, test.other, other.IDs)
			}
		})
	}
}

// An id that the client sends always wins; a person's is none.
func TestChainYieldsToIDs(t *testing.T) {
	const messages = `"messages":[{"role":"user","content":"a"}]`
	for _, test := range []struct{ name, header, body, want string }{
		{"of a header", "X-Session-ID: s", `{` + messages + `}`, "header:s"},
		{"of Claude Code", "X-Session-ID: s", `{` + messages + `,"metadata":{"user_id":"u_session_0a"}}`, "claude:0a"},
		{"of the body", "", `{` + messages + `,"prompt_cache_key":"k"}`, "pck:k"},
		{"of Code Assist", "", `{"request":{"contents":[{"parts":[{"text":"a"}]}],"session_id":"s"}}`, "session:s"},
		{"of a frame", "", `{"type":"response.create","response":{"input":"a","prompt_cache_key":"k"}}`, "pck:k"},
		{"not that of a person", "", `{` + messages + `,"metadata":{"user_id":"u"}}`, "chain:"},
		{"not that of a request", "X-Client-Request-Id: r", `{` + messages + `}`, "chain:"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var h sessions.Headers
			name, value, _ := strings.Cut(test.header, ": ")
			h.Add(name, value)
			got := sessions.Identify(&h, []byte(test.body), sessions.IdentificationChain)
			if len(got.IDs) == 0 || !strings.HasPrefix(got.IDs[0], test.want) || got.Source != sessions.SourceChain && got.IDs[0] != test.want {
				t.Errorf("Identify(%q, %s) = %q, want %q", test.header, test.body, got.IDs, test.want)
			}
		})
	}
}

func TestChainFirstTurns(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       bool
	}{
		{"a first message", `{"messages":[{"role":"user","content":"a"}]}`, true},
		{"a message of an assistant's that may be constant", `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`, true},
		{"a second answer", `{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"tool","content":"c"},{"role":"assistant","content":"d"}]}`, false},
		{"the continuation of a response", `{"previous_response_id":"r","input":"a"}`, false},
		{"an id", `{"session_id":"s","messages":[{"role":"user","content":"a"}]}`, false},
	} {
		if got := byChain(test.body); got.FirstTurn != test.want {
			t.Errorf("%s: FirstTurn = %v, want %v", test.name, got.FirstTurn, test.want)
		}
	}
}

func TestPins(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       []string
	}{
		{"none", `{"input":"a"}`, nil},
		{"a response", `{"input":"a","previous_response_id":"r"}`, []string{"resp:r"}},
		{"a conversation", `{"input":"a","conversation":"c"}`, []string{"conv:c"}},
		{"a conversation's object", `{"input":"a","conversation":{"id":"c"}}`, []string{"conv:c"}},
		{"not the client's own name of one", `{"input":"a","conversation_id":"c"}`, nil},
		{"a message", `{"messages":[],"thread":{"type":"continue","previous_message_id":"m"}}`, []string{"message:m"}},
		{"a message beside an id", `{"metadata":{"user_id":"u_session_0a"},"thread":{"previous_message_id":"m"},"messages":[]}`, []string{"message:m"}},
		{"a new thread", `{"messages":[],"thread":{"type":"create"}}`, nil},
		{"a thread that is none", `{"messages":[],"thread":"t"}`, nil},
		{"a response beside an id", `{"type":"response.create","prompt_cache_key":"k","input":"a","previous_response_id":"r"}`, []string{"resp:r"}},
	} {
		if got := byChain(test.body).Pins; !slices.Equal(got, test.want) {
			t.Errorf("%s: Pins = %q, want %q", test.name, got, test.want)
		}
	}
}

// Responses that the upstream keeps are tied by what each request repeats, for callers that do not report answers.
func TestChainOfReferences(t *testing.T) {
	first := byChain(`{"instructions":"i","input":"a"}`)
	next := byChain(`{"instructions":"i","input":"b","previous_response_id":"r"}`)
	other := byChain(`{"instructions":"j","input":"b","previous_response_id":"r"}`)
	if len(first.Marks) != 1 || !slices.Equal(first.Marks, next.Marks) || next.IDs[len(next.IDs)-1] != first.Marks[0] {
		t.Errorf("marks = %q, %q, ids of the second %q", first.Marks, next.Marks, next.IDs)
	}
	if slices.Equal(next.Marks, other.Marks) {
		t.Errorf("other instructions have the same mark %q", other.Marks)
	}
	if stateless := byChain(`{"instructions":"i","input":"a","store":false}`); stateless.Marks != nil {
		t.Errorf("a request that is not kept has marks %q", stateless.Marks)
	}
}

// So are Anthropic's message threads, of which some requests carry the whole history.
func TestChainOfThreads(t *testing.T) {
	const said = `"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`
	first := byChain(`{"system":"s","thread":{"type":"create"},` + said)
	next := byChain(`{"thread":{"type":"continue","previous_message_id":"m"},"messages":[{"role":"user","content":"d"}]}`)
	if len(first.Marks) != 1 || !slices.Equal(first.Marks, next.Marks) || next.IDs[len(next.IDs)-1] != first.Marks[0] || next.FirstTurn {
		t.Errorf("marks = %q, %q, ids of the second %q", first.Marks, next.Marks, next.IDs)
	}
	if plain := byChain(`{"system":"s",` + said); !slices.Equal(plain.IDs, first.IDs) || plain.Marks != nil {
		t.Errorf("ids %q in a thread, %q without; marks without %q", first.IDs, plain.IDs, plain.Marks)
	}
	if other := byChain(`{"messages":[{"role":"user","content":"d"}]}`); other.IDs[0] == next.IDs[0] {
		t.Error("what continues a thread has the id of a first turn with its words")
	}
}

// A chain names a bounded number of ids, each once, and keeps no more bindings than that however long it is.
func TestChainIsBounded(t *testing.T) {
	w := newSimulation(t, rand.Uint64(), true)
	for _, wire := range w.wires {
		w.bindings = newAffinityModel()
		k := &dialogue{wire: wire, turns: []turn{{by: 'u', text: "Hello"}}}
		k.auth = w.request(k)
		for range 100 {
			w.answer(k)
			w.say(k)
			k.auth = w.request(k)
			id := k.last
			if sorted := slices.Compact(slices.Sorted(slices.Values(id.IDs))); len(sorted) != len(id.IDs) || len(sorted) > 15 || id.Bindable > len(sorted) {
				t.Fatalf("%s: %d different ids of %d, %d to keep", wire.name, len(sorted), len(id.IDs), id.Bindable)
			}
		}
		most := 14
		if k.last.Reasoning != sessions.ReasoningNone {
			most *= 2 // under any model, too
		}
		if n := len(w.bindings.bound); n > most {
			t.Errorf("%s: a conversation has %d bindings after 100 requests", wire.name, n)
		} else {
			t.Logf("%s: %d bindings", wire.name, n)
		}
	}
}
