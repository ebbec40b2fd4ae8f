package server

import (
	"strconv"

	"google.golang.org/grpc/codes"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/server/internal/clientanswer"
	"github.com/credbroker/credbroker/sessions"
)

// What a caller can do about a reference whose issuer is out.
const (
	adviceWait  = "WAIT"
	adviceStrip = "STRIP"
)

func pinnedFailure(e *broker.PinnedError, format sessions.Format) failure {
	answer := broker.AnswerTo(e, format)
	advice := adviceWait
	if e.Lost {
		advice = adviceStrip
	}
	f := failure{
		code: codes.FailedPrecondition, reason: ReasonSessionPinned,
		message: clientanswer.Message(&answer),
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
		f.metadata[metaResetSeconds] = strconv.FormatInt(clientanswer.SecondsUp(e.Wait), 10)
		f.details = append(f.details, retryInfo(e.Wait))
	}
	f.details = append(f.details, clientanswer.Write(&answer))
	return f
}
