package server_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/server/servertest"
)

// endless is more auths than one client's recordings have conversations: every first pick gets one of its own.
const endless = 200

// maxBindings is how many a conversation may take on average. Those of the Responses API are bound under any model, too.
const maxBindings = 12

// TestIdealTraffic plays what real clients sent, through calls: every request of a conversation must get the auth of the
// one before it, and no two conversations may end on one auth, whether answers are reported or not.
func TestIdealTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out traffic through calls: sessions plays it too")
	}
	for _, folder := range corpus.Folders(t, corpus.Traffic) {
		for _, mode := range []corpus.Mode{
			{Name: "silent"}, {Name: "answers", Answers: true}, {Name: "woven", Answers: true, Interleaved: true},
		} {
			later := 0
			for _, file := range corpus.Files(t, folder) {
				later += playIdeal(t, mode, file)
			}
			if t.Logf("%s: %d requests went on", mode.Name, later); later == 0 {
				t.Errorf("%s, %s: no conversation goes on", filepath.Base(folder), mode.Name)
			}
		}
	}
}

// playIdeal plays the chat requests of one client and returns how many of them went on with a conversation.
func playIdeal(t *testing.T, mode corpus.Mode, file string) (later int) {
	t.Helper()
	var options servertest.Options
	for i := range endless {
		options.Auths = append(options.Auths, servertest.Key(fmt.Sprintf("auth-%03d", i), "upstream"))
	}
	calls := &calls{h: servertest.New(t, options)}
	chat := corpus.Chat(t, file)
	most := maxBindings
	if len(chat) > 0 && bytes.Contains(chat[0].Body, []byte(`"input"`)) {
		most *= 2
	}
	played := mode.Play(t, chat, calls)
	client, held := corpus.Client(file), calls.h.Core.Status(broker.Caller{}, calls.h.Clock.Now()).Bindings
	for _, r := range played.Moved {
		t.Errorf("%s, %s: %s left its auth at seq %d", client, mode.Name, r.Session, r.Seq)
	}
	if n := played.Conversations; held > most*n {
		t.Errorf("%s, %s: %d bindings for %d conversations, want at most %d for each", client, mode.Name, held, n, most)
	}
	t.Logf("%-30s %-8s %3d conversations, %5.1f bindings each", client, mode.Name, played.Conversations,
		float64(held)/float64(max(1, played.Conversations)))
	for _, pair := range played.Collisions {
		t.Errorf("%s, %s: %s and %s end on one auth", client, mode.Name, pair[0], pair[1])
	}
	return played.Later
}

// calls plays requests through the calls that a gateway makes.
type calls struct {
	h    *servertest.Harness
	last *credbrokerv1.PickCredentialResponse
}

func (c *calls) Pick(t *testing.T, r corpus.Request) string {
	t.Helper()
	c.h.Clock.Advance(30 * time.Second)
	c.last = pick(t, c.h, asPick(r))
	return c.last.GetCredential().GetAuthId()
}

func (c *calls) Answered(t *testing.T, answer corpus.Answer) {
	t.Helper()
	req := &credbrokerv1.ReportResultRequest{
		AuthId: c.last.GetCredential().GetAuthId(), PickId: c.last.GetPickId(), Model: "model", HttpStatus: 200, ResponseId: answer.ResponseID,
	}
	if answer.Message != nil {
		req.Answer = &credbrokerv1.ReportResultRequest_AnswerMessage{AnswerMessage: answer.Message}
	}
	report(t, c.h, req)
}
