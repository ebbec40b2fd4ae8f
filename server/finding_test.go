package server

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

func TestWordsOfVerdictsMeanTheSame(t *testing.T) {
	for _, tt := range []struct{ got, want any }{
		{actionOf(verdict.ActionNone), selector.ActionNone},
		{actionOf(verdict.ActionCooldown), selector.ActionCooldown},
		{actionOf(verdict.ActionInvalidate), selector.ActionInvalidate},
		{actionOf(verdict.ActionDisable), selector.ActionDisable},
		{actionOf(""), selector.ActionNone},

		{actionMessage(selector.ActionNone), credbrokerv1.Action_ACTION_NONE},
		{actionMessage(selector.ActionCooldown), credbrokerv1.Action_ACTION_COOLDOWN},
		{actionMessage(selector.ActionInvalidate), credbrokerv1.Action_ACTION_INVALIDATE},
		{actionMessage(selector.ActionDisable), credbrokerv1.Action_ACTION_DISABLE},

		{scopeOf(verdict.ScopeNone), selector.ScopeNone},
		{scopeOf(verdict.ScopeModel), selector.ScopeModel},
		{scopeOf(verdict.ScopeAuth), selector.ScopeAuth},
		{scopeMessage(verdict.ScopeNone), credbrokerv1.Scope_SCOPE_NONE},
		{scopeMessage(verdict.ScopeModel), credbrokerv1.Scope_SCOPE_MODEL},
		{scopeMessage(verdict.ScopeAuth), credbrokerv1.Scope_SCOPE_AUTH},

		{kindOf(verdict.BlockQuota), selector.Quota},
		{kindOf(verdict.BlockTransient), selector.Transient},
		{kindOf(verdict.BlockAuthentication), selector.Authentication},
		{kindOf(verdict.BlockOther), selector.Other},

		{ladderOf(""), selector.LadderNone},
		{ladderOf(verdict.LadderRate), selector.LadderRate},
		{ladderOf(verdict.LadderOverload), selector.LadderOverload},
		{ladderOf(verdict.LadderEgress), selector.LadderEgress},
		{ladderOf(verdict.LadderQuota), selector.LadderQuota},
		{ladderOf(verdict.LadderQuotaLong), selector.LadderQuotaLong},

		{faultMessage(verdict.FaultNone), credbrokerv1.Fault_FAULT_UNSPECIFIED},
		{faultMessage(verdict.FaultCaller), credbrokerv1.Fault_FAULT_CALLER},
		{faultMessage(verdict.FaultCredential), credbrokerv1.Fault_FAULT_CREDENTIAL},
		{faultMessage(verdict.FaultModel), credbrokerv1.Fault_FAULT_MODEL},
		{faultMessage(verdict.FaultTransient), credbrokerv1.Fault_FAULT_TRANSIENT},
		{faultMessage(verdict.FaultProvider), credbrokerv1.Fault_FAULT_PROVIDER},

		{retryMessage(verdict.RetryNobody), credbrokerv1.Retry_RETRY_NOBODY},
		{retryMessage(verdict.RetryAnotherAuth), credbrokerv1.Retry_RETRY_ANOTHER_AUTH},
		{retryMessage(verdict.RetryOtherModel), credbrokerv1.Retry_RETRY_OTHER_MODEL},

		{verdictKind(selector.KindAPIKey), verdict.KindAPIKey},
		{verdictKind(selector.KindOAuth), verdict.KindOAuth},
		{verdictKind(selector.KindUnknown), ""},
	} {
		if tt.got != tt.want {
			t.Errorf("got %v, want %v", tt.got, tt.want)
		}
	}
}

func TestFindingHoldsAllOfAVerdict(t *testing.T) {
	v := verdict.Verdict{
		Fault: verdict.FaultCredential, Action: verdict.ActionCooldown, Scope: verdict.ScopeModel, Family: "m-*", Domain: verdict.DomainOrg,
		Block: verdict.BlockQuota, Until: time.Unix(7, 0), FromHint: true, Ladder: verdict.LadderRate, Reason: "rate_limited", Rule: "row",
		Person: "do it", Repeat: verdict.Repeat{Count: 3, Within: time.Hour, Action: verdict.ActionDisable},
	}
	want := selector.Finding{
		Action: selector.ActionCooldown, Scope: selector.ScopeModel, Family: "m-*", Domain: "org", Kind: selector.Quota, Until: time.Unix(7, 0),
		Hint: true, Ladder: selector.LadderRate, Reason: "rate_limited", Rule: "row", Person: "do it",
		Repeat: selector.Repeat{Count: 3, Within: time.Hour, Action: selector.ActionDisable},
	}
	if diff := cmp.Diff(want, findingOf(&v)); diff != "" {
		t.Errorf("findingOf (-want +got):\n%s", diff)
	}
	for fault, want := range map[verdict.Fault]bool{
		verdict.FaultCaller: false, verdict.FaultCredential: false, verdict.FaultModel: false, verdict.FaultTransient: true, verdict.FaultProvider: true,
	} {
		if got := findingOf(&verdict.Verdict{Fault: fault}).Shared; got != want {
			t.Errorf("a fault of %s may be shared: %t, want %t", fault, got, want)
		}
	}
	if !findingOf(&verdict.Verdict{Fault: verdict.FaultCredential, Domain: verdict.DomainEgress}).Shared {
		t.Error("what the address is blamed for is shared")
	}
}
