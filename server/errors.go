package server

import (
	"context"
	"errors"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/internal/admission"
	"github.com/credbroker/credbroker/server/internal/clientanswer"
	"github.com/credbroker/credbroker/sessions"
)

// ErrorDomain is the domain of every google.rpc.ErrorInfo that the broker sends.
const ErrorDomain = "credbroker"

// Reason says what went wrong, as a name that programs may rely on. docs/errors.md has the meaning of each.
type Reason string

// The reasons.
const (
	ReasonAuthNotFound     Reason = "AUTH_NOT_FOUND"
	ReasonAuthUnavailable  Reason = "AUTH_UNAVAILABLE"
	ReasonModelCooldown    Reason = "MODEL_COOLDOWN"
	ReasonSessionPinned    Reason = "SESSION_PINNED"
	ReasonInvalidRequest   Reason = "INVALID_REQUEST"
	ReasonUnknownAuth      Reason = "UNKNOWN_AUTH"
	ReasonUnknownSession   Reason = "UNKNOWN_SESSION"
	ReasonManagedByConfig  Reason = "MANAGED_BY_CONFIG"
	ReasonStateUnavailable Reason = "STATE_UNAVAILABLE"
	ReasonOverloaded       Reason = "OVERLOADED"
	ReasonWatchUnread      Reason = "WATCH_UNREAD"
	ReasonUnauthenticated  Reason = "UNAUTHENTICATED"
	ReasonPermissionDenied Reason = "PERMISSION_DENIED"
	ReasonRateLimited      Reason = "RATE_LIMITED"
	ReasonInternal         Reason = "INTERNAL"
)

var errPanic = errors.New("a handler panicked")

// Names in the metadata of ErrorInfo. Beside them stand the reasons of candidates, in capitals, with their numbers.
const (
	metaModel        = "model"
	metaProvider     = "provider"
	metaResetSeconds = "reset_seconds"
	metaReference    = "reference"
	metaAuth         = "auth_id"
	metaAdvice       = "advice"
	metaCause        = "cause"
	metaRole         = "role"
	metaLimit        = "limit"
)

// maxDetails bounds the details of an error: they travel in the trailer, base64-encoded, and clients of other languages
// accept 8 KiB of that.
const maxDetails = 4 << 10

// failure is an error as callers see it.
type failure struct {
	code     codes.Code
	reason   Reason
	message  string
	metadata map[string]string
	details  []proto.Message
	// early: it is refused before anything of the call was looked at. wait is then the time until it is worth trying again.
	early bool
	wait  time.Duration
	// explanation is attached as far as there is room.
	explanation *selector.Explanation
}

// translate is the one place where an error of the core gets its code, its reason and its details. The reason is empty
// for errors of the transport. Ready answers, which every refused pick has, are in the format of the client's API.
func translate(err error, format sessions.Format, pick bool) (*status.Status, Reason) {
	if s, ok := err.(interface{ GRPCStatus() *status.Status }); ok {
		return s.GRPCStatus(), ""
	}
	switch {
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, "the call was cancelled"), ""
	case errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, "the deadline of the call has passed"), ""
	}
	f := failureOf(err, format)
	if f.early && pick {
		f.details = append(f.details, clientanswer.Write(&broker.Answer{Problem: broker.ProblemUnavailable, Format: format, Wait: f.wait}))
	}
	return f.status(), f.reason
}

func failureOf(err error, format sessions.Format) failure {
	var (
		cooldown    *selector.CooldownError
		unavailable *selector.UnavailableError
		pinned      *broker.PinnedError
		field       *selector.FieldError
		invalid     *invalidRequest
		large       *admission.TooLargeError
		denied      *deniedError
		limited     *limitedError
	)
	switch {
	case errors.As(err, &cooldown):
		return cooldownFailure(cooldown, format)
	case errors.As(err, &unavailable):
		return unavailableFailure(unavailable, format)
	case errors.As(err, &pinned):
		return pinnedFailure(pinned, format)
	case errors.As(err, &invalid):
		return invalidFailure(invalid)
	case errors.As(err, &field):
		var v violations
		v.add(field.Field, field.Problem)
		return invalidFailure(&invalidRequest{violations: &v})
	case errors.As(err, &large):
		var v violations
		v.size("message", large.Size, large.Limit)
		return invalidFailure(&invalidRequest{violations: &v})
	case errors.Is(err, admission.ErrFull), errors.Is(err, admission.ErrSlow), errors.Is(err, errWatches), errors.Is(err, audit.ErrFull):
		return overloadedFailure(err)
	case errors.Is(err, errUnreadWatch):
		return failure{code: codes.Aborted, reason: ReasonWatchUnread, message: err.Error()}
	case errors.As(err, &denied):
		return deniedFailure(denied)
	case errors.As(err, &limited):
		return failure{
			code: codes.ResourceExhausted, reason: ReasonRateLimited, message: limited.Error(),
			metadata: map[string]string{metaLimit: limited.metadata}, details: []proto.Message{retryInfo(limited.wait)},
			early: true, wait: limited.wait,
		}
	case errors.Is(err, errUnauthenticated):
		return failure{code: codes.Unauthenticated, reason: ReasonUnauthenticated, message: err.Error(), early: true}
	case errors.Is(err, selector.ErrAuthNotFound):
		answer := broker.AnswerTo(err, format)
		return failure{
			code: codes.NotFound, reason: ReasonAuthNotFound, message: err.Error(), details: []proto.Message{clientanswer.Write(&answer)},
		}
	case errors.Is(err, selector.ErrUnknownAuth):
		return failure{code: codes.NotFound, reason: ReasonUnknownAuth, message: "no auth of that id is in the pool"}
	case errors.Is(err, selector.ErrManagedByConfig):
		return failure{
			code: codes.FailedPrecondition, reason: ReasonManagedByConfig,
			message: "the configuration owns this auth or setting: change it there",
		}
	case errors.Is(err, broker.ErrUnknownSession):
		return failure{code: codes.NotFound, reason: ReasonUnknownSession, message: "no such session is bound"}
	case errors.Is(err, broker.ErrNotDurable):
		return failure{
			code: codes.Unavailable, reason: ReasonStateUnavailable,
			message: "the change is in force, but could not be kept: make the call again; the log of the broker says why",
		}
	case errors.Is(err, broker.ErrNotWritten):
		return failure{
			code: codes.Unavailable, reason: ReasonStateUnavailable,
			message: "the auth could not be written; the log of the broker says why",
		}
	}
	return failure{code: codes.Internal, reason: ReasonInternal, message: "internal error; the log of the broker says more"}
}

func cooldownFailure(e *selector.CooldownError, format sessions.Format) failure {
	answer := broker.AnswerTo(e, format)
	metadata := countsMetadata(&e.Counts)
	metadata[metaModel] = e.Model
	metadata[metaProvider] = e.Provider
	metadata[metaResetSeconds] = strconv.FormatInt(clientanswer.SecondsUp(answer.Wait), 10)
	return failure{
		code: codes.ResourceExhausted, reason: ReasonModelCooldown,
		message:     clientanswer.Message(&answer),
		metadata:    metadata,
		details:     []proto.Message{retryInfo(answer.Wait), clientanswer.Write(&answer)},
		explanation: e.Explanation,
	}
}

func unavailableFailure(e *selector.UnavailableError, format sessions.Format) failure {
	answer := broker.AnswerTo(e, format)
	metadata := countsMetadata(&e.Counts)
	metadata[metaModel] = e.Model
	metadata[metaProvider] = e.Provider
	f := failure{
		code: codes.FailedPrecondition, reason: ReasonAuthUnavailable,
		message:     clientanswer.Message(&answer),
		metadata:    metadata,
		explanation: e.Explanation,
	}
	if answer.Wait > 0 {
		f.details = append(f.details, retryInfo(answer.Wait))
	}
	f.details = append(f.details, clientanswer.Write(&answer))
	return f
}

// overloadedRetry is how long a caller that was refused for lack of room should wait: others need a moment to be served.
const overloadedRetry = time.Second

func overloadedFailure(err error) failure {
	return failure{
		code: codes.Unavailable, reason: ReasonOverloaded, message: "the broker is overloaded: " + err.Error(),
		details: []proto.Message{retryInfo(overloadedRetry)},
		early:   true, wait: overloadedRetry,
	}
}

func invalidFailure(e *invalidRequest) failure {
	f := failure{
		code: codes.InvalidArgument, reason: ReasonInvalidRequest,
		message: "invalid request: " + e.Error(),
		details: []proto.Message{&errdetails.BadRequest{FieldViolations: e.violations.first}},
	}
	if e.answer != nil {
		f.details = append(f.details, clientanswer.Write(e.answer))
	}
	return f
}

func deniedFailure(e *deniedError) failure {
	f := failure{code: codes.PermissionDenied, reason: ReasonPermissionDenied, message: e.Error(), early: true}
	if e.roles != 0 {
		f.metadata = map[string]string{metaRole: e.roles.String()}
	}
	return f
}

func retryInfo(wait time.Duration) *errdetails.RetryInfo {
	return &errdetails.RetryInfo{RetryDelay: durationpb.New(wait)}
}

func countsMetadata(counts *selector.Counts) map[string]string {
	metadata := make(map[string]string)
	for reason, n := range counts {
		if n > 0 {
			metadata[reasonName(selector.Reason(reason))] = strconv.Itoa(n)
		}
	}
	return metadata
}

// status builds what is sent. Details that cannot be encoded would be a bug; the error goes out without them then.
func (f *failure) status() *status.Status {
	info := &errdetails.ErrorInfo{Domain: ErrorDomain, Reason: string(f.reason), Metadata: f.metadata}
	details := make([]protoadapt.MessageV1, 0, len(f.details)+2)
	details = append(details, info)
	size := proto.Size(info)
	for _, d := range f.details {
		details = append(details, protoadapt.MessageV1Of(d))
		size += proto.Size(d)
	}
	if f.explanation != nil {
		details = append(details, cappedExplanation(f.explanation, maxDetails-size))
	}
	s := status.New(f.code, f.message)
	if detailed, err := s.WithDetails(details...); err == nil {
		return detailed
	}
	return s
}

// cappedExplanation leaves out candidates, the last ones first, until the rest has at most room bytes.
func cappedExplanation(e *selector.Explanation, room int) *credbrokerv1.Explanation {
	message := explanationMessage(e)
	candidates := message.GetCandidates()
	message.Candidates = nil
	room -= proto.Size(message)
	for i, c := range candidates {
		// A tag, a length of at most three bytes and the candidate.
		if room -= proto.Size(c) + 4; room < 0 {
			candidates = candidates[:i]
			break
		}
	}
	message.Candidates = candidates
	return message
}
