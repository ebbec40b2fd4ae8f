package broker_test

import (
	"testing"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

// askFor picks for a body, and for a session that the gateway names if there is one.
func askFor(t *testing.T, b *broker.Broker, model, session, body string) broker.Picked {
	t.Helper()
	req := &broker.PickRequest{Provider: "openai", Model: model, Body: []byte(body)}
	if session != "" {
		var err error
		if req.Session, err = sessions.Caller(session); err != nil {
			t.Fatal(err)
		}
	}
	picked, err := b.Pick(t.Context(), req, noon)
	if err != nil {
		t.Fatal(err)
	}
	return picked
}

// tell reports what model m answered.
func tell(t *testing.T, b *broker.Broker, picked broker.Picked, answer string) {
	t.Helper()
	id, err := broker.ParsePickID(picked.ID)
	if err != nil {
		t.Fatal(err)
	}
	report := &broker.Report{
		AuthID: picked.Auth.ID, Pick: id, Outcome: verdict.Outcome{Model: "m", Status: 200}, AnswerMessage: []byte(answer),
	}
	if _, err := b.Report(t.Context(), report, noon); err != nil {
		t.Fatal(err)
	}
}

const (
	asked    = `{"input":[{"role":"user","content":"a"}]}`
	reasoned = `{"input":[{"role":"user","content":"a"},{"type":"reasoning","summary":[],"encrypted_content":"x"},` +
		`{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`
	answered = `{"object":"response","id":"resp_1","output":[{"type":"reasoning","encrypted_content":"x"},` +
		`{"type":"message","role":"assistant","content":[{"type":"output_text","text":"b"}]}]}`
)

// Another model is asked on the account that wrote the reasoning, also where another conversation began alike.
func TestAModelSwitchKeepsReasoning(t *testing.T) {
	for _, reported := range []bool{false, true} {
		b := brokerOf(5)
		askFor(t, b, "other", "unrelated", `{}`)
		first := askFor(t, b, "m", "", asked)
		if reported {
			tell(t, b, first, answered)
			tell(t, b, askFor(t, b, "m", "", asked), `{"output":[{"type":"message","role":"assistant","content":"else"}]}`)
		}
		askFor(t, b, "other", "unrelated too", `{}`)
		got := askFor(t, b, "other", "", reasoned)
		if got.Auth.ID != first.Auth.ID || got.Binding != selector.BindingInherited {
			t.Errorf("reported %v: another model gets %s by %v, want %s inherited", reported, got.Auth.ID, got.Binding, first.Auth.ID)
		}
	}
}

// A session that the gateway names hides neither what the body refers to nor the reasoning in it.
func TestACallersSessionKeepsReferences(t *testing.T) {
	b := brokerOf(5)
	askFor(t, b, "m", "unrelated", asked)
	first := askFor(t, b, "m", "", asked)
	tell(t, b, first, answered)
	pinned := askFor(t, b, "m", "s", `{"previous_response_id":"resp_1","input":"c"}`)
	if pinned.Auth.ID != first.Auth.ID || pinned.Session != "caller:s" {
		t.Errorf("the reference goes to %s as %s, want %s", pinned.Auth.ID, pinned.Session, first.Auth.ID)
	}
	wrote := askFor(t, b, "m", "t", asked)
	if got := askFor(t, b, "other", "t", reasoned); got.Auth.ID != wrote.Auth.ID {
		t.Errorf("another model gets %s, want %s", got.Auth.ID, wrote.Auth.ID)
	}
	message := askFor(t, b, "m", "u", `{"messages":[],"thread":{"type":"create"}}`)
	tell(t, b, message, `{"type":"message","id":"msg_1","role":"assistant","stop_reason":"end_turn","content":[]}`)
	askFor(t, b, "m", "unrelated too", asked)
	thread := `{"messages":[{"role":"user","content":"c"}],"thread":{"previous_message_id":"msg_1"}}`
	if got := askFor(t, b, "m", "", thread); got.Auth.ID != message.Auth.ID {
		t.Errorf("the thread goes to %s, want %s", got.Auth.ID, message.Auth.ID)
	}
}

// Only what a request of a message thread is answered with can be named by the id of the message: all else costs no binding.
func TestMessagesAreBoundInThreadsOnly(t *testing.T) {
	for thread, want := range map[string]int{
		``: 0, `,"thread":{"type":"create"}`: 1, `,"thread":{"type":"continue","previous_message_id":"msg_0"}`: 2, // that message is bound as well
	} {
		b := brokerOf(5)
		picked := askFor(t, b, "m", "s", `{"messages":[]`+thread+`}`)
		before := bound(t, b)
		tell(t, b, picked, `{"id":"msg_1","role":"assistant","stop_reason":"end_turn","content":[]}`)
		if got := bound(t, b) - before; got != want {
			t.Errorf("%q: the answer takes %d bindings, want %d", thread, got, want)
		}
	}
}

func bound(t *testing.T, b *broker.Broker) int {
	t.Helper()
	page, err := b.Sessions(broker.Caller{}, "", 1, "", noon)
	if err != nil {
		t.Fatal(err)
	}
	return page.Total
}
