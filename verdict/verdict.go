package verdict

import (
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

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
	Ending         Ending            // how it ended
	Class          Class             // counts where there is no answer that tells more; one of Classes, or empty
}

// Kinds of auths.
const (
	KindOAuth  = "oauth"
	KindAPIKey = "api_key"
)

// Verdict is what an outcome means: for the auth that got it, and for the request. Comparable; the zero value is not a verdict.
// Domain is one of those that rows may name, Reason one of [Rules.Reasons].
type Verdict struct {
	cooldown.Finding

	Fault Fault
	Delay time.Duration // from ReceivedAt to Until, whole milliseconds, rounded up; 0 if no time is known
	Retry Retry         // who else could serve the request

	ClientAnswer ClientAnswer // what the client gets, with FaultCaller
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

// ClientAnswer is what a client gets of an answer that is the caller's fault.
type ClientAnswer string

// Answers for clients. All but the first are for what the client has not asked for and cannot mend: the fault is in how the
// request was sent.
const (
	ClientAnswerAsIs        ClientAnswer = ""            // what the upstream answered
	ClientAnswerRefused     ClientAnswer = "refused"     // that the upstream refuses the request
	ClientAnswerUnavailable ClientAnswer = "unavailable" // that no auth can be used
	ClientAnswerCancelled   ClientAnswer = "cancelled"   // nothing, for it is gone; that the upstream failed, if that answered over HTTP
)

// Domains that rows may name: kinds of limit domains, the part before the colon in `org:acme`.
const (
	DomainOrg     = "org"
	DomainProject = "project"
	DomainAccount = "account"
	DomainEgress  = "egress"
)

// Retry is who else could serve the request.
type Retry string

// Who else.
const (
	RetryNobody      Retry = "nobody" // also after a success
	RetryAnotherAuth Retry = "another_auth"
	RetryOtherModel  Retry = "other_model" // every auth would get the same answer for this model
)
