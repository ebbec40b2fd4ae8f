package server

// The messages of the log. They are constant, so that they can be searched for; data is in fields.
const (
	logRequest = "request"
	logPanic   = "panic in a handler"
	logFailure = "request failed inside the broker"
	logVerdict = "verdict"
	// logRefusing is said once a minute at most.
	logRefusing = "peers are refused: they ask for more than the limits allow"
	// logStranger is written once a minute for each address.
	logStranger = "calls do not show who makes them"
)

// The names of the log's fields.
const (
	fieldMethod    = "method"
	fieldCaller    = "caller"
	fieldPeer      = "peer"
	fieldCode      = "code"
	fieldReason    = "reason"
	fieldDuration  = "duration_us"
	fieldRequestID = "request_id"
	fieldAuth      = "auth_id"
	fieldSession   = "session_hash"
	fieldSource    = "session_source"
	fieldBinding   = "binding"
	fieldPanic     = "panic"
	fieldStack     = "stack"
	fieldCause     = "cause"
	fieldVerdict   = "verdict"
	fieldRule      = "rule"
	fieldAction    = "action"
	fieldUntil     = "until"
	fieldDomains   = "domains"
	fieldOperator  = "operator_action"
	fieldNote      = "note"
	fieldWhat      = "what"
	fieldHeld      = "held_bytes"
)
