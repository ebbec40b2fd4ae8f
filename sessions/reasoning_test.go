package sessions_test

import (
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

func TestReasoning(t *testing.T) {
	const none, possible, carried = sessions.ReasoningNone, sessions.ReasoningPossible, sessions.ReasoningCarried
	for _, test := range []struct {
		name, body string
		want       sessions.Reasoning
	}{
		{"chat", `{"messages":[{"role":"user","content":"a"}]}`, none},
		{"chat that quotes some", `{"messages":[{"role":"user","content":"{\"encrypted_content\":\"x\"}"}]}`, none},
		{"a text", `{"input":"a"}`, possible},
		{"items without any", `{"input":[{"role":"user","content":"a"},{"type":"reasoning","summary":[]}]}`, possible},
		{"an item", `{"input":[{"role":"user","content":"a"},{"type":"reasoning","summary":[],"encrypted_content":"x"}]}`, carried},
		{"an item, with white space", `{"input":[{"type":"reasoning","encrypted_content" : ` + "\n" + `"x"}]}`, carried},
		{"a compaction", `{"input":[{"type":"compaction","encrypted_content":"x"}]}`, carried},
		{"a part of a message", `{"input":[{"type":"agent_message","content":[{"type":"encrypted_content","encrypted_content":"x"}]}]}`, carried},
		{"beside a name", `{"prompt_cache_key":"k","input":[{"type":"reasoning","encrypted_content":"x"}]}`, carried},
		{"in a frame", `{"type":"response.create","response":{"input":[{"type":"reasoning","encrypted_content":"x"}]}}`, carried},
		{"null", `{"input":[{"type":"reasoning","encrypted_content":null}]}`, possible},
		{"empty", `{"input":[{"type":"reasoning","encrypted_content":""}]}`, possible},
		{"a quotation", `{"input":[{"role":"user","content":"{\"encrypted_content\":\"x\"}"}]}`, possible},
		{"a text that ends like the name", `{"input":[{"role":"user","content":"\"encrypted_content"},{"role":"user","content":"x"}]}`, possible},
		{"another name", `{"input":[{"type":"x","my_encrypted_content":"x"}]}`, possible},
		{"where the upstream keeps the history", `{"previous_response_id":"r","input":[{"type":"reasoning","encrypted_content":"x"}]}`, none},
		{"nothing", ``, none},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := byChain(test.body).Reasoning; got != test.want {
				t.Errorf("Reasoning = %v, want %v", got, test.want)
			}
		})
	}
}

// The state of a request says whether what it was answered is bound under any model.
func TestAnswersMayReason(t *testing.T) {
	for body, want := range map[string]bool{
		`{"input":"a"}`: true,
		`{"input":[{"role":"user","content":"a"},{"type":"item_reference","id":"b"},{"role":"user","content":"c"}]}`: true,
		`{"messages":[{"role":"user","content":"a"}]}`:                                                               false,
	} {
		if got := sessions.MayReason(byChain(body).State); got != want {
			t.Errorf("MayReason of %s = %v, want %v", body, got, want)
		}
	}
	if sessions.MayReason("") || sessions.MayReason("nothing of the kind") {
		t.Error("MayReason of no state")
	}
}
