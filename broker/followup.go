package broker

import (
	"net/http"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/verdict"
)

// FollowUp is what a gateway does after its report.
type FollowUp struct {
	Next Next
	// Wait is how long to wait before picking again, with NextWait.
	Wait time.Duration
	// Answer is what the client gets, with NextReturn, and with NextWait if it has no time to wait; nil: what the upstream
	// answered over HTTP, which is the client's own fault.
	Answer *Answer
}

// followUp is what comes after an attempt with these consequences.
func (r *Report) followUp(a *selector.Attempt, judged *verdict.Verdict, done *selector.Consequence, maxAttempts int) FollowUp {
	if a.Again == nil {
		return FollowUp{}
	}
	s := situation{
		verdict: judged, suspect: done.Suspect, outage: done.Outage,
		attempts: max(r.Pick.attempt(), len(a.Again.Exclude)), maxAttempts: maxAttempts,
		untried: done.Others, back: AnswerTo(done.Refused, 0).Wait,
	}
	next, wait := s.next()
	f := FollowUp{Next: next, Wait: wait}
	if next == NextPickAgain || r.passedOn(judged) {
		return f
	}
	f.Answer = &Answer{
		Problem: s.problem(r.Outcome.Status, done.Refused), Format: r.Pick.context.Format,
		Provider: a.Again.Provider, Model: r.Outcome.Model,
	}
	switch f.Answer.Problem {
	case ProblemFailed, ProblemModel, ProblemRequest, ProblemReference:
	case ProblemLimited:
		f.Answer.Wait = max(s.back, time.Second)
	default:
		f.Answer.Wait = s.back
	}
	return f
}

// over reports whether the client is gone, or has part of an answer. A client whose upstream answers that it was cancelled still waits.
func (r *Report) over(judged *verdict.Verdict) bool {
	switch r.Outcome.Ending {
	case verdict.EndingStreamBroken, verdict.EndingClientCancelled:
		return true
	}
	return judged.ClientAnswer == verdict.ClientAnswerCancelled && r.Outcome.Status == 0
}

// passedOn reports whether the client gets what the upstream answered: if there is an answer, and it is about the client's own mistake.
func (r *Report) passedOn(judged *verdict.Verdict) bool {
	switch r.Outcome.Status {
	case 0, http.StatusUnauthorized, http.StatusProxyAuthRequired:
		return false
	}
	return judged.Fault == verdict.FaultCaller && judged.ClientAnswer == verdict.ClientAnswerAsIs
}

// again is the client's request as it is picked with once more: with all auths excluded that it was tried with.
func (r *Report) again(table *bindings.Table, auth *selector.Auth) *selector.Request {
	tried := append(slices.Clone(r.Tried), r.AuthID)
	slices.Sort(tried)
	k := r.keys(table, auth)
	req := &selector.Request{
		Allow: r.Caller.Allow, Provider: k.provider, Model: k.modelKey, Exclude: slices.Compact(tried), Tag: r.Pick.tag(),
	}
	if pin := r.Pick.context.Pin; pin != (selector.SessionKey{}) {
		req.Pins = []selector.Session{{Key: pin}}
	}
	return req
}
