package server_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/internal/corpus"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/sessions"
)

// TestReplay plays one recorded conversation of each client. The auth that it is bound to goes into cooldown half way
// and comes back before the end: the conversation moves once, and stays. The groups that are expected are those of
// identification by reference.
func TestReplay(t *testing.T) {
	eachClient(t, func(t *testing.T, chat []corpus.Request, want corpus.Expected) {
		groups := make(map[int]int)
		for _, r := range want.Requests {
			if r.Group != nil {
				groups[r.Seq] = *r.Group
			}
		}
		if len(groups) == 0 {
			replayUnidentified(t, chat)
			return
		}
		conversation := wholeConversation(chat, groups)
		if conversation == nil {
			if slices.ContainsFunc(corpus.Conversations(chat), repeatsItself) {
				t.Fatal("no conversation of three requests is one group")
			}
			t.Log("requests do not repeat what came before: no conversation is one group")
			return
		}
		replay(t, conversation, sessions.IdentificationReference)
	})
}

// TestReplayByChain does the same with identification by all messages, which keeps every conversation whole.
func TestReplayByChain(t *testing.T) {
	eachClient(t, func(t *testing.T, chat []corpus.Request, _ corpus.Expected) {
		for _, conversation := range corpus.Conversations(chat) {
			if len(conversation) >= 3 {
				replay(t, conversation, sessions.IdentificationChain)
			}
		}
	})
}

// eachClient runs a test for every client that was recorded, with its chat requests and what is expected of them.
func eachClient(t *testing.T, test func(t *testing.T, chat []corpus.Request, want corpus.Expected)) {
	t.Helper()
	for _, folder := range corpus.Folders(t, corpus.Traffic) {
		for _, want := range corpus.ReadExpected(t, folder) {
			t.Run(want.Client, func(t *testing.T) {
				test(t, corpus.Chat(t, filepath.Join(folder, want.Client+".jsonl")), want)
			})
		}
	}
}

// repeatsItself reports whether a conversation has three requests, each with all messages of the one before it or with the
// response that it continues: some clients send what is new alone, or leave tool calls out once they are answered.
func repeatsItself(conversation []corpus.Request) bool {
	for i := 1; i < len(conversation); i++ {
		before, after := conversation[i-1], conversation[i]
		if !bytes.Equal(before.Body, after.Body) && after.Messages() <= before.Messages() && !bytes.Contains(after.Body, []byte(`"previous_response_id"`)) {
			return false
		}
	}
	return len(conversation) >= 3
}

// replayUnidentified plays a client that sends nothing which ties the turns of a conversation together.
func replayUnidentified(t *testing.T, chat []corpus.Request) {
	t.Helper()
	h := servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{{ID: "auth", Provider: "upstream"}}, Identification: sessions.IdentificationReference,
	})
	for _, r := range chat {
		if got := pick(t, h, asPick(r)).GetSession().GetBinding(); got != credbrokerv1.Binding_BINDING_NONE {
			t.Errorf("request %d: binding %v, want NONE", r.Seq, got)
		}
	}
}

func replay(t *testing.T, conversation []corpus.Request, identification sessions.Identification) {
	t.Helper()
	var auths []*selector.Auth
	for i := range 4 {
		auths = append(auths, &selector.Auth{ID: fmt.Sprintf("auth-%d", i), Provider: "upstream"})
	}
	h := servertest.New(t, servertest.Options{Auths: auths, Identification: identification})
	// Another session, so that the strategy's next choice is not the bound auth by chance.
	pick(t, h, &credbrokerv1.PickCredentialRequest{Provider: "upstream", SessionId: "other"})

	var first, second string
	half := len(conversation) / 2
	for i, r := range conversation {
		got := pick(t, h, asPick(r))
		auth, binding := got.GetCredential().GetAuthId(), got.GetSession().GetBinding()
		switch {
		case i == 0:
			first = auth
			if binding != credbrokerv1.Binding_BINDING_NEW {
				t.Fatalf("turn 1: binding %v, want NEW", binding)
			}
			if got.GetSession().GetSource() == credbrokerv1.SessionSource_SESSION_SOURCE_CHAIN && !repeatsItself(conversation) {
				t.Logf("%s has no id and does not repeat itself: only reported answers keep it on its way through a cooldown", r.Session)
				return
			}
		case i < half:
			if auth != first {
				t.Fatalf("turn %d: auth %s, want %s", i+1, auth, first)
			}
		case i == half:
			second = auth
			if auth == first {
				t.Fatalf("turn %d: still on %s, which is cooling down", i+1, auth)
			}
		case auth != second:
			t.Fatalf("turn %d: auth %s, want %s", i+1, auth, second)
		}
		if i == half-1 {
			if _, err := h.Broker.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{
				AuthId: first, PickId: got.GetPickId(),
				End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Minute)},
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.Clock.Advance(2 * time.Minute)
	last := pick(t, h, asPick(conversation[len(conversation)-1]))
	if got := last.GetCredential().GetAuthId(); got != second {
		t.Fatalf("after %s came back: auth %s, want %s", first, got, second)
	}
	if got := last.GetSession().GetBinding(); got != credbrokerv1.Binding_BINDING_HIT {
		t.Fatalf("after %s came back: binding %v, want HIT", first, got)
	}
}

func pick(t *testing.T, h *servertest.Harness, r *credbrokerv1.PickCredentialRequest) *credbrokerv1.PickCredentialResponse {
	t.Helper()
	got, err := h.Broker.PickCredential(t.Context(), r)
	if err != nil {
		t.Fatalf("PickCredential: %v", err)
	}
	return got
}

func asPick(r corpus.Request) *credbrokerv1.PickCredentialRequest {
	headers := make(map[string]string, len(r.Headers))
	for name, values := range r.Headers {
		headers[name] = values[0]
	}
	return &credbrokerv1.PickCredentialRequest{Provider: "upstream", Model: "model", Headers: headers, Body: r.Body}
}

// wholeConversation is the first conversation of at least three requests that the rules keep in one group.
func wholeConversation(chat []corpus.Request, groups map[int]int) []corpus.Request {
	for _, requests := range corpus.Conversations(chat) {
		group, whole := groups[requests[0].Seq]
		for _, r := range requests {
			g, known := groups[r.Seq]
			whole = whole && known && g == group
		}
		if whole && len(requests) >= 3 {
			return requests
		}
	}
	return nil
}
