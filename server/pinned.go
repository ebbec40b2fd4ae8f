package server

import (
	"errors"
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// What a caller can do about a reference whose issuer is out.
const (
	adviceWait  = "WAIT"
	adviceStrip = "STRIP"
)

// pinnedError adds to the pool's error which reference it is about.
type pinnedError struct {
	cause     *selector.PinnedError
	reference string
}

func (e *pinnedError) Error() string { return e.cause.Error() }

func (e *pinnedError) Unwrap() error { return e.cause }

// nameReference adds the reference to an error that is about one.
func nameReference(err error, identity *sessions.Identity) error {
	if cause, ok := errors.AsType[*selector.PinnedError](err); ok && cause.Pin < len(identity.Pins) {
		return &pinnedError{cause: cause, reference: identity.Pins[cause.Pin]}
	}
	return err
}

func pinnedFailure(e *selector.PinnedError, reference string) failure {
	advice := adviceWait
	if e.Lost {
		advice = adviceStrip
	}
	f := failure{
		code: codes.FailedPrecondition, reason: ReasonSessionPinned,
		message: pinnedMessage(e),
		metadata: map[string]string{
			metaModel: e.Model, metaProvider: e.Provider, metaReference: sessions.Display(reference),
			metaAuth: e.AuthID, metaAdvice: advice,
		},
		explanation: e.Explanation,
	}
	if e.Reason != selector.ReasonNone {
		f.metadata[metaCause] = reasonName(e.Reason)
	}
	if e.Wait > 0 {
		f.metadata[metaResetSeconds] = strconv.FormatInt(secondsUp(e.Wait), 10)
		f.details = []proto.Message{retryInfo(e.Wait), pinnedAnswer(e)}
	}
	return f
}

func pinnedMessage(e *selector.PinnedError) string {
	if e.Lost {
		return "The credential that alone can continue this conversation is gone: send the conversation without the reference"
	}
	return "The credential that alone can continue this conversation cannot be used now"
}

// pinnedAnswer is the ready answer where it is known how long to wait.
func pinnedAnswer(e *selector.PinnedError) *credbrokerv1.HttpError {
	b := newErrorBody(bodySessionPinned, e.Model, e.Provider)
	b.Error.Message = pinnedMessage(e)
	wait := e.Wait
	return b.answer(http.StatusServiceUnavailable, &wait)
}
