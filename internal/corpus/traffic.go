package corpus

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Request is one request that a real client sent.
type Request struct {
	// Session is the conversation that it belongs to, as the recorder knows; ForkOf the one that it branched off.
	Session string
	ForkOf  string `json:"fork_of"`
	// Seq counts the client's requests.
	Seq int
	// Purpose is chat, or what else the client asks a model for.
	Purpose string
	Headers map[string][]string
	// Body is nil if the request has none.
	Body json.RawMessage
	// Compacted: since the conversation's chat request before, its client had a summary made, to go on from that.
	Compacted bool `json:"-"`
}

// Kept reports whether the conversation is one that the upstream keeps, so that the request has only what is new.
func (r *Request) Kept(t testing.TB) bool {
	t.Helper()
	var body struct{ Conversation any }
	decode(t, r.Body, &body)
	return body.Conversation != nil
}

// Messages counts what the request has of the conversation, whatever the format of its body calls it.
func (r *Request) Messages() int {
	var body struct{ Messages, Contents, Input []json.RawMessage }
	_ = json.Unmarshal(r.Body, &body) // an input that is one text, or no JSON: none
	return len(body.Messages) + len(body.Contents) + len(body.Input)
}

// Client is the name of the client that a file of recorded traffic is of.
func Client(file string) string { return strings.TrimSuffix(filepath.Base(file), ".jsonl") }

// Chat are the requests of a file that go on with a conversation.
func Chat(t testing.TB, file string) []Request {
	t.Helper()
	all := Records[Request](t, file)
	compacted := map[string]bool{}
	for i := range all {
		r := &all[i]
		if bytes.Equal(r.Body, []byte("null")) {
			r.Body = nil
		}
		switch r.Purpose {
		case "compact":
			compacted[r.Session] = true
		case "chat":
			r.Compacted = compacted[r.Session]
			delete(compacted, r.Session)
		}
	}
	return slices.DeleteFunc(all, func(r Request) bool { return r.Purpose != "chat" })
}

// Conversations are the requests of each conversation, in the order in which these begin.
func Conversations(chat []Request) [][]Request {
	number := map[string]int{}
	var all [][]Request
	for _, r := range chat {
		n, known := number[r.Session]
		if !known {
			n = len(all)
			number[r.Session] = n
			all = append(all, nil)
		}
		all[n] = append(all[n], r)
	}
	return all
}

// Forks are the pairs of conversations one of which branched off the other, either way round.
func Forks(chat []Request) map[[2]string]bool {
	forks := map[[2]string]bool{}
	for _, r := range chat {
		if r.ForkOf != "" {
			forks[[2]string{r.Session, r.ForkOf}] = true
			forks[[2]string{r.ForkOf, r.Session}] = true
		}
	}
	return forks
}

// Expected is what the rules of the reference make of one client's chat requests.
type Expected struct {
	Client                       string
	Conversations, Split, Merged int
	Requests                     []ExpectedRequest
}

// ExpectedRequest is one of them. Requests of one group are of one session to these rules; those of none have no group.
type ExpectedRequest struct {
	Seq               int
	Primary, Fallback string
	Group             *int
}

// ReadExpected reads what is expected of the recordings of a folder.
func ReadExpected(t testing.TB, folder string) []Expected {
	t.Helper()
	var expected []Expected
	text, err := os.ReadFile(filepath.Join(folder, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	decode(t, text, &expected)
	if files := Files(t, folder); len(expected) != len(files) {
		t.Errorf("%s: %d clients are expected of %d files", folder, len(expected), len(files))
	}
	return expected
}
