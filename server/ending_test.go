package server_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/servertest"
)

const (
	completed       = credbrokerv1.Outcome_OUTCOME_COMPLETED
	clientCancelled = credbrokerv1.Outcome_OUTCOME_CLIENT_CANCELLED
	streamBroken    = credbrokerv1.Outcome_OUTCOME_STREAM_BROKEN
	timedOut        = credbrokerv1.Outcome_OUTCOME_TIMED_OUT
	connectFailed   = credbrokerv1.Outcome_OUTCOME_CONNECT_FAILED
)

// TestOutcomes: how the attempt ended is judged, whatever the words are.
func TestOutcomes(t *testing.T) {
	for _, c := range []struct {
		name   string
		req    *credbrokerv1.ReportResultRequest
		reason string
		fault  credbrokerv1.Fault
	}{
		{"completed", &credbrokerv1.ReportResultRequest{HttpStatus: 200, Outcome: completed}, "", credbrokerv1.Fault_FAULT_NONE},
		{"cancelled before the answer", &credbrokerv1.ReportResultRequest{Outcome: clientCancelled}, "client_cancelled", credbrokerv1.Fault_FAULT_CALLER},
		{"cancelled in the middle", &credbrokerv1.ReportResultRequest{HttpStatus: 200, Outcome: clientCancelled}, "client_cancelled", credbrokerv1.Fault_FAULT_CALLER},
		{"broken", &credbrokerv1.ReportResultRequest{HttpStatus: 200, Outcome: streamBroken, TransportError: "unexpected EOF"}, "upstream_error", credbrokerv1.Fault_FAULT_TRANSIENT},
		{"timed out", &credbrokerv1.ReportResultRequest{Outcome: timedOut}, "upstream_timeout", credbrokerv1.Fault_FAULT_TRANSIENT},
		{"out of reach", &credbrokerv1.ReportResultRequest{Outcome: connectFailed, TransportError: "no such host"}, "upstream_error", credbrokerv1.Fault_FAULT_TRANSIENT},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a")}})
			c.req.AuthId, c.req.Model = "a", "m"
			got := report(t, h, c.req)
			if done := c.req.GetOutcome() != timedOut && c.req.GetOutcome() != connectFailed; done != (got.GetNext() == credbrokerv1.Next_NEXT_DONE) {
				t.Errorf("ReportResult(%v).Next = %v, want DONE: %t", c.req, got.GetNext(), done)
			}
			if got.GetReason() != c.reason || got.GetFault() != c.fault || got.GetAction() != credbrokerv1.Action_ACTION_NONE {
				t.Errorf("ReportResult(%v) = %v, want %s of %s and no action", c.req, got, c.reason, c.fault)
			}
		})
	}
}

// TestCancelledClientsCountAsNothing: an auth whose clients all go away stays as it is, and whoever probes gives the permit back.
func TestCancelledClientsCountAsNothing(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a")}})
	for range 20 {
		p := pick(t, h, ask(""))
		report(t, h, &credbrokerv1.ReportResultRequest{AuthId: "a", Model: "m", PickId: p.GetPickId(), Outcome: clientCancelled})
	}
	report(t, h, result("a", 429, "", "Retry-After", "86400"))
	h.Clock.Advance(16 * time.Minute) // the longest time that a hint is kept untried
	for range 5 {
		p := pick(t, h, ask(""))
		report(t, h, &credbrokerv1.ReportResultRequest{AuthId: "a", Model: "m", PickId: p.GetPickId(), HttpStatus: 200, Outcome: clientCancelled})
		h.Clock.Advance(time.Second)
	}
}

// TestErrorClasses: a class costs one model at most.
func TestErrorClasses(t *testing.T) {
	for class, reason := range map[string]string{
		"rate_limited": "rate_limited", "quota": "quota_exceeded", "auth": "forbidden", "billing": "credit_low", "overloaded": "overloaded",
		"caller": "invalid_request", "model": "model_unavailable", "timeout": "upstream_timeout", "other": "upstream_error",
	} {
		t.Run(class, func(t *testing.T) {
			h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a")}})
			for range 5 {
				got := report(t, h, &credbrokerv1.ReportResultRequest{AuthId: "a", Model: "m", ErrorClass: class, Latency: durationpb.New(time.Second)})
				if got.GetReason() != reason || got.GetScope() == credbrokerv1.Scope_SCOPE_AUTH {
					t.Errorf("ReportResult(%s) = %v, want %s of the model", class, got, reason)
				}
				h.Clock.Advance(time.Minute)
			}
			other := ask("")
			other.Model = "m2"
			pick(t, h, other)
		})
	}
}

func TestOutcomesThatDoNotFit(t *testing.T) {
	h := servertest.New(t, servertest.Options{Auths: []*selector.Auth{openai("a")}})
	for _, c := range []struct {
		field, says string
		req         *credbrokerv1.ReportResultRequest
	}{
		{"http_status", "OUTCOME_COMPLETED", &credbrokerv1.ReportResultRequest{Outcome: completed}},
		{"http_status", "OUTCOME_CONNECT_FAILED", &credbrokerv1.ReportResultRequest{Outcome: connectFailed, HttpStatus: 503}},
		{"http_status", "transport_error", &credbrokerv1.ReportResultRequest{}},
		{"transport_error", "outcome", &credbrokerv1.ReportResultRequest{HttpStatus: 200, TransportError: "x"}},
		{"transport_error", "outcome", &credbrokerv1.ReportResultRequest{HttpStatus: 200, TransportError: "x", Outcome: completed}},
		{"outcome", "from 0 to 5", &credbrokerv1.ReportResultRequest{HttpStatus: 200, Outcome: 99}},
		{"error_class", "rate_limited, quota, auth, billing, overloaded, caller, model, timeout, other", &credbrokerv1.ReportResultRequest{Model: "m", ErrorClass: strings.Repeat("x", 1<<16)}},
		{"model", "error_class", &credbrokerv1.ReportResultRequest{ErrorClass: "quota"}},
	} {
		c.req.AuthId = "a"
		_, err := h.Broker.ReportResult(t.Context(), c.req)
		got := violations(t, err)
		if len(got) != 1 || !strings.Contains(got[c.field], c.says) || len(fmt.Sprint(err)) > 1<<10 {
			t.Errorf("ReportResult(%.200v): violations %v, want %s to say %q", c.req, got, c.field, c.says)
		}
	}
}
