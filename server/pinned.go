package server

import (
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// What a caller can do about a reference whose issuer is out.
const (
	adviceWait  = "WAIT"
	adviceStrip = "STRIP"
)

func pinnedFailure(e *broker.PinnedError) failure {
	advice := adviceWait
	if e.Lost {
		advice = adviceStrip
	}
	f := failure{
		code: codes.FailedPrecondition, reason: ReasonSessionPinned,
		message: pinnedMessage(e.PinnedError),
		metadata: map[string]string{
			metaModel: e.Model, metaProvider: e.Provider, metaReference: sessions.Display(e.Reference),
			metaAuth: e.AuthID, metaAdvice: advice,
		},
		explanation: e.Explanation,
	}
	if e.Reason != selector.ReasonNone {
		f.metadata[metaCause] = reasonName(e.Reason)
	}
	if e.Wait > 0 {
		f.metadata[metaResetSeconds] = strconv.FormatInt(secondsUp(e.Wait), 10)
		f.details = []proto.Message{retryInfo(e.Wait), pinnedAnswer(e.PinnedError)}
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
