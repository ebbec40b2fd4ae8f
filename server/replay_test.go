package server_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/sessions"
)

// recorded is one request that a real client sent.
type recorded struct {
	Session string
	Seq     int
	Purpose string
	ForkOf  string `json:"fork_of"`
	Headers map[string][]string
	Body    json.RawMessage
}

// TestReplay plays one recorded conversation of each client. The auth that it is bound to goes into cooldown half way
// and comes back before the end: the conversation moves once, and stays. The groups that are expected are those of
// recognition by reference.
func TestReplay(t *testing.T) {
	for client, groups := range expectedGroups(t) {
		t.Run(client, func(t *testing.T) {
			if len(groups) == 0 {
				replayUnrecognised(t, client)
				return
			}
			conversation := wholeConversation(t, client, groups)
			if conversation == nil {
				t.Fatal("no conversation of three requests is one group")
			}
			replay(t, conversation, sessions.RecognitionReference)
		})
	}
}

// TestReplayByChain does the same with recognition by all messages, which keeps every conversation whole.
func TestReplayByChain(t *testing.T) {
	for client := range expectedGroups(t) {
		t.Run(client, func(t *testing.T) {
			bySession := map[string][]recorded{}
			for _, r := range readTraffic(t, client) {
				if r.Purpose == "chat" {
					bySession[r.Session] = append(bySession[r.Session], r)
				}
			}
			for _, conversation := range bySession {
				if len(conversation) >= 3 {
					replay(t, conversation, sessions.RecognitionChain)
				}
			}
		})
	}
}

// replayUnrecognised plays a client that sends nothing which ties the turns of a conversation together.
func replayUnrecognised(t *testing.T, client string) {
	t.Helper()
	h := servertest.New(t, servertest.Options{
		Auths: []*selector.Auth{{ID: "auth", Provider: "upstream"}}, Recognition: sessions.RecognitionReference,
	})
	for _, r := range readTraffic(t, client) {
		if r.Purpose != "chat" {
			continue
		}
		if got := pick(t, h, r.request()).GetSession().GetBinding(); got != credbrokerv1.Binding_BINDING_NONE {
			t.Errorf("request %d: binding %v, want NONE", r.Seq, got)
		}
	}
}

func replay(t *testing.T, conversation []recorded, recognition sessions.Recognition) {
	t.Helper()
	var auths []*selector.Auth
	for i := range 4 {
		auths = append(auths, &selector.Auth{ID: fmt.Sprintf("auth-%d", i), Provider: "upstream"})
	}
	h := servertest.New(t, servertest.Options{Auths: auths, Recognition: recognition})
	// Another session, so that the strategy's next choice is not the bound auth by chance.
	pick(t, h, &credbrokerv1.PickCredentialRequest{Provider: "upstream", SessionId: "other"})

	var first, second string
	half := len(conversation) / 2
	for i, r := range conversation {
		got := pick(t, h, r.request())
		auth, binding := got.GetCredential().GetAuthId(), got.GetSession().GetBinding()
		switch {
		case i == 0:
			first = auth
			if binding != credbrokerv1.Binding_BINDING_NEW {
				t.Fatalf("turn 1: binding %v, want NEW", binding)
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
	last := pick(t, h, conversation[len(conversation)-1].request())
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

func (r *recorded) request() *credbrokerv1.PickCredentialRequest {
	headers := make(map[string]string, len(r.Headers))
	for name, values := range r.Headers {
		headers[name] = values[0]
	}
	return &credbrokerv1.PickCredentialRequest{Provider: "upstream", Model: "model", Headers: headers, Body: r.Body}
}

// expectedGroups gives, for each client, the group that each of its chat requests belongs to, by seq; requests that no
// session is recognised in are left out.
func expectedGroups(t *testing.T) map[string]map[int]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(trafficFolder(t), "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected []struct {
		Client   string
		Requests []struct{ Seq, Group *int }
	}
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	clients := make(map[string]map[int]int, len(expected))
	for _, e := range expected {
		clients[e.Client] = make(map[int]int)
		for _, r := range e.Requests {
			if r.Group != nil {
				clients[e.Client][*r.Seq] = *r.Group
			}
		}
	}
	if len(clients) == 0 {
		t.Fatal("no clients in expected.json")
	}
	return clients
}

func trafficFolder(t *testing.T) string {
	t.Helper()
	const variable, standard = "CREDBROKER_TRAFFIC", "../../shared/traffic"
	if folder := os.Getenv(variable); folder != "" {
		return folder
	}
	if _, err := os.Stat(standard); err != nil && os.Getenv("CI") == "" {
		t.Skipf("no recorded traffic: %s is not set and %s does not exist", variable, standard)
	}
	return standard
}

// wholeConversation is the first conversation of at least three requests that the rules keep in one group.
func wholeConversation(t *testing.T, client string, groups map[int]int) []recorded {
	t.Helper()
	var order []string
	bySession := make(map[string][]recorded)
	for _, r := range readTraffic(t, client) {
		if r.Purpose != "chat" {
			continue
		}
		if bySession[r.Session] == nil {
			order = append(order, r.Session)
		}
		bySession[r.Session] = append(bySession[r.Session], r)
	}
	for _, session := range order {
		requests := bySession[session]
		whole := len(requests) >= 3
		group, ok := groups[requests[0].Seq]
		for _, r := range requests {
			g, known := groups[r.Seq]
			whole = whole && ok && known && g == group
		}
		if whole {
			return requests
		}
	}
	return nil
}

func readTraffic(t *testing.T, client string) []recorded {
	t.Helper()
	f, err := os.Open(filepath.Join(trafficFolder(t), client+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []recorded
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var r recorded
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		if strings.TrimSpace(string(r.Body)) == "null" {
			r.Body = nil
		}
		all = append(all, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
