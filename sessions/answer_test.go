package sessions

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
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

func readPublished(t *testing.T) published {
	t.Helper()
	text, err := os.ReadFile("testdata/digests.json")
	if err != nil {
		t.Fatal(err)
	}
	var p published
	decode(t, "testdata/digests.json", 1, text, &p)
	return p
}

func TestAnswerDigest(t *testing.T) {
	for _, want := range readPublished(t).Answers {
		t.Run(want.Name, func(t *testing.T) {
			if got := AnswerDigest(want.Message); got != want.Digest || !ValidDigest(got) {
				t.Errorf("AnswerDigest(%s) = %q, want %q", want.Message, got, want.Digest)
			}
		})
	}
}

func TestPublishedConversations(t *testing.T) {
	for _, want := range readPublished(t).Conversations {
		t.Run(want.Name, func(t *testing.T) {
			got := Identify(nil, want.Request, RecognitionChain)
			if strings.Join(got.IDs, " ") != strings.Join(want.IDs, " ") {
				t.Errorf("Identify(%s) = %q, want %q", want.Request, got.IDs, want.IDs)
			}
			if then := Answered(got.State, want.Answer); strings.Join(then, " ") != strings.Join(want.Then, " ") {
				t.Errorf("Answered(%q) = %q, want %q", want.Answer, then, want.Then)
			}
		})
	}
}
