package server

import (
	"strings"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/verdict"
)

// The words of verdicts are text, those of the core and of the contract numbers. A test names every pair.

// findingOf a verdict is what the pool needs to know of it.
func findingOf(v *verdict.Verdict) cooldown.Finding {
	return cooldown.Finding{
		Success: v.Success(),
		Action:  actionOf(v.Action),
		Scope:   scopeOf(v.Scope),
		Family:  v.Family,
		Domain:  string(v.Domain),
		Kind:    kindOf(v.Block),
		Until:   v.Until,
		Hint:    v.FromHint,
		Ladder:  ladderOf(v.Ladder),
		Reason:  v.Reason,
		Rule:    v.Rule,
		Person:  v.Person,
		Repeat:  cooldown.Repeat{Count: v.Repeat.Count, Within: v.Repeat.Within, Action: actionOf(v.Repeat.Action)},
		Shared:  v.Fault == verdict.FaultTransient || v.Fault == verdict.FaultProvider || v.Domain == verdict.DomainEgress,
	}
}

func actionOf(a verdict.Action) cooldown.Action {
	switch a {
	case verdict.ActionCooldown:
		return cooldown.ActionCooldown
	case verdict.ActionInvalidate:
		return cooldown.ActionInvalidate
	case verdict.ActionDisable:
		return cooldown.ActionDisable
	default:
		return cooldown.ActionNone
	}
}

func scopeOf(s verdict.Scope) cooldown.Scope {
	switch s {
	case verdict.ScopeModel:
		return cooldown.ScopeModel
	case verdict.ScopeAuth:
		return cooldown.ScopeAuth
	default:
		return cooldown.ScopeNone
	}
}

func kindOf(b verdict.Block) cooldown.Kind {
	switch b {
	case verdict.BlockQuota:
		return cooldown.Quota
	case verdict.BlockTransient:
		return cooldown.Transient
	case verdict.BlockAuthentication:
		return cooldown.Authentication
	default:
		return cooldown.Other
	}
}

func ladderOf(l verdict.Ladder) cooldown.Ladder {
	switch l {
	case verdict.LadderRate:
		return cooldown.LadderRate
	case verdict.LadderOverload:
		return cooldown.LadderOverload
	case verdict.LadderEgress:
		return cooldown.LadderEgress
	case verdict.LadderQuota:
		return cooldown.LadderQuota
	case verdict.LadderQuotaLong:
		return cooldown.LadderQuotaLong
	default:
		return cooldown.LadderNone
	}
}

func verdictKind(k selector.Kind) string {
	switch k {
	case selector.KindOAuth:
		return verdict.KindOAuth
	case selector.KindAPIKey:
		return verdict.KindAPIKey
	default:
		return ""
	}
}

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

func scopeMessage(s verdict.Scope) credbrokerv1.Scope { return credbrokerv1.Scope(scopeOf(s)) + 1 }

func actionMessage(a cooldown.Action) credbrokerv1.Action { return credbrokerv1.Action(a) + 1 }

func actionName(a cooldown.Action) string {
	return strings.TrimPrefix(actionMessage(a).String(), "ACTION_")
}
