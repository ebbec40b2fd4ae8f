package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

func TestPickCredential(t *testing.T) {
	full := servertest.Key("full", "claude")
	full.Attributes = map[string]string{"region": "eu"}
	full.BaseURL = "https://api.example"
	full.ProxyURL = selector.NewSecret("http://user:password@proxy:1")
	full.Prefix = "team"
	full.ExpiresAt = servertest.Start().Add(2 * time.Hour)
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{full}})
	got, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{
		Provider: "claude", Model: "team/claude-opus-4(high)", SessionId: " s1 ", Explain: true,
	})
	if err != nil {
		t.Fatalf("PickCredential: %v", err)
	}
	want := &credbrokerv1.PickCredentialResponse{
		Credential: &credbrokerv1.Credential{
			AuthId: "full", Provider: "claude", Label: "full", Attributes: map[string]string{"region": "eu"},
			RequestHeaders: map[string]string{"Authorization": "Bearer key-of-full"},
			BaseUrl:        "https://api.example", ProxyUrl: "http://user:password@proxy:1",
			ExpiresAt: timestamppb.New(full.ExpiresAt), Model: "claude-opus-4(high)",
		},
		PickId: got.GetPickId(), Attempt: 1,
		Session: &credbrokerv1.Session{
			Id: "caller:s1", Source: credbrokerv1.SessionSource_SESSION_SOURCE_CALLER,
			Binding: credbrokerv1.Binding_BINDING_NEW, ExpiresAt: timestamppb.New(h.Clock.Now().Add(time.Hour)),
		},
		Explanation: &credbrokerv1.Explanation{
			Strategy: credbrokerv1.Strategy_STRATEGY_ROUND_ROBIN,
			Counts:   []*credbrokerv1.ReasonCount{{Reason: credbrokerv1.CandidateReason_CANDIDATE_REASON_SELECTED, Count: 1}},
			Candidates: []*credbrokerv1.Candidate{{
				AuthId: "full", Provider: "claude", Reason: credbrokerv1.CandidateReason_CANDIDATE_REASON_SELECTED,
			}},
		},
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("PickCredential (-want +got):\n%s", diff)
	}
	if got.GetPickId() == "" {
		t.Error("pick_id is empty")
	}
}

func TestPickFollowsTheSession(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{
		servertest.Key("a", "claude"), servertest.Key("b", "claude"),
	}})
	pick := func(req *credbrokerv1.PickCredentialRequest) *credbrokerv1.PickCredentialResponse {
		t.Helper()
		req.Provider, req.Model = "claude", "m"
		got, err := h.Broker.PickCredential(t.Context(), req)
		if err != nil {
			t.Fatalf("PickCredential(%v): %v", req, err)
		}
		return got
	}
	header := func() *credbrokerv1.PickCredentialRequest {
		return &credbrokerv1.PickCredentialRequest{Headers: map[string]string{"x-SESSION-id": "one", "Accept": "*/*"}}
	}
	dry := header()
	dry.DryRun = true
	if got := pick(dry); got.GetSession().GetBinding() != credbrokerv1.Binding_BINDING_NEW || got.GetPickId() != "" {
		t.Errorf("dry run = %v, want NEW and no pick_id", got)
	}
	first := pick(header())
	if s := first.GetSession(); s.GetBinding() != credbrokerv1.Binding_BINDING_NEW || s.GetId() != "header:one" ||
		s.GetSource() != credbrokerv1.SessionSource_SESSION_SOURCE_HEADER {
		t.Errorf("session = %v, want a new one of the header", s)
	}
	pick(&credbrokerv1.PickCredentialRequest{})
	second := pick(header())
	if second.GetSession().GetBinding() != credbrokerv1.Binding_BINDING_HIT ||
		second.GetCredential().GetAuthId() != first.GetCredential().GetAuthId() {
		t.Errorf("second pick = %v, want a hit on %s", second, first.GetCredential().GetAuthId())
	}
	none := pick(&credbrokerv1.PickCredentialRequest{Body: []byte("no JSON")})
	if s := none.GetSession(); s.GetBinding() != credbrokerv1.Binding_BINDING_NONE || s.GetId() != "" || s.GetExpiresAt() != nil {
		t.Errorf("session of a request without one = %v", s)
	}
	body := pick(&credbrokerv1.PickCredentialRequest{Body: []byte(`{"messages":[{"role":"user","content":"hi"}]}`)})
	if s := body.GetSession(); s.GetSource() != credbrokerv1.SessionSource_SESSION_SOURCE_CHAIN {
		t.Errorf("session of a body = %v, want one of the messages", s)
	}

	h.Core.Configure(broker.Settings{})
	off := pick(header())
	if s := off.GetSession(); s.GetBinding() != credbrokerv1.Binding_BINDING_NONE || s.GetId() != "" {
		t.Errorf("session with affinity off = %v, want none", s)
	}
}

func TestPickErrors(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{
		servertest.Key("a", "claude"), servertest.Key("b", "claude"),
	}})
	_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonAuthNotFound)

	for _, id := range []string{"a", "b"} {
		_, err := h.Broker.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{
			AuthId: id, Model: "m(low)", Reason: "limit",
			End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(90 * time.Second)},
		})
		if err != nil {
			t.Fatalf("ReportCooldown: %v", err)
		}
	}
	h.Clock.Advance(500 * time.Millisecond)
	_, err = h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude", Model: "m", Explain: true})
	s := wantError(t, err, codes.ResourceExhausted, server.ReasonModelCooldown)
	wantMetadata := map[string]string{"model": "m", "provider": "claude", "reset_seconds": "90", "COOLING_MODEL": "2"}
	if diff := cmp.Diff(wantMetadata, detail[*errdetails.ErrorInfo](t, s).GetMetadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if got := detail[*errdetails.RetryInfo](t, s).GetRetryDelay().AsDuration(); got != 89500*time.Millisecond {
		t.Errorf("retry delay = %v, want 89.5s", got)
	}
	answer := detail[*credbrokerv1.HttpError](t, s)
	if answer.GetStatus() != 429 || answer.GetHeaders()["Retry-After"] != "90" ||
		!strings.Contains(string(answer.GetBody()), `"reset_time":"1m30s"`) {
		t.Errorf("HttpError = %v", answer)
	}
	explanation := detail[*credbrokerv1.Explanation](t, s)
	if len(explanation.GetCandidates()) != 2 || explanation.GetCandidates()[0].GetDetail() != "limit" {
		t.Errorf("explanation = %v, want both auths with their reason", explanation)
	}

	if _, err := h.Auths.DisableAuth(t.Context(), &credbrokerv1.DisableAuthRequest{AuthId: "a"}); err != nil {
		t.Fatalf("DisableAuth: %v", err)
	}
	_, err = h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{
		Provider: "claude", Model: "m", ExcludeAuthIds: []string{"b"},
	})
	s = wantError(t, err, codes.FailedPrecondition, server.ReasonAuthUnavailable)
	wantMetadata = map[string]string{"model": "m", "provider": "claude", "DISABLED": "1", "EXCLUDED": "1"}
	if diff := cmp.Diff(wantMetadata, detail[*errdetails.ErrorInfo](t, s).GetMetadata()); diff != "" {
		t.Errorf("metadata (-want +got):\n%s", diff)
	}
	if got := detail[*credbrokerv1.HttpError](t, s).GetStatus(); got != 503 {
		t.Errorf("HttpError status = %d, want 503", got)
	}
}

func TestReportCooldown(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	now := h.Clock.Now()
	report := func(req *credbrokerv1.ReportCooldownRequest) *credbrokerv1.ReportCooldownResponse {
		t.Helper()
		req.AuthId = "a"
		got, err := h.Broker.ReportCooldown(t.Context(), req)
		if err != nil {
			t.Fatalf("ReportCooldown(%v): %v", req, err)
		}
		return got
	}
	pick, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{})
	if err != nil {
		t.Fatal(err)
	}
	ladder := report(&credbrokerv1.ReportCooldownRequest{Model: "ladder", PickId: pick.GetPickId()})
	if ladder.GetBackoffLevel() != 1 || !ladder.GetUntil().AsTime().After(now) {
		t.Errorf("ReportCooldown without a time = %v, want the first step of the ladder", ladder)
	}
	for _, tt := range []struct {
		name string
		req  *credbrokerv1.ReportCooldownRequest
		want time.Duration
	}{
		{"until is kept to the letter", &credbrokerv1.ReportCooldownRequest{
			End: &credbrokerv1.ReportCooldownRequest_Until{Until: timestamppb.New(now.Add(366 * 24 * time.Hour))},
		}, 366 * 24 * time.Hour},
		{"a shorter one leaves the later end in force", &credbrokerv1.ReportCooldownRequest{
			End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Nanosecond)},
		}, 366 * 24 * time.Hour},
		{"a model has its own", &credbrokerv1.ReportCooldownRequest{
			Model: "x(high)", Kind: credbrokerv1.CooldownKind_COOLDOWN_KIND_OTHER,
			End: &credbrokerv1.ReportCooldownRequest_RetryAfter{RetryAfter: durationpb.New(time.Minute)},
		}, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := report(tt.req).GetUntil().AsTime(); !got.Equal(now.Add(tt.want)) {
				t.Errorf("until = %v, want %v", got, now.Add(tt.want))
			}
		})
	}
	_, err = h.Broker.ReportCooldown(t.Context(), &credbrokerv1.ReportCooldownRequest{AuthId: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)
}

func TestInvalidateAuth(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{servertest.Key("a", "claude")}})
	for i := range 3 {
		_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{SessionId: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := h.Broker.InvalidateAuth(t.Context(), &credbrokerv1.InvalidateAuthRequest{AuthId: "a", Reason: "moved"})
	if err != nil || got.GetReleasedSessions() != 3 {
		t.Errorf("InvalidateAuth = %v, %v, want 3 sessions", got, err)
	}
	again, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{SessionId: "1"})
	if err != nil || again.GetSession().GetBinding() != credbrokerv1.Binding_BINDING_NEW {
		t.Errorf("pick of a released session = %v, %v, want NEW", again, err)
	}
	got, err = h.Broker.InvalidateAuth(t.Context(), &credbrokerv1.InvalidateAuthRequest{AuthId: "a", Disable: true})
	if err != nil || got.GetReleasedSessions() != 1 {
		t.Errorf("InvalidateAuth = %v, %v, want 1 session", got, err)
	}
	_, err = h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{SessionId: "1"})
	wantError(t, err, codes.FailedPrecondition, server.ReasonAuthUnavailable)
	_, err = h.Broker.InvalidateAuth(t.Context(), &credbrokerv1.InvalidateAuthRequest{AuthId: "nobody"})
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)
}

func TestLaterMethodsAreUnimplemented(t *testing.T) {
	h := servertest.New(t, servertest.Options{})
	stream, err := h.Broker.PickCredentials(t.Context())
	if err == nil {
		_, err = stream.Recv()
	}
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("PickCredentials: %v, want UNIMPLEMENTED", err)
	}
}

// wantError checks the code and the reason, and that the error says where it comes from.
func wantError(t *testing.T, err error, code codes.Code, reason server.Reason) *status.Status {
	t.Helper()
	s := status.Convert(err)
	if s.Code() != code {
		t.Fatalf("error = %v, want code %v", err, code)
	}
	info := detail[*errdetails.ErrorInfo](t, s)
	if info.GetDomain() != server.ErrorDomain || info.GetReason() != string(reason) {
		t.Fatalf("error info = %v, want %s", info, reason)
	}
	return s
}

// detail is the detail of one type.
func detail[T any](t *testing.T, s *status.Status) T {
	t.Helper()
	for _, d := range s.Details() {
		if d, ok := d.(T); ok {
			return d
		}
	}
	var none T
	t.Fatalf("%v has no detail %T", s, none)
	return none
}

// violations are the fields that an INVALID_REQUEST names, with what it says about them.
func violations(t *testing.T, err error) map[string]string {
	t.Helper()
	s := wantError(t, err, codes.InvalidArgument, server.ReasonInvalidRequest)
	fields := make(map[string]string)
	for _, v := range detail[*errdetails.BadRequest](t, s).GetFieldViolations() {
		fields[v.GetField()] += v.GetDescription()
	}
	return fields
}
