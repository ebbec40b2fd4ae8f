package server_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/sessions"
)

// gatewayAt is a gateway of a pool of auths of one provider.
func gatewayAt(t *testing.T, o servertest.Options, auths ...string) *servertest.Harness {
	t.Helper()
	for _, id := range auths {
		o.Auths = append(o.Auths, openai(id))
	}
	return servertest.New(t, o)
}

func ask(body string) *credbrokerv1.PickCredentialRequest {
	return &credbrokerv1.PickCredentialRequest{Provider: "openai", Model: "m", Body: []byte(body)}
}

// served reports that a pick was served, with what else is given.
func served(t *testing.T, h *servertest.Harness, p *credbrokerv1.PickCredentialResponse, more *credbrokerv1.ReportResultRequest) {
	t.Helper()
	if more == nil {
		more = &credbrokerv1.ReportResultRequest{}
	}
	if more.Model == "" {
		more.Model = p.GetCredential().GetModel()
	}
	more.AuthId, more.PickId, more.HttpStatus = p.GetCredential().GetAuthId(), p.GetPickId(), 200
	report(t, h, more)
}

// said is an answer of the assistant.
func said(message string) *credbrokerv1.ReportResultRequest {
	return &credbrokerv1.ReportResultRequest{Answer: &credbrokerv1.ReportResultRequest_AnswerMessage{AnswerMessage: []byte(message)}}
}

// wantPick fails the test unless a pick gets the auth in that way.
func wantPick(t *testing.T, h *servertest.Harness, req *credbrokerv1.PickCredentialRequest, auth string, binding credbrokerv1.Binding) *credbrokerv1.PickCredentialResponse {
	t.Helper()
	got := pick(t, h, req)
	if got.GetCredential().GetAuthId() != auth || got.GetSession().GetBinding() != binding {
		t.Fatalf("PickCredential(%s) = %s by %v, want %s by %v", req.GetBody(), got.GetCredential().GetAuthId(), got.GetSession().GetBinding(), auth, binding)
	}
	return got
}

const (
	none      = credbrokerv1.Binding_BINDING_NONE
	begun     = credbrokerv1.Binding_BINDING_NEW
	inherited = credbrokerv1.Binding_BINDING_INHERITED
)

// wire is how a format writes a question, an answer, and the question after it.
type wire struct{ name, first, answer, next string }

func wires() []wire {
	return []wire{
		{
			"chat", `{"messages":[{"role":"user","content":"hello"}]}`, `{"role":"assistant","content":"%s"}`,
			`{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"%s"},{"role":"user","content":"on"}]}`,
		},
		{
			"chat, whole response", `{"messages":[{"role":"user","content":"hello"}]}`,
			`{"id":"c1","choices":[{"index":0,"message":{"role":"assistant","content":"%s"}}]}`,
			`{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"%s"},{"role":"user","content":"on"}]}`,
		},
		{
			"messages", `{"messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}]}`,
			`{"role":"assistant","content":[{"type":"text","text":"%s"}]}`,
			`{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"%s"},{"role":"user","content":"on"}]}`,
		},
		{
			"gemini", `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`,
			`{"candidates":[{"content":{"role":"model","parts":[{"text":"%s"}]}}]}`,
			`{"contents":[{"role":"user","parts":[{"text":"hello"}]},{"role":"model","parts":[{"text":"%s"}]},{"role":"user","parts":[{"text":"on"}]}]}`,
		},
		{
			"chat, a stream", `{"messages":[{"role":"user","content":"hello"}]}`,
			"data: {\"choices\":[{\"delta\":{\"content\":\"%s\"}}]}\r\n\r\ndata: [DONE]\r\n\r\n",
			`{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"%s"},{"role":"user","content":"on"}]}`,
		},
		{
			"messages, a stream", `{"messages":[{"role":"user","content":"hello"}]}`,
			"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n" +
				"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"%s\"}}\n\n",
			`{"messages":[{"role":"user","content":"hello"},{"role":"assistant","content":"%s"},{"role":"user","content":"on"}]}`,
		},
		{
			"gemini, a stream", `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`,
			": comment\ndata: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"%s\"}]}}]}\n\n",
			`{"contents":[{"role":"user","parts":[{"text":"hello"}]},{"role":"model","parts":[{"text":"%s"}]},{"role":"user","parts":[{"text":"on"}]}]}`,
		},
		{
			"responses, a stream", `{"input":"hello"}`,
			"event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"%s\"}\n\n",
			`{"input":[{"role":"user","content":"hello"},{"role":"assistant","content":[{"type":"output_text","text":"%s"}]},{"role":"user","content":"on"}]}`,
		},
		{
			"responses", `{"input":"hello"}`, `{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"%s"}]}]}`,
			`{"input":[{"role":"user","content":"hello"},{"role":"assistant","content":[{"type":"output_text","text":"%s"}]},{"role":"user","content":"on"}]}`,
		},
	}
}

// Conversations that open alike are the same request until the first answer; once that is reported each is found.
func TestAnswersTellConversationsApart(t *testing.T) {
	for _, w := range wires() {
		for _, digested := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, digested %t", w.name, digested), func(t *testing.T) {
				h := gatewayAt(t, servertest.Options{}, "a", "b", "c", "d")
				auths := map[string]string{}
				for _, answer := range []string{"one", "two", "three", "four"} {
					p := pick(t, h, ask(w.first))
					auths[answer] = p.GetCredential().GetAuthId()
					report := said(fmt.Sprintf(w.answer, answer))
					if digested {
						digest := sessions.AnswerDigest(report.GetAnswerMessage())
						report.Answer = &credbrokerv1.ReportResultRequest_AnswerDigest{AnswerDigest: digest}
					}
					served(t, h, p, report)
				}
				if distinct := slices.Compact(slices.Sorted(maps.Values(auths))); len(distinct) != 4 {
					t.Fatalf("conversations that begin alike went to %v, want each to its own", distinct)
				}
				for answer, auth := range auths {
					wantPick(t, h, ask(fmt.Sprintf(w.next, answer)), auth, inherited)
				}
			})
		}
	}
}

// What a report says is found by requests that name provider and model as the pick did, whatever the credential says.
func TestAnswersAreBoundAsTheRequestWasAsked(t *testing.T) {
	w := wires()[0]
	prefixed := openai("a")
	prefixed.Prefix = "team"
	for _, tt := range []struct{ provider, model, reported string }{
		{"openai", "m", "m"}, {"", "m", "m"}, {"mixed", "m(high)", "m(high)"}, {"openai", "team/m", "m"}, {"openai", "team/m", "team/m"},
		{"openai", "m", "m(high)"}, {"openai", " team/m ", "m"}, {"", "", ""},
	} {
		t.Run(fmt.Sprintf("%q %q %q", tt.provider, tt.model, tt.reported), func(t *testing.T) {
			h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{prefixed, openai("b"), openai("c")}})
			req := func(body string) *credbrokerv1.PickCredentialRequest {
				return &credbrokerv1.PickCredentialRequest{Provider: tt.provider, Model: tt.model, Body: []byte(body), ExcludeAuthIds: []string{"b", "c"}}
			}
			p := pick(t, h, req(w.first))
			answer := said(fmt.Sprintf(w.answer, "one"))
			answer.Model = tt.reported
			served(t, h, p, answer)
			// Another one that begins alike takes the first turn away.
			h.Clock.Advance(time.Minute)
			other := req(w.first)
			other.ExcludeAuthIds = []string{"a"}
			if tt.model == "m" {
				pick(t, h, other)
			}
			next := req(fmt.Sprintf(w.next, "one"))
			next.ExcludeAuthIds = nil
			wantPick(t, h, next, "a", inherited)
		})
	}
}

func TestWhatIsNoAnswerBindsNothing(t *testing.T) {
	w := wires()[0]
	answer := func() *credbrokerv1.ReportResultRequest { return said(fmt.Sprintf(w.answer, "one")) }
	for _, tt := range []struct {
		name   string
		report func(t *testing.T, h *servertest.Harness, p *credbrokerv1.PickCredentialResponse)
	}{
		{"a failure", func(t *testing.T, h *servertest.Harness, p *credbrokerv1.PickCredentialResponse) {
			req := answer()
			req.AuthId, req.PickId, req.HttpStatus, req.ResponseId = "a", p.GetPickId(), 400, "r1"
			report(t, h, req)
		}},
		{"affinity is off", func(t *testing.T, h *servertest.Harness, p *credbrokerv1.PickCredentialResponse) {
			h.Core.Configure(broker.Settings{})
			served(t, h, p, answer())
			h.Core.Configure(broker.Settings{Affinity: true})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := gatewayAt(t, servertest.Options{}, "a", "b")
			p := wantPick(t, h, ask(w.first), "a", begun)
			before := h.Core.Status(broker.Caller{}, h.Clock.Now()).Bindings
			if tt.report(t, h, p); h.Core.Status(broker.Caller{}, h.Clock.Now()).Bindings != before {
				t.Errorf("%d bindings, want %d", h.Core.Status(broker.Caller{}, h.Clock.Now()).Bindings, before)
			}
		})
	}
}

func TestAnswersAreChecked(t *testing.T) {
	h := gatewayAt(t, servertest.Options{}, "a")
	p := pick(t, h, ask(`{}`))
	for _, tt := range []struct {
		field string
		req   *credbrokerv1.ReportResultRequest
	}{
		{"answer_digest", &credbrokerv1.ReportResultRequest{PickId: p.GetPickId(), Answer: &credbrokerv1.ReportResultRequest_AnswerDigest{AnswerDigest: "x"}}},
		{"response_id", &credbrokerv1.ReportResultRequest{PickId: p.GetPickId(), ResponseId: strings.Repeat("r", 257)}},
		{"response_id", &credbrokerv1.ReportResultRequest{PickId: p.GetPickId(), ResponseId: "r\n1"}},
		{"response_id", &credbrokerv1.ReportResultRequest{PickId: p.GetPickId(), ResponseId: "  "}},
		{"pick_id", &credbrokerv1.ReportResultRequest{ResponseId: "r1"}},
		{"pick_id", said(`{"role":"assistant","content":"one"}`)},
	} {
		tt.req.AuthId, tt.req.HttpStatus = "a", 200
		_, err := h.Broker.ReportResult(t.Context(), tt.req)
		s := wantError(t, err, codes.InvalidArgument, server.ReasonInvalidRequest)
		if got := detail[*errdetails.BadRequest](t, s).GetFieldViolations(); len(got) != 1 || got[0].GetField() != tt.field {
			t.Errorf("ReportResult(%v): violations %v, want one of %s", tt.req, got, tt.field)
		}
	}
}

const byReference = `{"previous_response_id":"r1","input":"and then?"}`

func TestReferencesGoToTheirIssuer(t *testing.T) {
	for _, tt := range []struct {
		name  string
		learn func(t *testing.T, h *servertest.Harness)
		body  string
		known bool
	}{
		{"nobody told", func(*testing.T, *servertest.Harness) {}, byReference, false},
		{"the response was reported", func(t *testing.T, h *servertest.Harness) {
			served(t, h, wantPick(t, h, ask(`{"input":"hello"}`), "a", begun), &credbrokerv1.ReportResultRequest{ResponseId: " r1 "})
		}, byReference, true},
		{"another model asks", func(t *testing.T, h *servertest.Harness) {
			req := ask(`{"input":"hello"}`)
			req.Model = "other"
			served(t, h, wantPick(t, h, req, "a", begun), &credbrokerv1.ReportResultRequest{ResponseId: "r1"})
		}, byReference, true},
		{"it was used, and served", func(t *testing.T, h *servertest.Harness) {
			served(t, h, wantPick(t, h, ask(byReference), "a", begun), nil)
		}, byReference, true},
		{"it was used, and refused", func(t *testing.T, h *servertest.Harness) {
			p := wantPick(t, h, ask(byReference), "a", begun)
			report(t, h, &credbrokerv1.ReportResultRequest{AuthId: "a", PickId: p.GetPickId(), Model: "m", HttpStatus: 404})
		}, byReference, false},
		{"a conversation was created", func(t *testing.T, h *servertest.Harness) {
			served(t, h, wantPick(t, h, ask(`{}`), "a", none), &credbrokerv1.ReportResultRequest{ResponseId: "conv_1"})
		}, `{"conversation":{"id":"conv_1"},"input":"hello"}`, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := gatewayAt(t, servertest.Options{}, "a", "b", "c")
			tt.learn(t, h)
			for range 3 {
				if got := pick(t, h, ask(tt.body)).GetCredential().GetAuthId(); tt.known && got != "a" {
					t.Errorf("PickCredential = %s, want the issuer", got)
				}
			}
			rest(t, h, "a", time.Minute)
			_, err := h.Broker.PickCredential(t.Context(), ask(tt.body))
			if !tt.known && err == nil {
				return // it went elsewhere
			}
			wantError(t, err, codes.FailedPrecondition, server.ReasonSessionPinned)
		})
	}
}

func rest(t *testing.T, h *servertest.Harness, auth string, d time.Duration) {
	t.Helper()
	if _, err := h.Broker.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{
		AuthId: auth, End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(d)},
	}); err != nil {
		t.Fatal(err)
	}
}

func TestAReferenceWhoseIssuerIsOutIsRefused(t *testing.T) {
	h := gatewayAt(t, servertest.Options{}, "a", "b", "c")
	served(t, h, wantPick(t, h, ask(`{"input":"hello"}`), "a", begun), &credbrokerv1.ReportResultRequest{ResponseId: "r1"})
	rest(t, h, "a", 90*time.Second)
	_, err := h.Broker.PickCredential(t.Context(), ask(byReference))
	s := wantError(t, err, codes.FailedPrecondition, server.ReasonSessionPinned)
	want := map[string]string{
		"reference": "resp:r1", "auth_id": "a", "advice": "WAIT", "cause": "COOLING_AUTH", "reset_seconds": "90", "model": "m", "provider": "openai",
	}
	if diff := cmp.Diff(want, detail[*errdetails.ErrorInfo](t, s).GetMetadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if got := detail[*errdetails.RetryInfo](t, s).GetRetryDelay().AsDuration(); got != 90*time.Second {
		t.Errorf("RetryInfo = %v, want 90s", got)
	}
	if got := detail[*credbrokerv1.HttpError](t, s); got.GetStatus() != 503 || got.GetHeaders()["Retry-After"] != "90" ||
		!strings.Contains(string(got.GetBody()), `"code":"session_pinned"`) {
		t.Errorf("HttpError = %v", got)
	}

	if _, err := h.Auths.DisableAuth(t.Context(), &credbrokerv1.DisableAuthRequest{AuthId: "a"}); err != nil {
		t.Fatal(err)
	}
	_, err = h.Broker.PickCredential(t.Context(), ask(byReference))
	s = wantError(t, err, codes.FailedPrecondition, server.ReasonSessionPinned)
	if got := detail[*errdetails.ErrorInfo](t, s).GetMetadata()["advice"]; got != "STRIP" {
		t.Errorf("advice = %s, want STRIP", got)
	}
	if got := pick(t, h, ask(`{"input":"hello, and then?"}`)).GetCredential().GetAuthId(); got == "a" {
		t.Error("without the reference it still goes to its issuer")
	}
}

// A burst of sub-agents uses the pool, unless they are told to follow; requests for the client's own sake follow.
func TestRolesFollowOrSpread(t *testing.T) {
	member := func(id, parent string, more ...string) *credbrokerv1.PickCredentialRequest {
		req := ask(`{"messages":[{"role":"user","content":"work"}]}`)
		req.Headers = map[string]string{"X-Session-ID": id, "X-Parent-Session-Id": parent}
		for i := 0; i < len(more); i += 2 {
			req.Headers[more[i]] = more[i+1]
		}
		return req
	}
	for _, tt := range []struct {
		name    string
		roles   []broker.RolePolicy
		follows bool
	}{
		{"by default", nil, false},
		{"told to follow", []broker.RolePolicy{{Subagents: broker.PolicyFollow}}, true},
		{"told so for another provider", []broker.RolePolicy{{Provider: "claude", Subagents: broker.PolicyFollow}}, false},
		{"told so for the provider", []broker.RolePolicy{
			{Provider: "openai", Auxiliary: broker.PolicySpread}, {Provider: "openai", Subagents: broker.PolicyFollow}, {Subagents: broker.PolicySpread},
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := gatewayAt(t, servertest.Options{Roles: tt.roles}, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
			root := ask(`{}`)
			root.Headers = map[string]string{"X-Session-ID": "root"}
			parent := pick(t, h, root).GetCredential().GetAuthId()
			picks := map[string]int{}
			for i := range 50 {
				picks[pick(t, h, member(fmt.Sprint("agent ", i), "root")).GetCredential().GetAuthId()]++
			}
			if tt.follows && picks[parent] != 50 {
				t.Errorf("fifty sub-agents went to %v, want all to %s", picks, parent)
			}
			if most := slices.Max(slices.Collect(maps.Values(picks))); !tt.follows && most != 5 {
				t.Errorf("fifty sub-agents went to %v, want five to each", picks)
			}
		})
	}
}

// A conversation of any length takes a bounded number of bindings, and is found when it is rolled back.
func TestALongConversationTakesAHandfulOfBindings(t *testing.T) {
	h := gatewayAt(t, servertest.Options{}, "a", "b", "c")
	var turns []string
	chat := func(turns ...string) *credbrokerv1.PickCredentialRequest {
		return ask(`{"messages":[` + strings.Join(turns, ",") + `]}`)
	}
	auth := ""
	for i := range 100 {
		h.Clock.Advance(30 * time.Second)
		turns = append(turns, fmt.Sprintf(`{"role":"user","content":"question %d"}`, i))
		p := pick(t, h, chat(turns...))
		if auth == "" {
			auth = p.GetCredential().GetAuthId()
		}
		if got := p.GetCredential().GetAuthId(); got != auth {
			t.Fatalf("turn %d: %s, want %s", i, got, auth)
		}
		answer := fmt.Sprintf(`{"role":"assistant","content":"answer %d"}`, i)
		served(t, h, p, said(answer))
		turns = append(turns, answer)
		if got := h.Core.Status(broker.Caller{}, h.Clock.Now()).Bindings; got > maxBindings {
			t.Fatalf("turn %d: %d bindings, want at most %d", i, got, maxBindings)
		}
	}
	for _, back := range []int{1, 2, 3} {
		edited := append(slices.Clone(turns[:len(turns)-2*back]), `{"role":"user","content":"another question"}`)
		if got := pick(t, h, chat(edited...)).GetCredential().GetAuthId(); got != auth {
			t.Errorf("rolled back by %d: %s, want %s", back, got, auth)
		}
	}
	t.Logf("%d bindings after 100 turns", h.Core.Status(broker.Caller{}, h.Clock.Now()).Bindings)
}

// What a stream says of itself need not be reported beside it.
func TestStreamsTellIDAndTokens(t *testing.T) {
	h := gatewayAt(t, servertest.Options{}, "a", "b", "c")
	p := pick(t, h, ask(`{"input":"hello"}`))
	served(t, h, p, said("data: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_7\",\"output\":[{\"type\":\"message\",\"role\":\"assistant\","+
		"\"content\":[{\"type\":\"output_text\",\"text\":\"one\"}]}],\"usage\":{\"input_tokens\":70,\"input_tokens_details\":{\"cached_tokens\":20},\"output_tokens\":5}}}\n\n"))
	for range 3 {
		next := pick(t, h, ask(`{"previous_response_id":"resp_7","input":"on"}`))
		if got, want := next.GetCredential().GetAuthId(), p.GetCredential().GetAuthId(); got != want {
			t.Errorf("the request that names the response got %s, want %s", got, want)
		}
	}
	for _, want := range []string{`kind="input",provider="openai"} 70`, `kind="cached_input",provider="openai"} 20`, `kind="output",provider="openai"} 5`} {
		if got := get(h, "/metrics").Body.String(); !strings.Contains(got, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}
