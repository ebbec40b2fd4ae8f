package server

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

func TestWordsOfVerdictsMeanTheSame(t *testing.T) {
	for _, tt := range []struct{ got, want any }{
		{actionOf(verdict.ActionNone), cooldown.ActionNone},
		{actionOf(verdict.ActionCooldown), cooldown.ActionCooldown},
		{actionOf(verdict.ActionInvalidate), cooldown.ActionInvalidate},
		{actionOf(verdict.ActionDisable), cooldown.ActionDisable},
		{actionOf(""), cooldown.ActionNone},

		{actionMessage(cooldown.ActionNone), credbrokerv1.Action_ACTION_NONE},
		{actionMessage(cooldown.ActionCooldown), credbrokerv1.Action_ACTION_COOLDOWN},
		{actionMessage(cooldown.ActionInvalidate), credbrokerv1.Action_ACTION_INVALIDATE},
		{actionMessage(cooldown.ActionDisable), credbrokerv1.Action_ACTION_DISABLE},

		{scopeOf(verdict.ScopeNone), cooldown.ScopeNone},
		{scopeOf(verdict.ScopeModel), cooldown.ScopeModel},
		{scopeOf(verdict.ScopeAuth), cooldown.ScopeAuth},
		{scopeMessage(verdict.ScopeNone), credbrokerv1.Scope_SCOPE_NONE},
		{scopeMessage(verdict.ScopeModel), credbrokerv1.Scope_SCOPE_MODEL},
		{scopeMessage(verdict.ScopeAuth), credbrokerv1.Scope_SCOPE_AUTH},

		{kindOf(verdict.BlockQuota), cooldown.Quota},
		{kindOf(verdict.BlockTransient), cooldown.Transient},
		{kindOf(verdict.BlockAuthentication), cooldown.Authentication},
		{kindOf(verdict.BlockOther), cooldown.Other},

		{ladderOf(""), cooldown.LadderNone},
		{ladderOf(verdict.LadderRate), cooldown.LadderRate},
		{ladderOf(verdict.LadderOverload), cooldown.LadderOverload},
		{ladderOf(verdict.LadderEgress), cooldown.LadderEgress},
		{ladderOf(verdict.LadderQuota), cooldown.LadderQuota},
		{ladderOf(verdict.LadderQuotaLong), cooldown.LadderQuotaLong},

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
	want := cooldown.Finding{
		Action: cooldown.ActionCooldown, Scope: cooldown.ScopeModel, Family: "m-*", Domain: "org", Kind: cooldown.Quota, Until: time.Unix(7, 0),
		Hint: true, Ladder: cooldown.LadderRate, Reason: "rate_limited", Rule: "row", Person: "do it",
		Repeat: cooldown.Repeat{Count: 3, Within: time.Hour, Action: cooldown.ActionDisable},
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
