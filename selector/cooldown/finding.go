package cooldown

import "time"

// Action is what an answer means for the auth that got it.
type Action uint8

// The actions.
const (
	// ActionNone: nothing is held against the auth.
	ActionNone Action = iota
	// ActionCooldown: the scope cools down.
	ActionCooldown
	// ActionInvalidate: the secret was refused; the auth is out until it has another.
	ActionInvalidate
	// ActionDisable: the auth is out until an operator acts.
	ActionDisable
	numActions
)

func (a Action) String() string {
	return [numActions]string{
		ActionNone: "none", ActionCooldown: "cooldown", ActionInvalidate: "invalidate", ActionDisable: "disable",
	}[a]
}

// Scope is what an action is about.
type Scope uint8

// The scopes.
const (
	ScopeNone Scope = iota
	// ScopeModel is the model of the attempt, or the model family of the finding, of this auth or of its limit domain.
	ScopeModel
	// ScopeAuth is the whole of the auth, or of its limit domain.
	ScopeAuth
	numScopes
)

func (s Scope) String() string {
	return [numScopes]string{ScopeNone: "none", ScopeModel: "model", ScopeAuth: "auth"}[s]
}

// Finding is what a judged answer means for the auth that got it. The zero value proves nothing: neither that the auth works
// nor that it does not.
type Finding struct {
	// Success: the upstream served the request. Nothing else counts then.
	Success bool
	Action  Action
	Scope   Scope
	// ModelFamily is a glob on model keys that share the limit; empty: the model of the attempt alone.
	ModelFamily string
	// Domain is the kind of limit domain that the limit belongs to, the `org` of `org:acme`; an auth that declares none of
	// that kind is on its own. Empty: the limit belongs to the auth.
	Domain string
	// Kind of the cooldown.
	Kind Kind
	// Until is when the upstream said that it ends; zero: Ladder decides.
	Until time.Time
	// Hint: Until is a guess of the upstream's, and may be probed before. Instants of billing periods are none.
	Hint   bool
	Ladder Ladder
	// Reason for programs, such as `rate_limited`.
	Reason string
	// Rule is the id of the row that judged.
	Rule string
	// OperatorAction is what an operator must do; empty: nothing.
	OperatorAction string
	// Repeat is what repetition makes of it.
	Repeat Repeat
	// Shared: it may be the fault of what auths have in common, the provider or the way to it, although it does not say so.
	Shared bool
	// Claimed: nobody knows whether the caller that reports it has asked the upstream.
	Claimed bool
	// Doubt: it may be the fault of the request as well.
	Doubt bool
}

// Repeat asks for Action once a reason was met Count times within a span. The zero value asks for nothing.
type Repeat struct {
	Count  int
	Within time.Duration
	Action Action
}
