package corpus

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
)

// Answer is what the model answered, as the client's next request shows it.
type Answer struct {
	// Message in the client's wire format; nil if the request does not repeat it.
	Message json.RawMessage
	// ResponseID names the answer where the upstream keeps it.
	ResponseID string
}

// answerBefore is the answer that a request shows to have come before its last question.
func answerBefore(t testing.TB, body json.RawMessage) Answer {
	t.Helper()
	var b struct {
		Messages, Contents, Input json.RawMessage
		PreviousResponseID        string `json:"previous_response_id"`
		Thread                    struct {
			PreviousMessageID string `json:"previous_message_id"`
		}
		Request struct{ Contents json.RawMessage }
	}
	decode(t, body, &b)
	var elements []json.RawMessage
	for _, list := range []json.RawMessage{b.Messages, b.Contents, b.Request.Contents, b.Input} {
		if len(list) > 0 && list[0] == '[' && elements == nil {
			decode(t, list, &elements)
		}
	}
	end := len(elements)
	for end > 0 && !byAssistant(t, elements[end-1]) {
		end--
	}
	begin := end
	for begin > 0 && byAssistant(t, elements[begin-1]) {
		begin--
	}
	id := cmp.Or(b.PreviousResponseID, b.Thread.PreviousMessageID)
	switch {
	case begin == end:
		return Answer{nil, id}
	case b.Input != nil:
		return Answer{encode(t, map[string]any{"output": elements[begin:end]}), id}
	}
	return Answer{elements[end-1], id}
}

func byAssistant(t testing.TB, element json.RawMessage) bool {
	t.Helper()
	var e struct{ Role, Type string }
	decode(t, element, &e)
	return e.Role == "assistant" || e.Role == "model" || e.Role == "" && !strings.HasSuffix(e.Type, "_output")
}

// withoutIDs is a request without what names its session.
func withoutIDs(t testing.TB, r Request) Request {
	t.Helper()
	r.Headers, r.Body = nil, bodyWithoutIDs(t, r.Body)
	return r
}

func bodyWithoutIDs(t testing.TB, body json.RawMessage) json.RawMessage {
	t.Helper()
	var members map[string]json.RawMessage
	decode(t, body, &members)
	for _, name := range []string{"metadata", "conversation", "prompt_cache_key", "session_id", "client_metadata"} {
		delete(members, name)
	}
	if members["request"] != nil {
		members["request"] = bodyWithoutIDs(t, members["request"])
	}
	return encode(t, members)
}

func decode(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
}

func encode(t testing.TB, value any) json.RawMessage {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
