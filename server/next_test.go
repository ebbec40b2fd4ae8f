package server_test

import (
	"encoding/json"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server"
	"github.com/credbroker/credbroker/server/servertest"
)

// loop is a gateway that follows `next` and nothing else.
type loop struct {
	h    *servertest.Harness
	body string
	// answer is what the upstream answers to an auth.
	answer func(auth string) *credbrokerv1.ReportResultRequest
	// verdicts are all that the broker said, and auths who was asked.
	verdicts []*credbrokerv1.Verdict
	auths    []string
}

// run serves one request of a client until the broker says how that ends.
func (l *loop) run(t *testing.T) *credbrokerv1.Verdict {
	t.Helper()
	req := ask(l.body)
	var tried []string
	for {
		picked := pick(t, l.h, req)
		if got, want := picked.GetAttempt(), int32(len(l.auths)+1); got != want {
			t.Fatalf("attempt = %d, want %d", got, want)
		}
		auth := picked.GetCredential().GetAuthId()
		l.auths = append(l.auths, auth)
		answer := l.answer(auth)
		answer.AuthId, answer.Model, answer.PickId, answer.TriedAuthIds = auth, picked.GetCredential().GetModel(), picked.GetPickId(), tried
		v := report(t, l.h, answer)
		l.verdicts = append(l.verdicts, v)
		if again := v.GetNext() == credbrokerv1.Next_NEXT_PICK_AGAIN; again != v.GetRetryElsewhere() {
			t.Errorf("retry_elsewhere = %t with %v", v.GetRetryElsewhere(), v.GetNext())
		}
		req.AttemptOf = picked.GetPickId()
		tried = append(tried, auth)
		switch v.GetNext() {
		case credbrokerv1.Next_NEXT_PICK_AGAIN:
			req.ExcludeAuthIds = tried
		case credbrokerv1.Next_NEXT_WAIT:
			req.ExcludeAuthIds = nil
			l.h.Clock.Advance(v.GetWait().AsDuration())
		default:
			return v
		}
	}
}

func upstream(code int32, body string, headers ...string) *credbrokerv1.ReportResultRequest {
	return result("", code, body, headers...)
}

// A gateway that follows `next` moves on from an overloaded auth, and its client is served.
func TestAnOverloadTriesAnother(t *testing.T) {
	for _, code := range []int32{503, 529} {
		l := loop{h: gatewayAt(t, servertest.Options{}, "a", "b", "c"), answer: func(auth string) *credbrokerv1.ReportResultRequest {
			if auth == "a" {
				return upstream(code, "", "Retry-After", "20")
			}
			return upstream(200, "")
		}}
		v := l.run(t)
		if first := l.verdicts[0]; v.GetNext() != credbrokerv1.Next_NEXT_DONE || len(l.auths) != 2 || l.auths[1] == "a" ||
			first.GetRetry() != credbrokerv1.Retry_RETRY_OTHER_MODEL || first.GetClientAnswer() != nil {
			t.Errorf("status %d: %v by %v, the first of them %v", code, v.GetNext(), l.auths, first)
		}
	}
}

func TestAPoolOfOneWaits(t *testing.T) {
	overloaded := true
	l := loop{h: gatewayAt(t, servertest.Options{}, "a"), answer: func(string) *credbrokerv1.ReportResultRequest {
		if overloaded {
			overloaded = false
			return upstream(529, "", "Retry-After", "45")
		}
		return upstream(200, "")
	}}
	v := l.run(t)
	first := l.verdicts[0]
	if v.GetNext() != credbrokerv1.Next_NEXT_DONE || first.GetWait().AsDuration() != 45*time.Second || first.GetClientAnswer().GetHeaders()["Retry-After"] != "45" {
		t.Errorf("ends with %v after %v, want it served after a wait of 45 s that the client can be told", v, first)
	}
}

func TestAnOutageStopsAtOnce(t *testing.T) {
	l := loop{h: gatewayAt(t, servertest.Options{}, "a", "b", "c", "d"), answer: func(string) *credbrokerv1.ReportResultRequest {
		return upstream(503, "")
	}}
	v := l.run(t)
	if !v.GetOutage() || v.GetNext() != credbrokerv1.Next_NEXT_RETURN || v.GetClientAnswer().GetStatus() != 503 || len(l.auths) != 3 {
		t.Errorf("after %v: %v, want an outage that is answered", l.auths, v)
	}
}

// What an auth is at fault for is nothing for the client to read, in any format; what the client got wrong is.
func TestACredentialsFaultIsNotShown(t *testing.T) {
	const refusal = `{"error":{"type":"authentication_error","message":"invalid x-api-key"}}`
	for _, tt := range []struct {
		name, body string
		format     credbrokerv1.ClientFormat
		want       string
	}{
		{"Anthropic's, as the body shows", `{"system":"s","messages":[]}`, 0,
			`{"error":{"message":"No credential for model m can be used via provider openai","type":"api_error"},"type":"error"}`},
		{"Gemini's, as the body shows", `{"contents":[]}`, 0,
			`{"error":{"code":503,"message":"No credential for model m can be used via provider openai","status":"UNAVAILABLE"}}`},
		{"OpenAI's, as the caller says", `{"contents":[]}`, credbrokerv1.ClientFormat_CLIENT_FORMAT_OPENAI_CHAT,
			`{"error":{"code":"auth_unavailable","message":"No credential for model m can be used via provider openai","model":"m","param":null,"provider":"openai","type":"server_error"}}`},
		{"OpenAI's, if nobody knows", ``, 0,
			`{"error":{"code":"auth_unavailable","message":"No credential for model m can be used via provider openai","model":"m","provider":"openai"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := gatewayAt(t, servertest.Options{}, "a")
			req := ask(tt.body)
			req.ClientFormat = tt.format
			refused := upstream(401, refusal)
			picked := pick(t, h, req)
			refused.AuthId, refused.PickId = "a", picked.GetPickId()
			v := report(t, h, refused)
			answer := v.GetClientAnswer()
			if v.GetNext() != credbrokerv1.Next_NEXT_RETURN || answer.GetStatus() != 503 || string(answer.GetBody()) != tt.want {
				t.Errorf("%v with %d %s, want 503 %s", v.GetNext(), answer.GetStatus(), answer.GetBody(), tt.want)
			}
			// The pick after it is answered alike.
			_, err := h.Broker.PickCredential(t.Context(), req)
			s := wantError(t, err, codes.FailedPrecondition, server.ReasonAuthUnavailable)
			if got := detail[*credbrokerv1.HttpError](t, s); string(got.GetBody()) != tt.want {
				t.Errorf("the pick after it is answered %s", got.GetBody())
			}
		})
	}
	h := gatewayAt(t, servertest.Options{}, "a")
	own := upstream(400, `{"error":{"code":"context_length_exceeded","message":"x"}}`)
	own.AuthId = "a"
	if v := report(t, h, own); v.GetNext() != credbrokerv1.Next_NEXT_RETURN || v.GetClientAnswer() != nil {
		t.Errorf("the client's own fault: %v, want it passed on as it came", v)
	}
}

// What only one auth can continue is not tried with another.
func TestAPinnedRequestIsNotTriedElsewhere(t *testing.T) {
	h := gatewayAt(t, servertest.Options{}, "a", "b")
	first := pick(t, h, ask(`{"input":"hi"}`))
	served(t, h, first, &credbrokerv1.ReportResultRequest{ResponseId: "resp_1"})
	next := pick(t, h, ask(`{"input":"on","previous_response_id":"resp_1"}`))
	limited := upstream(429, "", "Retry-After", "45")
	limited.AuthId, limited.PickId = next.GetCredential().GetAuthId(), next.GetPickId()
	v := report(t, h, limited)
	var body struct{ Error struct{ Code string } }
	if err := json.Unmarshal(v.GetClientAnswer().GetBody(), &body); err != nil || body.Error.Code != "session_pinned" ||
		v.GetNext() != credbrokerv1.Next_NEXT_WAIT || v.GetWait().AsDuration() != 45*time.Second {
		t.Errorf("%v, want to wait 45 s for the one that can go on", v)
	}
}

// An attempt of a request that another replica began is linked all the same, and a forged id changes nothing.
func TestAttemptsAreCountedWithoutMemory(t *testing.T) {
	here, there := gatewayAt(t, servertest.Options{}, "a", "b"), gatewayAt(t, servertest.Options{}, "a", "b")
	first := pick(t, here, ask(""))
	second := pick(t, there, &credbrokerv1.PickCredentialRequest{AttemptOf: first.GetPickId(), ExcludeAuthIds: []string{"a"}})
	third := pick(t, here, &credbrokerv1.PickCredentialRequest{AttemptOf: second.GetPickId()})
	if first.GetAttempt() != 1 || second.GetAttempt() != 2 || third.GetAttempt() != 3 {
		t.Errorf("attempts %d, %d, %d, want 1, 2, 3", first.GetAttempt(), second.GetAttempt(), third.GetAttempt())
	}
	dry := ask("")
	dry.AttemptOf, dry.DryRun = third.GetPickId(), true
	if got := pick(t, here, dry); got.GetAttempt() != 4 || got.GetPickId() != "" {
		t.Errorf("dry run = %v, want the fourth attempt without an id", got)
	}
}
