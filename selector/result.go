package selector

import "time"

// Attempt is one upstream request that an auth was used for, and that was answered.
type Attempt struct {
	AuthID string
	// Model as requested; blank: none.
	Model string
	// Started is when it was sent, at the latest; zero: nobody knows.
	Started time.Time
	// Windows are the quota windows that the answer told of.
	Windows []Window
}

// Window is one quota window as an upstream showed it.
type Window struct {
	// Name is the upstream's own word, such as `5h` or `tokens`.
	Name string
	// UsedShare: 0 is unused, 1 is full, more than 1 occurs; below 0: not told.
	UsedShare float64
	// ResetsAt is when it is unused again; zero: not told.
	ResetsAt time.Time
	// SeenAt is when it was last shown.
	SeenAt time.Time
}

// Action is what an answer means for the auth that got it.
type Action uint8

// The actions.
const (
	// ActionNone: nothing is held against the auth.
	ActionNone Action = iota
	// ActionCooldown: the scope rests.
	ActionCooldown
	// ActionInvalidate: the secret was refused; the auth is out until it has another.
	ActionInvalidate
	// ActionDisable: the auth is out until a person acts.
	ActionDisable
)

// Scope is what an action is about.
type Scope uint8

// The scopes.
const (
	ScopeNone Scope = iota
	// ScopeModel is the model of the attempt, or the family of the finding, of this auth or of its limit domain.
	ScopeModel
	// ScopeAuth is the whole of the auth, or of its limit domain.
	ScopeAuth
)

// Finding is a judged answer. The zero value proves nothing: neither that the auth works nor that it does not.
type Finding struct {
	// Success: the upstream served the request. Nothing else counts then.
	Success bool
	Action  Action
	Scope   Scope
	// Family is a glob on model keys that share the limit; empty: the model of the attempt alone.
	Family string
	// Domain is the kind of limit domain that the limit belongs to, the `org` of `org:acme`; an auth that declares none of
	// that kind is on its own. Empty: the limit belongs to the auth.
	Domain string
	// Kind of the cooldown.
	Kind CooldownKind
	// Until is when the upstream said that it ends; zero: Ladder decides.
	Until time.Time
	// Hint: Until is a guess of the upstream's, and may be tried before. Instants of billing periods are none.
	Hint   bool
	Ladder Ladder
	// Reason for programs, such as `rate_limited`.
	Reason string
	// Rule is the id of the row that judged.
	Rule string
	// Person says what somebody must do; empty: nothing.
	Person string
	// Repeat is what repetition makes of it.
	Repeat Repeat
	// Shared: it may be the fault of what auths have in common, the provider or the way to it, although it does not say so.
	Shared bool
}

// Repeat asks for Action once a reason was met Count times within a span. The zero value asks for nothing.
type Repeat struct {
	Count  int
	Within time.Duration
	Action Action
}

// Ladder names how long to rest when nobody says how long.
type Ladder uint8

// The ladders.
const (
	// LadderNone: LadderRate where one is needed.
	LadderNone Ladder = iota
	LadderRate
	LadderOverload
	LadderEgress
	LadderQuota
	// LadderQuotaLong is the quota ladder for limits of weeks or months.
	LadderQuotaLong
	// LadderRefusal is that of a secret that was refused.
	LadderRefusal
)

// Consequence is what a report changed.
type Consequence struct {
	// Action that was taken: that of the finding, or what repetition made of it, or none if newer evidence stands
	// against it.
	Action Action
	// Until is the end of the cooldown now in force; zero: there is none, or it has no end.
	Until time.Time
	// ProbeAt is from when on one request at a time may try it before Until; zero: none may.
	ProbeAt time.Time
	// Level is the step of the backoff ladder, from 1; 0: the time was told.
	Level int
	// Domains are the limit domains that rest instead of the auth, in text order.
	Domains []string
	// Outage: most auths of the provider fail alike, so the provider rests instead of the auth.
	Outage bool
	// Released counts the sessions that were bound to the auth and are not any more.
	Released int
	// Others: another auth of the provider could take the same request now.
	Others bool
	// Changed: something must be stored before the report is acknowledged, see Pool.Changes.
	Changed bool
	// Note says, for people, why less was done than the finding says; empty: it was done.
	Note string
}
