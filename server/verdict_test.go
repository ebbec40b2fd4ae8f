package server

import (
	"testing"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions"
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

		{nextMessage(broker.NextDone), credbrokerv1.Next_NEXT_DONE},
		{nextMessage(broker.NextPickAgain), credbrokerv1.Next_NEXT_PICK_AGAIN},
		{nextMessage(broker.NextWait), credbrokerv1.Next_NEXT_WAIT},
		{nextMessage(broker.NextReturn), credbrokerv1.Next_NEXT_RETURN},

		{credbrokerv1.ClientFormat(sessions.FormatUnknown), credbrokerv1.ClientFormat_CLIENT_FORMAT_UNSPECIFIED},
		{credbrokerv1.ClientFormat(sessions.FormatAnthropic), credbrokerv1.ClientFormat_CLIENT_FORMAT_ANTHROPIC},
		{credbrokerv1.ClientFormat(sessions.FormatOpenAIChat), credbrokerv1.ClientFormat_CLIENT_FORMAT_OPENAI_CHAT},
		{credbrokerv1.ClientFormat(sessions.FormatOpenAIResponses), credbrokerv1.ClientFormat_CLIENT_FORMAT_OPENAI_RESPONSES},
		{credbrokerv1.ClientFormat(sessions.FormatGemini), credbrokerv1.ClientFormat_CLIENT_FORMAT_GEMINI},
	} {
		if tt.got != tt.want {
			t.Errorf("got %v, want %v", tt.got, tt.want)
		}
	}
}
