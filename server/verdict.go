package server

import (
	"strings"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

func faultMessage(f verdict.Fault) credbrokerv1.Fault {
	switch f {
	case verdict.FaultCaller:
		return credbrokerv1.Fault_FAULT_CALLER
	case verdict.FaultCredential:
		return credbrokerv1.Fault_FAULT_CREDENTIAL
	case verdict.FaultModel:
		return credbrokerv1.Fault_FAULT_MODEL
	case verdict.FaultTransient:
		return credbrokerv1.Fault_FAULT_TRANSIENT
	case verdict.FaultProvider:
		return credbrokerv1.Fault_FAULT_PROVIDER
	case verdict.FaultNone:
		return credbrokerv1.Fault_FAULT_NONE
	default:
		return credbrokerv1.Fault_FAULT_UNSPECIFIED
	}
}

func retryMessage(r verdict.Retry) credbrokerv1.Retry {
	switch r {
	case verdict.RetryAnotherAuth:
		return credbrokerv1.Retry_RETRY_ANOTHER_AUTH
	case verdict.RetryOtherModel:
		return credbrokerv1.Retry_RETRY_OTHER_MODEL
	default:
		return credbrokerv1.Retry_RETRY_NOBODY
	}
}

func nextMessage(n broker.Next) credbrokerv1.Next { return credbrokerv1.Next(n) + 1 }

func scopeMessage(s cooldown.Scope) credbrokerv1.Scope { return credbrokerv1.Scope(s) + 1 }

func actionMessage(a cooldown.Action) credbrokerv1.Action { return credbrokerv1.Action(a) + 1 }

func actionName(a cooldown.Action) string {
	return strings.TrimPrefix(actionMessage(a).String(), "ACTION_")
}
