package server_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
	"github.com/credbroker/credbroker/verdict"
)

// result is a report that only needs an answer.
func result(id string, status int32, body string, headers ...string) *credbrokerv1.ReportResultRequest {
	req := &credbrokerv1.ReportResultRequest{
		AuthId: id, Model: "m", HttpStatus: status, Body: []byte(body), Headers: map[string]string{}, Latency: durationpb.New(time.Second),
	}
	for i := 0; i < len(headers); i += 2 {
		req.Headers[headers[i]] = headers[i+1]
	}
	return req
}

func report(t testing.TB, h *servertest.Harness, req *credbrokerv1.ReportResultRequest) *credbrokerv1.Verdict {
	t.Helper()
	got, err := h.Broker.ReportResult(t.Context(), req)
	if err != nil {
		t.Fatalf("ReportResult(%v): %v", req, err)
	}
	return got.GetVerdict()
}

func openai(id string) *selector.Auth {
	a := servertest.Key(id, "openai")
	a.Dialect = "openai"
	return a
}

func TestReportResultTellsWhatWasDone(t *testing.T) {
	shared := openai("shared")
	shared.Domains = []string{"org:acme"}
	for name, tt := range map[string]struct {
		req  *credbrokerv1.ReportResultRequest
		want *credbrokerv1.Verdict
	}{
		"served": {result("a", 200, ""), &credbrokerv1.Verdict{
			Fault: credbrokerv1.Fault_FAULT_NONE, Action: credbrokerv1.Action_ACTION_NONE, Scope: credbrokerv1.Scope_SCOPE_NONE, Rule: "success", Retry: credbrokerv1.Retry_RETRY_NOBODY, Next: credbrokerv1.Next_NEXT_DONE,
		}},
		"the caller's fault": {result("a", 400, `{"error":{"code":"context_length_exceeded","message":"x"}}`), &credbrokerv1.Verdict{
			Fault: credbrokerv1.Fault_FAULT_CALLER, Action: credbrokerv1.Action_ACTION_NONE, Scope: credbrokerv1.Scope_SCOPE_NONE,
			Reason: "context_length", Retry: credbrokerv1.Retry_RETRY_NOBODY, Next: credbrokerv1.Next_NEXT_RETURN,
		}},
		"a limit with a time": {result("a", 429, `{"error":{"message":"x"}}`, "Retry-After", "30"), &credbrokerv1.Verdict{
			Fault: credbrokerv1.Fault_FAULT_MODEL, Action: credbrokerv1.Action_ACTION_COOLDOWN, Scope: credbrokerv1.Scope_SCOPE_MODEL,
			Reason: "rate_limited", RetryElsewhere: true, Next: credbrokerv1.Next_NEXT_PICK_AGAIN, Retry: credbrokerv1.Retry_RETRY_ANOTHER_AUTH, LimitDomain: "org",
			Until: timestamppb.New(servertest.Start().Add(30 * time.Second)),
		}},
		"a limit of an organisation": {result("shared", 429, `{"error":{"message":"x"}}`, "Retry-After", "3600"), &credbrokerv1.Verdict{
			Fault: credbrokerv1.Fault_FAULT_MODEL, Action: credbrokerv1.Action_ACTION_COOLDOWN, Scope: credbrokerv1.Scope_SCOPE_MODEL,
			Reason: "rate_limited", RetryElsewhere: true, Next: credbrokerv1.Next_NEXT_PICK_AGAIN, Retry: credbrokerv1.Retry_RETRY_ANOTHER_AUTH, LimitDomain: "org",
			RestingDomains: []string{"org:acme"}, Until: timestamppb.New(servertest.Start().Add(time.Hour)),
			ProbeAt: timestamppb.New(servertest.Start().Add(15 * time.Minute)),
		}},
		"a refused key": {result("a", 401, `{"error":{"code":"invalid_api_key","message":"Incorrect API key provided"}}`), &credbrokerv1.Verdict{
			Fault: credbrokerv1.Fault_FAULT_CREDENTIAL, Action: credbrokerv1.Action_ACTION_INVALIDATE, Scope: credbrokerv1.Scope_SCOPE_AUTH,
			Reason: "auth_invalid", RetryElsewhere: true, Next: credbrokerv1.Next_NEXT_PICK_AGAIN, Retry: credbrokerv1.Retry_RETRY_ANOTHER_AUTH, OperatorAction: "Replace the API key.",
			ReleasedSessions: 1,
		}},
		"no money left": {result("a", 429, `{"error":{"code":"insufficient_quota","message":"x"}}`), &credbrokerv1.Verdict{
			Fault: credbrokerv1.Fault_FAULT_CREDENTIAL, Action: credbrokerv1.Action_ACTION_DISABLE, Scope: credbrokerv1.Scope_SCOPE_AUTH,
			Reason: "billing_exhausted", RetryElsewhere: true, Next: credbrokerv1.Next_NEXT_PICK_AGAIN, Retry: credbrokerv1.Retry_RETRY_ANOTHER_AUTH,
			OperatorAction: "Pay, top up, or raise the limit in the vendor's billing settings, then enable this auth.",
		}},
		"no answer": {&credbrokerv1.ReportResultRequest{AuthId: "a", Model: "m", TransportError: "connection reset by peer"}, &credbrokerv1.Verdict{
			Fault: credbrokerv1.Fault_FAULT_TRANSIENT, Action: credbrokerv1.Action_ACTION_NONE, Scope: credbrokerv1.Scope_SCOPE_NONE,
			Reason: "upstream_error", RetryElsewhere: true, Next: credbrokerv1.Next_NEXT_PICK_AGAIN, Retry: credbrokerv1.Retry_RETRY_ANOTHER_AUTH,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a"), openai("b"), shared}})
			bind := &credbrokerv1.PickCredentialRequest{Provider: "openai", Model: "m", SessionId: "s", ExcludeAuthIds: []string{"b", "shared"}}
			if _, err := h.Broker.PickCredential(t.Context(), bind); err != nil {
				t.Fatal(err)
			}
			got := report(t, h, tt.req)
			if tt.want.GetRule() == "" {
				if tt.want.Rule = got.GetRule(); got.GetRule() == "" || got.GetRule() == "unmatched" {
					t.Errorf("rule %q", got.GetRule())
				}
			}
			if diff := cmp.Diff(tt.want, got, protocmp.Transform()); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRetryElsewhereOnlyWhereSomebodyIsReady(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a"), openai("b")}})
	limit := func(id string) *credbrokerv1.Verdict { return report(t, h, result(id, 429, "", "Retry-After", "30")) }
	if v := limit("a"); !v.GetRetryElsewhere() {
		t.Errorf("b is ready: %v", v)
	}
	if v := limit("b"); v.GetRetryElsewhere() || v.GetRetry() != credbrokerv1.Retry_RETRY_ANOTHER_AUTH {
		t.Errorf("nobody is ready: %v", v)
	}
	_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "openai", Model: "m"})
	refused := wantError(t, err, codes.ResourceExhausted, server.ReasonModelCooldown)
	if got := detail[*errdetails.ErrorInfo](t, refused).GetMetadata()["reset_seconds"]; got != "30" {
		t.Errorf("the pick after it: reset_seconds = %s", got)
	}
}

func TestReportResultRefusesWhatIsWrong(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a")}})
	digest := &credbrokerv1.ReportResultRequest_AnswerDigest{AnswerDigest: strings.Repeat("x", 1<<10)}
	many, pickID := map[string]string{}, pick(t, h, ask("")).GetPickId()
	for i := range 257 {
		many[fmt.Sprint(i)] = ""
	}
	for field, req := range map[string]*credbrokerv1.ReportResultRequest{
		"auth_id":             {HttpStatus: 200},
		"model":               {AuthId: "a", HttpStatus: 200, Model: strings.Repeat("m", 257)},
		"headers":             {AuthId: "a", HttpStatus: 200, Headers: many},
		"http_status":         {AuthId: "a"},
		"pick_id":             {AuthId: "a", HttpStatus: 200, PickId: "x"},
		"outcome":             {AuthId: "a", HttpStatus: 200, Outcome: 6},
		"error_class":         {AuthId: "a", Model: "m", ErrorClass: "quotas"},
		"tried_auth_ids":      {AuthId: "a", HttpStatus: 200, TriedAuthIds: texts(1025)},
		"tried_auth_ids[1]":   {AuthId: "a", HttpStatus: 200, TriedAuthIds: []string{"b", strings.Repeat("x", 257)}},
		"response_id":         {AuthId: "a", HttpStatus: 200, ResponseId: strings.Repeat("x", 257), PickId: pickID},
		"answer_digest":       {AuthId: "a", HttpStatus: 200, PickId: pickID, Answer: digest},
		"latency":             {AuthId: "a", HttpStatus: 200, Latency: durationpb.New(-1)},
		"received_at":         {AuthId: "a", HttpStatus: 200, ReceivedAt: &timestamppb.Timestamp{Nanos: -1}},
		"transport_error":     {AuthId: "a", TransportError: strings.Repeat("x", 1025)},
		"usage.output_tokens": {AuthId: "a", HttpStatus: 200, Usage: &credbrokerv1.Usage{OutputTokens: -1}},
	} {
		_, err := h.Broker.ReportResult(t.Context(), req)
		if got := violations(t, err); len(got) != 1 || got[field] == "" {
			t.Errorf("violations %v, want one of %s", got, field)
		}
	}
	for _, status := range []int32{-1, 99, 600} {
		_, err := h.Broker.ReportResult(t.Context(), &credbrokerv1.ReportResultRequest{AuthId: "a", HttpStatus: status})
		if got := violations(t, err); len(got) != 1 || got["http_status"] == "" {
			t.Errorf("status %d: violations %v", status, got)
		}
	}
	_, err := h.Broker.ReportResult(t.Context(), result("none", 200, ""))
	wantError(t, err, codes.NotFound, server.ReasonUnknownAuth)
}

// An attempt began when its pick says, else when the latency says; an answer that claims to be old is not older than ten
// minutes, and none comes from the future.
func TestBeginOfAnAttempt(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(success *credbrokerv1.ReportResultRequest, now time.Time, early, late string)
		ends   bool
	}{
		"picked before the limit": {func(r *credbrokerv1.ReportResultRequest, _ time.Time, early, _ string) { r.PickId = early }, false},
		"picked after the limit":  {func(r *credbrokerv1.ReportResultRequest, _ time.Time, _, late string) { r.PickId = late }, true},
		"sent before the limit": {func(r *credbrokerv1.ReportResultRequest, _ time.Time, _, _ string) {
			r.Latency = durationpb.New(time.Minute)
		}, false},
		"sent after the limit": {func(r *credbrokerv1.ReportResultRequest, _ time.Time, _, _ string) {
			r.Latency = durationpb.New(time.Second)
		}, true},
		"pick and latency disagree": {func(r *credbrokerv1.ReportResultRequest, _ time.Time, early, _ string) {
			r.PickId, r.Latency = early, durationpb.New(0)
		}, false},
		"nothing is known": {func(*credbrokerv1.ReportResultRequest, time.Time, string, string) {}, false},
		"arrived before the limit": {func(r *credbrokerv1.ReportResultRequest, now time.Time, _, _ string) {
			r.Latency, r.ReceivedAt = durationpb.New(0), timestamppb.New(now.Add(-time.Minute))
		}, false},
		"arrived in the year 1": {func(r *credbrokerv1.ReportResultRequest, _ time.Time, _, _ string) {
			r.Latency, r.ReceivedAt = durationpb.New(0), timestamppb.New(time.Time{})
		}, false},
		"arrives tomorrow, sent soon": {func(r *credbrokerv1.ReportResultRequest, now time.Time, _, _ string) {
			r.Latency, r.ReceivedAt = durationpb.New(time.Minute), timestamppb.New(now.Add(24*time.Hour))
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a")}})
			pick := func() string {
				t.Helper()
				got, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "openai", Model: "other"})
				if err != nil {
					t.Fatal(err)
				}
				return got.GetPickId()
			}
			early := pick()
			h.Clock.Advance(20 * time.Second)
			report(t, h, result("a", 429, "", "Retry-After", "300"))
			h.Clock.Advance(20 * time.Second)
			late := pick()
			h.Clock.Advance(5 * time.Second)
			success := &credbrokerv1.ReportResultRequest{AuthId: "a", Model: "m", HttpStatus: 200}
			tt.change(success, h.Clock.Now(), early, late)
			report(t, h, success)
			_, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "openai", Model: "m"})
			if (err == nil) != tt.ends {
				t.Errorf("the pick after it: %v, want ready: %t", err, tt.ends)
			}
		})
	}
}

func TestQuotaWindowsAreShown(t *testing.T) {
	claude := servertest.Key("c", "claude")
	claude.Kind, claude.Dialect = selector.KindOAuth, "claude-code"
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{claude, openai("a")}})
	reset := servertest.Start().Add(time.Hour)
	report(t, h, result("c", 200, "",
		"anthropic-ratelimit-unified-5h-utilization", "0.25", "anthropic-ratelimit-unified-5h-reset", fmt.Sprint(reset.Unix())))
	got, err := h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "c"})
	if err != nil {
		t.Fatal(err)
	}
	want := []*credbrokerv1.QuotaWindow{{
		Name: "5h", UsedShare: new(0.25), ResetsAt: timestamppb.New(reset), SeenAt: timestamppb.New(servertest.Start()),
	}}
	if diff := cmp.Diff(want, got.GetAuth().GetQuotaWindows(), protocmp.Transform()); diff != "" {
		t.Errorf("quota windows (-want +got):\n%s", diff)
	}
	if got := metric(t, h, "credbroker_quota_used_ratio"); got != 0.25 {
		t.Errorf("credbroker_quota_used_ratio = %v", got)
	}
	if got := metric(t, h, "credbroker_quota_reset_timestamp_seconds"); got != float64(reset.Unix()) {
		t.Errorf("credbroker_quota_reset_timestamp_seconds = %v", got)
	}
}

// Whatever an upstream sends is judged, and costs nobody more than the answer says.
func TestHostileAnswers(t *testing.T) {
	random := make([]byte, 1<<20)
	chance := rand.NewChaCha8([32]byte{1})
	_, _ = chance.Read(random)
	megabyte := strings.Repeat("x", 1<<20)
	longest := 0 * time.Second
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a"), openai("b")}})
	for name, req := range map[string]*credbrokerv1.ReportResultRequest{
		"a megabyte of text":      result("a", 500, megabyte),
		"a megabyte of JSON":      result("a", 429, `{"error":{"message":"`+megabyte+`"}}`),
		"a megabyte of nesting":   result("a", 429, strings.Repeat("[", 1<<20)),
		"a page":                  result("a", 502, "<html><body>Bad Gateway</body></html>"),
		"gzip garbage":            result("a", 400, "\x1f\x8b\x08\x00"+string(random)),
		"noise on success":        result("a", 200, string(random)),
		"a delay below zero":      result("a", 429, "", "retry-after", "-1"),
		"a delay that is no time": result("a", 429, "", "retry-after", "NaN"),
		"a delay without end":     result("a", 429, "", "retry-after", "9e99"),
		"a delay of infinity":     result("a", 429, "", "retry-after", "Inf", "retry-after-ms", "1e400"),
		"a date in another age":   result("a", 429, "", "retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"),
		"a status of its own":     result("a", 599, ""),
	} {
		v := report(t, h, req)
		if v.GetAction() == credbrokerv1.Action_ACTION_INVALIDATE || v.GetAction() == credbrokerv1.Action_ACTION_DISABLE {
			t.Errorf("%s: %v", name, v)
		}
		if until := v.GetUntil(); until != nil {
			longest = max(longest, until.AsTime().Sub(h.Clock.Now()))
		}
	}
	if longest > 10*time.Minute {
		t.Errorf("an answer that says nothing blocks the auth for %v", longest)
	}
	got, err := h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "b"})
	if err != nil || got.GetAuth().GetState() != credbrokerv1.AuthState_AUTH_STATE_READY {
		t.Errorf("the other auth: %v, %v", got, err)
	}
}

func TestRulesCanBeReplacedWhileTheServerRuns(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a")}})
	rules, err := verdict.Load(verdict.File{Name: "acme.yaml", Text: []byte(`
dialects: [openai]
rules:
  - id: acme-quota
    stage: limit
    when: {status: 429, text: [acme quota]}
    fault: credential
    action: cooldown
    scope: auth
    reason: daily_quota
    source: a manual
`)})
	if err != nil {
		t.Fatal(err)
	}
	limit := result("a", 429, `{"error":{"message":"ACME quota exceeded"}}`)
	if got := report(t, h, limit).GetRule(); got == "acme-quota" {
		t.Errorf("judged by %s", got)
	}
	h.Core.Configure(broker.Settings{Affinity: true, Rules: rules})
	if got := report(t, h, limit); got.GetRule() != "acme-quota" || got.GetReason() != "daily_quota" {
		t.Errorf("judged %v", got)
	}
	got, err := h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if c := got.GetAuth().GetCooldowns(); c[0].GetRule() != "acme-quota" || got.GetAuth().GetLastReport().GetRule() != "acme-quota" {
		t.Errorf("GetAuth = %v", got)
	}
}

// Who asks why an auth is out is shown the row that judged, and what an operator must do.
func TestRowsAreNamed(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a"), openai("b"), openai("c")}})
	rows := map[string]string{
		"a": report(t, h, result("a", 429, "", "Retry-After", "30")).GetRule(),
		"b": report(t, h, result("b", 429, `{"error":{"code":"insufficient_quota","message":"x"}}`)).GetRule(),
	}
	got, err := h.Broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "openai", Model: "m", Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range got.GetExplanation().GetCandidates() {
		if row := rows[c.GetAuthId()]; !strings.Contains(c.GetDetail(), "(rule "+row+")") && row != "" {
			t.Errorf("%s: detail %q, want it to name rule %s", c.GetAuthId(), c.GetDetail(), row)
		}
		delete(rows, c.GetAuthId())
	}
	if len(rows) > 0 {
		t.Errorf("nothing is explained of %v", rows)
	}
	b, err := h.Auths.GetAuth(t.Context(), &credbrokerv1.GetAuthRequest{AuthId: "b"})
	if want := "Pay, top up"; err != nil || !strings.Contains(b.GetAuth().GetStateReason(), want) {
		t.Errorf("GetAuth = %v, %v, want a reason with %q", b, err, want)
	}
}

func TestVerdictsAreLoggedAndCounted(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a"), openai("b"), openai("c")}})
	req := result("a", 401, `{"error":{"code":"invalid_api_key","message":"Incorrect API key provided: sk-tell-tale"}}`, "Set-Cookie", "tell-tale")
	req.Usage = &credbrokerv1.Usage{InputTokens: 7, CachedInputTokens: 3, OutputTokens: 2}
	report(t, h, req)
	text := h.Log.String()
	for _, want := range []string{`"level":"warn"`, `"verdict":"auth_invalid"`, `"action":"INVALIDATE"`, `"auth_id":"a"`, `"operator_action":"Replace the API key."`} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "tell-tale") {
		t.Errorf("the log holds what the upstream wrote:\n%s", text)
	}
	for name, want := range map[string]float64{"credbroker_results_total": 1, "credbroker_tokens_total": 12} {
		if got := metric(t, h, name); got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
}

// metric is the sum of a metric's series.
func metric(t testing.TB, h *servertest.Harness, name string) (sum float64) {
	t.Helper()
	families, err := h.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}
