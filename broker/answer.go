package broker

import (
	"errors"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

// Answer is what a client is told in place of the upstream's answer: nothing that an auth is at fault for.
type Answer struct {
	Problem Problem
	// Format of the client's API.
	Format sessions.Format
	// Provider and Model as requested.
	Provider, Model string
	// Wait is the time until it is worth asking again; 0: nobody knows, except for ProblemLimited.
	Wait time.Duration
}

// Problem is what an Answer says.
type Problem uint8

// The problems.
const (
	// ProblemLimited: every auth is in a quota cooldown.
	ProblemLimited Problem = iota
	// ProblemUnavailable: no auth can be used.
	ProblemUnavailable
	// ProblemOverloaded: the provider has no room for more.
	ProblemOverloaded
	// ProblemFailed: the upstream failed.
	ProblemFailed
	// ProblemModel: no auth may use the model.
	ProblemModel
	// ProblemRequest: the upstream refuses this request, whatever the auth.
	ProblemRequest
	// ProblemPinned: the auth that alone can continue the conversation cannot be used.
	ProblemPinned
	// ProblemReference: that auth is gone, and with it what the request refers to.
	ProblemReference
	// ProblemTooLarge: a part of the request is larger than the broker takes.
	ProblemTooLarge
)

// AnswerTo is what a client is told when a pick for it fails. The error is one of Pick's.
func AnswerTo(err error, format sessions.Format) Answer {
	var (
		cooling     *selector.CooldownError
		unavailable *selector.UnavailableError
		pinned      *selector.PinnedError
		missing     *AuthNotFoundError
	)
	switch {
	case errors.As(err, &cooling):
		return Answer{ProblemLimited, format, cooling.Provider, cooling.Model, max(cooling.Wait, 0)}
	case errors.As(err, &pinned) && pinned.Lost:
		return Answer{ProblemReference, format, pinned.Provider, pinned.Model, 0}
	case errors.As(err, &pinned):
		return Answer{ProblemPinned, format, pinned.Provider, pinned.Model, max(pinned.Wait, 0)}
	case errors.As(err, &unavailable):
		return Answer{ProblemUnavailable, format, unavailable.Provider, unavailable.Model, max(unavailable.Wait, 0)}
	case errors.As(err, &missing):
		return Answer{ProblemUnavailable, format, missing.Provider, missing.Model, 0}
	}
	return Answer{Problem: ProblemUnavailable, Format: format}
}

// problem is what a client is told of an attempt that failed with that verdict, where a pick for it would fail with refused now;
// nil: an auth could take it.
func (s *situation) problem(status int, refused error) Problem {
	v := s.verdict
	limited := v.Kind == cooldown.Quota
	switch {
	case s.suspect && status >= 400 && status < 500:
		return ProblemRequest
	case s.suspect:
		return ProblemFailed
	case v.Fault == verdict.FaultCaller:
		return callersProblem(v.ClientAnswer)
	case v.Fault == verdict.FaultModel && !limited && s.modelGone(refused):
		return ProblemModel
	case refused != nil:
		if p := AnswerTo(refused, 0).Problem; p != ProblemUnavailable || v.Fault != verdict.FaultProvider {
			return p
		}
		return ProblemOverloaded
	case limited:
		return ProblemLimited
	case v.Fault == verdict.FaultProvider:
		return ProblemOverloaded
	case v.Fault == verdict.FaultTransient:
		return ProblemFailed
	}
	return ProblemUnavailable
}

// callersProblem is what a client is told of what is the caller's fault, and not passed on.
func callersProblem(answer verdict.ClientAnswer) Problem {
	switch answer {
	case verdict.ClientAnswerCancelled:
		return ProblemFailed
	case verdict.ClientAnswerUnavailable:
		return ProblemUnavailable
	default:
		return ProblemRequest
	}
}

// modelGone reports whether no auth serves a model that this one does not, where a pick would fail now with refused.
func (s *situation) modelGone(refused error) bool {
	return s.outage || s.verdict.Retry == verdict.RetryOtherModel || refused != nil && (s.back == 0 || s.back > MaxWait)
}
