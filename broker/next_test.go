package broker

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

func TestNext(t *testing.T) {
	limited := verdict.Verdict{Fault: verdict.FaultModel, Retry: verdict.RetryAnotherAuth}
	overloaded := verdict.Verdict{Fault: verdict.FaultProvider, Retry: verdict.RetryOtherModel}
	served := verdict.Verdict{Fault: verdict.FaultNone, Retry: verdict.RetryNobody, Finding: cooldown.Finding{Success: true}}
	for _, tt := range []struct {
		name string
		in   situation
		next Next
		wait time.Duration
	}{
		{"served", situation{verdict: &served, untried: true}, NextDone, 0},
		{"the client is gone", situation{verdict: &limited, over: true, untried: true}, NextDone, 0},
		{"somebody else is ready", situation{verdict: &limited, untried: true}, NextPickAgain, 0},
		{"an overload, and somebody else is ready", situation{verdict: &overloaded, untried: true}, NextPickAgain, 0},
		{"an outage", situation{verdict: &overloaded, outage: true, untried: true, back: time.Second}, NextReturn, 0},
		{"the request is the suspect", situation{verdict: &limited, suspect: true, untried: true, back: time.Second}, NextReturn, 0},
		{"the last attempt but one", situation{verdict: &limited, attempts: 3, untried: true}, NextPickAgain, 0},
		{"the last attempt", situation{verdict: &limited, attempts: 4, untried: true, back: time.Second}, NextReturn, 0},
		{"back in a second", situation{verdict: &limited, back: time.Second}, NextWait, time.Second},
		{"back in a minute", situation{verdict: &limited, back: time.Minute}, NextWait, time.Minute},
		{"back in more than a minute", situation{verdict: &limited, back: time.Minute + 1}, NextReturn, 0},
		{"nobody comes back", situation{verdict: &limited}, NextReturn, 0},
		{"the caller's fault", situation{verdict: &verdict.Verdict{Fault: verdict.FaultCaller, Retry: verdict.RetryNobody}, untried: true, back: time.Second}, NextReturn, 0},
		{"a rule that lets nobody try", situation{verdict: &verdict.Verdict{Fault: verdict.FaultProvider, Retry: verdict.RetryNobody}, untried: true}, NextReturn, 0},
		{"a model that nobody serves", situation{verdict: &verdict.Verdict{Fault: verdict.FaultModel, Retry: verdict.RetryOtherModel}, untried: true}, NextReturn, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.maxAttempts = DefaultMaxAttempts
			if next, wait := tt.in.next(); next != tt.next || wait != tt.wait {
				t.Errorf("next = %d after %v, want %d after %v", next, wait, tt.next, tt.wait)
			}
		})
	}
}

func TestProblem(t *testing.T) {
	verdictOf := func(f verdict.Fault, k cooldown.Kind) *verdict.Verdict {
		return &verdict.Verdict{Fault: f, Finding: cooldown.Finding{Kind: k}}
	}
	cooling, unavailable := &selector.CooldownError{Wait: time.Minute}, &selector.UnavailableError{}
	for _, tt := range []struct {
		name    string
		in      situation
		status  int
		refused error
		want    Problem
	}{
		{"all are cooling down", situation{verdict: verdictOf(verdict.FaultModel, cooldown.Quota)}, 429, cooling, ProblemLimited},
		{"limited, attempts are used up", situation{verdict: verdictOf(verdict.FaultModel, cooldown.Quota)}, 429, nil, ProblemLimited},
		{"limited, the others are disabled", situation{verdict: verdictOf(verdict.FaultCredential, cooldown.Quota)}, 429, unavailable, ProblemUnavailable},
		{"a refused key, the others are limited", situation{verdict: verdictOf(verdict.FaultCredential, cooldown.Authentication)}, 401, cooling, ProblemLimited},
		{"a refused key, attempts are used up", situation{verdict: verdictOf(verdict.FaultCredential, cooldown.Authentication)}, 401, nil, ProblemUnavailable},
		{"overloaded", situation{verdict: verdictOf(verdict.FaultProvider, cooldown.Transient)}, 529, unavailable, ProblemOverloaded},
		{"overloaded, the others are limited", situation{verdict: verdictOf(verdict.FaultProvider, cooldown.Transient)}, 529, cooling, ProblemLimited},
		{"overloaded, attempts are used up", situation{verdict: verdictOf(verdict.FaultProvider, cooldown.Transient)}, 503, nil, ProblemOverloaded},
		{"the upstream failed", situation{verdict: verdictOf(verdict.FaultTransient, cooldown.Transient)}, 500, nil, ProblemFailed},
		{"an outage", situation{verdict: verdictOf(verdict.FaultTransient, cooldown.Transient), outage: true}, 500, unavailable, ProblemUnavailable},
		{"no auth has the model", situation{verdict: verdictOf(verdict.FaultModel, cooldown.Other), back: 12 * time.Hour}, 404, unavailable, ProblemModel},
		{"another auth may have the model", situation{verdict: verdictOf(verdict.FaultModel, cooldown.Other), untried: true}, 404, nil, ProblemUnavailable},
		{"the model is back in a moment", situation{verdict: verdictOf(verdict.FaultModel, cooldown.Other), back: time.Second}, 503, unavailable, ProblemUnavailable},
		{"refused twice", situation{verdict: verdictOf(verdict.FaultCredential, cooldown.Other), suspect: true}, 403, nil, ProblemRequest},
		{"cut off twice", situation{verdict: verdictOf(verdict.FaultTransient, cooldown.Other), suspect: true}, 0, nil, ProblemFailed},
		{"only one auth can go on", situation{verdict: verdictOf(verdict.FaultModel, cooldown.Quota)}, 429, &selector.PinnedError{Wait: time.Second}, ProblemPinned},
		{"that auth is gone", situation{verdict: verdictOf(verdict.FaultCredential, cooldown.Other)}, 401, &selector.PinnedError{Lost: true}, ProblemReference},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.problem(tt.status, tt.refused); got != tt.want {
				t.Errorf("problem = %d, want %d", got, tt.want)
			}
		})
	}
}

// What is about the broker's own host, proxy or auths is no client's business, whatever a rule says whose fault it is.
func TestPassedOn(t *testing.T) {
	for _, tt := range []struct {
		status int
		answer verdict.ClientAnswer
		fault  verdict.Fault
		want   bool
	}{
		{400, "", verdict.FaultCaller, true},
		{413, "", verdict.FaultCaller, true},
		{403, "", verdict.FaultCredential, false},
		{0, "", verdict.FaultCaller, false},
		{401, "", verdict.FaultCaller, false},
		{407, "", verdict.FaultCaller, false},
		{400, verdict.ClientAnswerUnavailable, verdict.FaultCaller, false},
		{403, verdict.ClientAnswerRefused, verdict.FaultCaller, false},
		{499, verdict.ClientAnswerCancelled, verdict.FaultCaller, false},
	} {
		r := Report{Outcome: verdict.Outcome{Status: tt.status}}
		judged := verdict.Verdict{Fault: tt.fault, ClientAnswer: tt.answer}
		if got := r.passedOn(&judged); got != tt.want {
			t.Errorf("%d %q of %s is passed on: %t, want %t", tt.status, tt.answer, tt.fault, got, tt.want)
		}
	}
}
