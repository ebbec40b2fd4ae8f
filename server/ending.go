package server

import (
	"fmt"
	"strings"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/verdict"
)

// endingOf converts how an attempt ended; false: this version does not know it.
func endingOf(o credbrokerv1.Outcome) (verdict.Ending, bool) {
	switch o {
	case credbrokerv1.Outcome_OUTCOME_UNSPECIFIED:
		return verdict.EndingUnspecified, true
	case credbrokerv1.Outcome_OUTCOME_COMPLETED:
		return verdict.EndingCompleted, true
	case credbrokerv1.Outcome_OUTCOME_CLIENT_CANCELLED:
		return verdict.EndingClientCancelled, true
	case credbrokerv1.Outcome_OUTCOME_STREAM_BROKEN:
		return verdict.EndingStreamBroken, true
	case credbrokerv1.Outcome_OUTCOME_TIMED_OUT:
		return verdict.EndingTimedOut, true
	case credbrokerv1.Outcome_OUTCOME_CONNECT_FAILED:
		return verdict.EndingConnectFailed, true
	default:
		return verdict.EndingUnspecified, false
	}
}

// ending checks how the attempt ended: what is no HTTP status is refused, and its absence where nothing says why.
func (v *violations) ending(req *credbrokerv1.ReportResultRequest) verdict.Ending {
	ending, known := endingOf(req.GetOutcome())
	if !known {
		v.add("outcome", fmt.Sprintf("must be one of the outcomes of this version, from 0 to %d", credbrokerv1.Outcome_OUTCOME_CONNECT_FAILED))
	}
	status, broken := req.GetHttpStatus(), ending != verdict.EndingUnspecified && ending != verdict.EndingCompleted
	switch {
	case status == 0 && ending == verdict.EndingCompleted:
		v.add("http_status", "is required with OUTCOME_COMPLETED")
	case status == 0 && !broken && req.GetTransportError() == "" && req.GetErrorClass() == "":
		v.add("http_status", "is required, or else transport_error, error_class, or an outcome other than OUTCOME_COMPLETED")
	case status != 0 && ending == verdict.EndingConnectFailed:
		v.add("http_status", "must be 0 with OUTCOME_CONNECT_FAILED")
	case status != 0 && !broken && req.GetTransportError() != "":
		v.add("transport_error", "must be empty where there is an http_status, unless outcome says that the answer was not completed")
	case status != 0 && (status < 100 || status > 599):
		v.add("http_status", "must be from 100 to 599")
	}
	return ending
}

// class checks the class of an error. It concerns a model, so there must be one.
func (v *violations) class(req *credbrokerv1.ReportResultRequest) verdict.Class {
	class := verdict.Class(req.GetErrorClass())
	switch {
	case class == "":
	case !class.Valid():
		words := make([]string, 0, len(verdict.Classes()))
		for _, known := range verdict.Classes() {
			words = append(words, string(known))
		}
		v.add("error_class", "must be one of "+strings.Join(words, ", "))
	case req.GetModel() == "":
		v.add("model", "is required with error_class, which concerns one model")
	}
	return class
}
