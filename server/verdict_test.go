package server

import (
	"testing"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

func TestWordsOfTheContractMeanTheSame(t *testing.T) {
	for _, tt := range []struct{ got, want any }{
		{actionMessage(cooldown.ActionNone), credbrokerv1.Action_ACTION_NONE},
		{actionMessage(cooldown.ActionCooldown), credbrokerv1.Action_ACTION_COOLDOWN},
		{actionMessage(cooldown.ActionInvalidate), credbrokerv1.Action_ACTION_INVALIDATE},
		{actionMessage(cooldown.ActionDisable), credbrokerv1.Action_ACTION_DISABLE},

		{scopeMessage(cooldown.ScopeNone), credbrokerv1.Scope_SCOPE_NONE},
		{scopeMessage(cooldown.ScopeModel), credbrokerv1.Scope_SCOPE_MODEL},
		{scopeMessage(cooldown.ScopeAuth), credbrokerv1.Scope_SCOPE_AUTH},

		{faultMessage(verdict.FaultNone), credbrokerv1.Fault_FAULT_NONE},
		{faultMessage(verdict.FaultCaller), credbrokerv1.Fault_FAULT_CALLER},
		{faultMessage(verdict.FaultCredential), credbrokerv1.Fault_FAULT_CREDENTIAL},
		{faultMessage(verdict.FaultModel), credbrokerv1.Fault_FAULT_MODEL},
		{faultMessage(verdict.FaultTransient), credbrokerv1.Fault_FAULT_TRANSIENT},
		{faultMessage(verdict.FaultProvider), credbrokerv1.Fault_FAULT_PROVIDER},

		{retryMessage(verdict.RetryNobody), credbrokerv1.Retry_RETRY_NOBODY},
		{retryMessage(verdict.RetryAnotherAuth), credbrokerv1.Retry_RETRY_ANOTHER_AUTH},
		{retryMessage(verdict.RetryOtherModel), credbrokerv1.Retry_RETRY_OTHER_MODEL},
	} {
		if tt.got != tt.want {
			t.Errorf("got %v, want %v", tt.got, tt.want)
		}
	}
}
