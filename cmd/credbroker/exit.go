package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Exit codes; docs/cli.md explains them to users.
const (
	exitOK          = 0
	exitFailed      = 1 // the broker, or the command itself, answered with an error
	exitUsage       = 2 // the command line is wrong
	exitUnreachable = 3 // no broker answers at the address
	exitNoAuth      = 4 // a pick found no auth to use
	exitNotFound    = 5 // the named auth or session does not exist
)

// Reasons that decide an exit code or a hint. The whole list is the contract's.
const (
	reasonAuthNotFound     = "AUTH_NOT_FOUND"
	reasonAuthUnavailable  = "AUTH_UNAVAILABLE"
	reasonModelCooldown    = "MODEL_COOLDOWN"
	reasonSessionPinned    = "SESSION_PINNED"
	reasonUnknownAuth      = "UNKNOWN_AUTH"
	reasonUnknownSession   = "UNKNOWN_SESSION"
	reasonManagedByConfig  = "MANAGED_BY_CONFIG"
	reasonStateUnavailable = "STATE_UNAVAILABLE"
	reasonInternal         = "INTERNAL"
	reasonUnauthenticated  = "UNAUTHENTICATED"
	reasonDenied           = "PERMISSION_DENIED"
)

// rpcError is an error that came from a call to the broker at address.
type rpcError struct {
	status  *status.Status
	address string
}

func (e *rpcError) Error() string { return e.status.Message() }

// judge turns the error of a command into its exit code and one human-readable line.
func (a *app) judge(err error) (code int, line string) {
	var rpc *rpcError
	switch {
	case isUsage(err):
		return exitUsage, oneLine(err.Error()) + " (see --help)"
	case errors.As(err, &rpc):
		return a.judgeRPC(rpc)
	}
	return exitFailed, oneLine(err.Error())
}

func (a *app) judgeRPC(e *rpcError) (code int, line string) {
	details := readDetails(e.status)
	if details.info != nil {
		return exitOfReason(details.info.GetReason()), a.describe(e.status, details)
	}
	message := oneLine(e.status.Message())
	switch e.status.Code() {
	case codes.Unavailable:
		// What follows these words is the operating system's own explanation.
		if i := strings.LastIndex(message, ": connect: "); i >= 0 {
			message = strings.TrimSuffix(message[i+len(": connect: "):], `"`)
		}
		return exitUnreachable, fmt.Sprintf("no broker answers at %s: %s; is `credbroker serve` running, or is it elsewhere (--address, %s)?",
			e.address, message, addressVariable)
	case codes.DeadlineExceeded:
		return exitUnreachable, fmt.Sprintf("no answer from %s in time; --timeout sets how long to wait", e.address)
	case codes.Canceled:
		return exitFailed, "interrupted"
	case codes.Unimplemented:
		return exitFailed, fmt.Sprintf("what answers at %s is no credbroker, or one that does not know this call: %s", e.address, message)
	}
	return exitFailed, fmt.Sprintf("%s: %s", e.status.Code(), message)
}

func exitOfReason(reason string) int {
	switch reason {
	case reasonAuthNotFound, reasonAuthUnavailable, reasonModelCooldown, reasonSessionPinned:
		return exitNoAuth
	case reasonUnknownAuth, reasonUnknownSession:
		return exitNotFound
	}
	return exitFailed
}

// errorDetails are the details of a status that commands read.
type errorDetails struct {
	info       *errdetails.ErrorInfo
	retry      *errdetails.RetryInfo
	violations []*errdetails.BadRequest_FieldViolation
}

func readDetails(s *status.Status) errorDetails {
	var d errorDetails
	for _, detail := range s.Details() {
		switch m := detail.(type) {
		case *errdetails.ErrorInfo:
			d.info = m
		case *errdetails.RetryInfo:
			d.retry = m
		case *errdetails.BadRequest:
			d.violations = append(d.violations, m.GetFieldViolations()...)
		}
	}
	return d
}

// describe writes reason, words, facts, time and what to do next as one line.
func (a *app) describe(s *status.Status, d errorDetails) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s: %s", clean(d.info.GetReason()), oneLine(s.Message()))
	facts := make([]string, 0, len(d.violations)+len(d.info.GetMetadata()))
	for _, v := range d.violations {
		if !strings.Contains(s.Message(), v.GetDescription()) {
			facts = append(facts, oneLine(v.GetField()+": "+v.GetDescription()))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.info.GetMetadata())) {
		// What is in small letters repeats the request or the message; capitals are counts by reason.
		if strings.ToUpper(name) == name {
			facts = append(facts, oneLine(name+"="+d.info.GetMetadata()[name]))
		}
	}
	if len(facts) > 0 {
		_, _ = fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	if wait := d.retry.GetRetryDelay(); wait != nil {
		_, _ = fmt.Fprintf(&b, "; try again in %s, at %s", span(wait.AsDuration()),
			a.now().Add(wait.AsDuration()).Round(time.Second).Format(time.RFC3339))
	}
	if hint := hintFor(d.info.GetReason()); hint != "" {
		b.WriteString("; " + hint)
	}
	return b.String()
}

func hintFor(reason string) string {
	switch reason {
	case reasonAuthNotFound:
		return "`credbroker status` lists the providers of the pool"
	case reasonAuthUnavailable, reasonModelCooldown:
		return "`credbroker pick --explain --dry-run` says why of each auth"
	case reasonSessionPinned:
		return "without the reference any auth can serve the request, if it holds the whole conversation"
	case reasonUnknownAuth:
		return "`credbroker auths list` shows the ids"
	case reasonUnknownSession:
		return "`credbroker sessions list` shows the hashes"
	case reasonManagedByConfig:
		return "`credbroker auths get` says where it is configured"
	case reasonStateUnavailable:
		return "`credbroker status` shows the engines"
	case reasonInternal:
		return "the broker's log has the cause"
	case reasonUnauthenticated:
		return "show who you are with --token-file, " + tokenVariable + " or --tls-cert; the broker's log has the cause"
	case reasonDenied:
		return "`callers` of the broker's configuration gives roles"
	}
	return ""
}
