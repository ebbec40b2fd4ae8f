package server_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server/servertest"
)

// endless is more auths than one client's recordings have conversations: every first pick gets one of its own.
const endless = 200

// maxBindings is how many a conversation may take on average.
const maxBindings = 12

// TestIdealTraffic plays what real clients sent, through calls: every request of a conversation must get the auth of the
// one before it, and no two conversations may end on one auth, whether answers are reported or not.
func TestIdealTraffic(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(trafficFolder(t), "*.jsonl"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings: %v", err)
	}
	for _, p := range []play{{name: "silent"}, {name: "answers", answers: true}, {name: "woven", answers: true, woven: true}} {
		later := 0
		for _, file := range files {
			client := strings.TrimSuffix(filepath.Base(file), ".jsonl")
			later += p.run(t, client)
		}
		if t.Logf("%s: %d requests went on", p.name, later); later == 0 {
			t.Errorf("%s: no conversation goes on", p.name)
		}
	}
}

// play is how recorded requests are played.
type play struct {
	name string
	// answers: every answer is reported; woven: the conversations take turns.
	answers, woven bool
}

// run plays the chat requests of one client and returns how many of them went on with a conversation.
func (p play) run(t *testing.T, client string) (later int) {
	t.Helper()
	chat := slices.DeleteFunc(readTraffic(t, client), func(r recorded) bool { return r.Purpose != "chat" })
	if p.woven {
		chat = weave(chat)
	}
	o := servertest.Options{}
	for i := range endless {
		o.Auths = append(o.Auths, servertest.Key(fmt.Sprintf("auth-%03d", i), "upstream"))
	}
	h := servertest.New(t, o)
	last := map[string]string{}
	for i, r := range chat {
		h.Clock.Advance(30 * time.Second)
		got := pick(t, h, r.request())
		auth := got.GetCredential().GetAuthId()
		if before, ok := last[r.Session]; ok {
			if later++; before != auth {
				t.Errorf("%s, %s: %s left its auth at seq %d: %v", client, p.name, r.Session, r.Seq, got.GetSession())
			}
		}
		last[r.Session] = auth
		next := slices.IndexFunc(chat[i+1:], func(n recorded) bool { return n.Session == r.Session })
		if p.answers && next >= 0 {
			answer := answerIn(t, chat[i+1+next].Body)
			answer.AuthId, answer.PickId, answer.Model, answer.HttpStatus = auth, got.GetPickId(), "model", 200
			report(t, h, answer)
		}
	}
	if n := len(last); h.Sessions.Len() > maxBindings*n {
		t.Errorf("%s, %s: %d bindings for %d conversations, want at most %d for each", client, p.name, h.Sessions.Len(), n, maxBindings)
	}
	t.Logf("%-30s %-8s %3d conversations, %5.1f bindings each", client, p.name, len(last), float64(h.Sessions.Len())/float64(max(1, len(last))))
	for _, pair := range collisions(chat, last) {
		t.Errorf("%s, %s: %s and %s end on one auth", client, p.name, pair[0], pair[1])
	}
	return later
}

// weave lets the conversations take turns.
func weave(chat []recorded) (woven []recorded) {
	var order []string
	queues := map[string][]recorded{}
	for _, r := range chat {
		if queues[r.Session] == nil {
			order = append(order, r.Session)
		}
		queues[r.Session] = append(queues[r.Session], r)
	}
	for len(woven) < len(chat) {
		for _, session := range order {
			if queue := queues[session]; len(queue) > 0 {
				woven, queues[session] = append(woven, queue[0]), queue[1:]
			}
		}
	}
	return woven
}

// collisions are the pairs of conversations whose last requests had one auth, forks aside.
func collisions(chat []recorded, last map[string]string) (pairs [][2]string) {
	fork := map[[2]string]bool{}
	var order []string
	for _, r := range chat {
		if !slices.Contains(order, r.Session) {
			order = append(order, r.Session)
		}
		fork[[2]string{r.Session, r.ForkOf}], fork[[2]string{r.ForkOf, r.Session}] = true, true
	}
	for i, a := range order {
		for _, b := range order[:i] {
			if last[a] == last[b] && !fork[[2]string{a, b}] {
				pairs = append(pairs, [2]string{b, a})
			}
		}
	}
	return pairs
}

// answerIn reports the answer that a request shows to have come before its last question.
func answerIn(t *testing.T, body json.RawMessage) *credbrokerv1.ReportResultRequest {
	t.Helper()
	var b struct {
		Messages, Contents, Input json.RawMessage
		PreviousResponseID        string `json:"previous_response_id"`
		Request                   struct{ Contents json.RawMessage }
	}
	unmarshal(t, body, &b)
	req := &credbrokerv1.ReportResultRequest{ResponseId: b.PreviousResponseID}
	var elements []json.RawMessage
	for _, list := range []json.RawMessage{b.Messages, b.Contents, b.Request.Contents, b.Input} {
		if elements == nil && strings.HasPrefix(string(list), "[") {
			unmarshal(t, list, &elements)
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
	switch {
	case begin == end:
	case b.Input != nil:
		list, err := json.Marshal(map[string]any{"output": elements[begin:end]})
		if err != nil {
			t.Fatal(err)
		}
		req.Answer = &credbrokerv1.ReportResultRequest_AnswerMessage{AnswerMessage: list}
	default:
		req.Answer = &credbrokerv1.ReportResultRequest_AnswerMessage{AnswerMessage: elements[end-1]}
	}
	return req
}

func byAssistant(t *testing.T, element json.RawMessage) bool {
	t.Helper()
	var e struct{ Role, Type string }
	unmarshal(t, element, &e)
	return e.Role == "assistant" || e.Role == "model" || e.Role == "" && !strings.HasSuffix(e.Type, "_output")
}

func unmarshal(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
}
