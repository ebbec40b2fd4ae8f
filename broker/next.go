package broker

import (
	"time"

	"github.com/credbroker/credbroker/verdict"
)

// Next is what a gateway does after an attempt, in the order of the contract.
type Next uint8

// The next steps.
const (
	// NextDone: nothing. The request was served, or its client gets no more than it has.
	NextDone Next = iota
	// NextPickAgain: pick again, with all auths excluded that were tried.
	NextPickAgain
	// NextWait: pick again after a while, without exclusions.
	NextWait
	// NextReturn: answer the client.
	NextReturn
)

const (
	// DefaultMaxAttempts is how many attempts a client's request may take where the settings say nothing.
	DefaultMaxAttempts = 4
	// MaxWait is the longest wait that a gateway is asked for.
	MaxWait = time.Minute
)

// situation is all that the next step depends on.
type situation struct {
	verdict *verdict.Verdict
	// over: the client is gone, or part of an answer has reached it.
	over bool
	// suspect: the request itself is what fails. outage: most auths of the provider fail alike.
	suspect, outage bool
	// attempts of the client's request so far, this one included, and how many there may be.
	attempts, maxAttempts int
	// untried: an auth that the request was not tried with could take it now.
	untried bool
	// back is the time until the first auth can take the request; 0: one can now, or none does by itself.
	back time.Duration
}

// next is what a gateway does, and how long it waits before that.
func (s *situation) next() (Next, time.Duration) {
	switch {
	case s.verdict.Success || s.over:
		return NextDone, 0
	case s.suspect || s.outage || s.attempts >= s.maxAttempts || !s.othersMay():
		return NextReturn, 0
	case s.untried:
		return NextPickAgain, 0
	case s.back > 0 && s.back <= MaxWait:
		return NextWait, s.back
	}
	return NextReturn, 0
}

// othersMay: another attempt may end otherwise. An overloaded provider may still have room for another account.
func (s *situation) othersMay() bool {
	v := s.verdict
	return v.Retry == verdict.RetryAnotherAuth || v.Retry == verdict.RetryOtherModel && v.Fault == verdict.FaultProvider
}
