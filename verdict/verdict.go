package verdict

import "time"

// MaxBody is how many bytes of a body are looked at. A longer one is cut there and, no longer being JSON, read as text.
const MaxBody = 64 << 10

// Outcome is one upstream answer, or the failure to get one.
type Outcome struct {
	Dialect string // whose rules apply; an unknown one is judged by the common rules
	Kind    string // KindOAuth or KindAPIKey
	Model   string // the model key of the request; empty for token endpoints
	Status  int    // HTTP status; 0 if there was no answer

	Headers        map[string]string // names in any case
	Body           []byte            // empty on success
	ReceivedAt     time.Time         // on our clock; delays count from here
	TransportError string            // what went wrong if there was no answer
}

// Kinds of auths.
const (
	KindOAuth  = "oauth"
	KindAPIKey = "api_key"
)

// Verdict is what an outcome means. Comparable; the zero value is not a verdict.
type Verdict struct {
	Fault  Fault
	Action Action
	Scope  Scope
	Family string // glob on model keys: the limit is shared by these models; empty: the model of the request alone
	Domain Domain // which kind of limit domain the limit belongs to; empty: this auth alone
	Reason string // machine readable, one of [Rules.Reasons]; empty on success
	Block  Block  // how a cooldown is counted

	Delay    time.Duration // from ReceivedAt, whole milliseconds, rounded up; 0 if no time is known
	Until    time.Time     // ReceivedAt + Delay; zero if Delay is
	FromHint bool          // Delay may be probed before its end; false for instants that the upstream named for a billing period
	Ladder   Ladder        // which backoff applies when Delay is 0; empty if none does

	Retry  Retry  // who else could serve the request
	Rule   string // id of the row that matched; "success" or "unmatched" if none did
	Person string // what a person must do; empty if nobody needs to act
	Repeat Repeat // what repetition makes of it; the caller counts
}

// Success reports whether the upstream served the request.
func (v Verdict) Success() bool { return v.Fault == FaultNone }

// Repeat asks for another action once a reason was seen Count times within a span. The zero value asks for nothing.
type Repeat struct {
	Count  int
	Within time.Duration
	Action Action
}

// Fault is who or what the outcome proves to be the problem.
type Fault string

// Faults.
const (
	FaultNone       Fault = "none" // success
	FaultCaller     Fault = "caller"
	FaultCredential Fault = "credential"
	FaultModel      Fault = "model"
	FaultTransient  Fault = "transient"
	FaultProvider   Fault = "provider"
)

// Action is what is done to the scope.
type Action string

// Actions.
const (
	ActionNone       Action = "none"
	ActionCooldown   Action = "cooldown"   // rest until Until, or as the ladder says
	ActionInvalidate Action = "invalidate" // the secret was refused: OAuth refreshes once, a key needs replacement
	ActionDisable    Action = "disable"    // refused until a person acts, see Person
)

// Scope is the narrowest bucket that the outcome proves closed.
type Scope string

// Scopes.
const (
	ScopeNone  Scope = "none"
	ScopeModel Scope = "model" // this auth with this model, or with its Family
	ScopeAuth  Scope = "auth"
)

// Domain is a kind of limit domain, the part before the colon in `org:acme`.
type Domain string

// Domains that rows may name.
const (
	DomainOrg     Domain = "org"
	DomainProject Domain = "project"
	DomainAccount Domain = "account"
	DomainEgress  Domain = "egress"
)

// Block is the kind of block that a verdict leads to.
type Block string

// Blocks.
const (
	BlockQuota          Block = "quota"
	BlockTransient      Block = "transient"
	BlockAuthentication Block = "authentication"
	BlockOther          Block = "other"
)

// Retry is who else could serve the request.
type Retry string

// Answers.
const (
	RetryNobody      Retry = "nobody" // also after a success
	RetryAnotherAuth Retry = "another_auth"
	RetryOtherModel  Retry = "other_model" // every auth would get the same answer for this model
)

// Ladder names a backoff.
type Ladder string

// Ladders.
const (
	LadderRate      Ladder = "rate"
	LadderOverload  Ladder = "overload"
	LadderEgress    Ladder = "egress"
	LadderQuota     Ladder = "quota"
	LadderQuotaLong Ladder = "quota_long" // the quota ladder where the text speaks of a week, a month or a cycle
)

// Delay returns the rest at a level, counted from 0: the first step, doubled for each level up to the ladder's cap, without
// jitter. An unknown ladder is taken as LadderRate.
func (l Ladder) Delay(level int) time.Duration {
	step, limit := l.steps()
	for ; level > 0 && step < limit; level-- {
		step *= 2
	}
	return min(step, limit)
}

func (l Ladder) steps() (first, limit time.Duration) {
	switch l {
	case LadderOverload:
		return time.Second, time.Minute
	case LadderEgress:
		return 10 * time.Second, 30 * time.Minute
	case LadderQuota:
		return 15 * time.Minute, 5 * time.Hour
	case LadderQuotaLong:
		return 15 * time.Minute, 24 * time.Hour
	default:
		return 2 * time.Second, 5 * time.Minute
	}
}
