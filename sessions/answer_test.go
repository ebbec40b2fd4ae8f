package sessions_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// published are the examples that clients in other languages are checked with.
type published struct {
	Answers []struct {
		Name    string
		Message json.RawMessage
		Digest  string
	}
	Conversations []struct {
		Name    string
		Request json.RawMessage
		IDs     []string
		Answer  string
		Then    []string
	}
}

func readPublished(t testing.TB) published {
	t.Helper()
	text, err := os.ReadFile("testdata/digests.json")
	if err != nil {
		t.Fatal(err)
	}
	var p published
	decode(t, text, &p)
	return p
}

func TestAnswerDigest(t *testing.T) {
	for _, want := range readPublished(t).Answers {
		t.Run(want.Name, func(t *testing.T) {
			if got := sessions.AnswerDigest(want.Message); got != want.Digest || !sessions.ValidDigest(got) {
				t.Errorf("AnswerDigest(%s) = %q, want %q", want.Message, got, want.Digest)
			}
		})
	}
}

func TestPublishedConversations(t *testing.T) {
	for _, want := range readPublished(t).Conversations {
		t.Run(want.Name, func(t *testing.T) {
			got := sessions.Identify(nil, want.Request, sessions.IdentificationChain)
			if strings.Join(got.IDs, " ") != strings.Join(want.IDs, " ") {
				t.Errorf("Identify(%s) = %q, want %q", want.Request, got.IDs, want.IDs)
			}
			if then := sessions.Answered(got.State, want.Answer); strings.Join(then, " ") != strings.Join(want.Then, " ") {
				t.Errorf("Answered(%q) = %q, want %q", want.Answer, then, want.Then)
			}
		})
	}
}

// maxItems is how many items a published digest holds at most.
const maxItems = 64

func TestAnswerDigestOfNothing(t *testing.T) {
	for _, message := range []string{
		``, `null`, `"text"`, `{}`, `[]`, `{"role":"assistant","content":""}`, `{"content":[{"type":"thinking","thinking":"x"}]}`,
		"data: [DONE]\n\n", ": nothing\n\n",
		`{"output":[{"type":"reasoning","id":"rs_1"}]}`, `{"choices":[]}`, `{"choices":[{"delta":{"content":"a"}}]}`,
		`{"content":[` + strings.Repeat(`{"type":"tool_use","name":"a"},`, maxItems) + `{"type":"tool_use","name":"b"}]}`,
	} {
		if got := sessions.AnswerDigest([]byte(message)); got != "" {
			t.Errorf("AnswerDigest(%.80s) = %q, want none", message, got)
		}
	}
}

func TestValidDigest(t *testing.T) {
	item := "a0123456789abcdef"
	asked := byChain(`{"input":"a"}`)
	for _, test := range []struct {
		digest string
		want   bool
	}{
		{item, true}, {item + "c0123456789ABCDEF", true}, {item + "|" + item, true}, {strings.Repeat(item, maxItems), true},
		{"", false}, {"|", false}, {item + "|", false}, {"|" + item, false}, {item + "|" + item + "|" + item, false},
		{"u0123456789abcdef", false}, {"a0123456789abcdeg", false}, {item[1:], false}, {item + "a", false}, {"a+123456789abcdef", false},
		{strings.Repeat(item, 2*maxItems+1), false},
	} {
		if got := sessions.ValidDigest(test.digest); got != test.want {
			t.Errorf("ValidDigest(%q) = %v, want %v", test.digest, got, test.want)
		}
		if ids := sessions.Answered(asked.State, test.digest); (len(ids) > 0) != test.want {
			t.Errorf("Answered(%q) = %q", test.digest, ids)
		}
	}
	if ids := sessions.Answered("", item); ids != nil {
		t.Errorf("Answered without a state = %q", ids)
	}
}
