package selector

import "time"

// Reason is why an auth was or was not picked: of those that apply, the first in this order.
type Reason uint8

// The reasons, by precedence.
const (
	ReasonNone Reason = iota
	ReasonExcluded
	ReasonDisabled
	ReasonInvalidated
	ReasonTokenExpired
	ReasonModelNotServed
	ReasonCoolingDomain
	ReasonCoolingAuth
	ReasonCoolingModel
	ReasonBlocked
	ReasonHalfOpen
	ReasonLowerPriority
	ReasonNotPreferredTransport
	ReasonZeroWeight
	ReasonReady
	ReasonSelected
	numReasons
)

// NumReasons is one more than the greatest Reason.
const NumReasons = int(numReasons)

// Counts is a number of auths for each reason, indexed by Reason.
type Counts [numReasons]int

// MaxExplained is the greatest number of candidates in an Explanation.
const MaxExplained = 100

// Explanation says why a pick ended as it did.
type Explanation struct {
	// Strategy in force for the provider and model.
	Strategy Strategy
	// Position of the strategy before this pick: the cursor of a rotation, else 0.
	Position uint64
	// Counts are all auths of the provider by reason.
	Counts Counts
	// Candidates are at most MaxExplained of them: the picked and the bound one first, then the greatest Reason first,
	// higher priority first, sorted by id.
	Candidates []Candidate
}

// Candidate is one auth as a pick saw it.
type Candidate struct {
	Auth     *Auth
	Priority int64
	Reason   Reason
	// Until is when the reason ends by itself; zero: it does not.
	Until time.Time
	// Bound: the session is bound to this auth.
	Bound bool
	// Detail are the words given when the auth was blocked or disabled.
	Detail string
}
