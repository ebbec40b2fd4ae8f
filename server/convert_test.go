package server

import (
	"testing"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions"
)

func TestEnumsMeanTheSame(t *testing.T) {
	for _, tt := range []struct {
		got, want interface{ String() string }
	}{
		{bindingMessage(selector.BindingNone), credbrokerv1.Binding_BINDING_NONE},
		{bindingMessage(selector.BindingNew), credbrokerv1.Binding_BINDING_NEW},
		{bindingMessage(selector.BindingHit), credbrokerv1.Binding_BINDING_HIT},
		{bindingMessage(selector.BindingInherited), credbrokerv1.Binding_BINDING_INHERITED},
		{bindingMessage(selector.BindingRebound), credbrokerv1.Binding_BINDING_REBOUND},
		{bindingMessage(selector.BindingDiverted), credbrokerv1.Binding_BINDING_DIVERTED},

		{strategyMessage(selector.RoundRobin), credbrokerv1.Strategy_STRATEGY_ROUND_ROBIN},
		{strategyMessage(selector.FillFirst), credbrokerv1.Strategy_STRATEGY_FILL_FIRST},
		{strategyMessage(selector.WeightedRoundRobin), credbrokerv1.Strategy_STRATEGY_WEIGHTED_ROUND_ROBIN},

		{cooldownKindMessage(cooldown.Quota), credbrokerv1.CooldownKind_COOLDOWN_KIND_QUOTA},
		{cooldownKindMessage(cooldown.Transient), credbrokerv1.CooldownKind_COOLDOWN_KIND_TRANSIENT},
		{cooldownKindMessage(cooldown.Authentication), credbrokerv1.CooldownKind_COOLDOWN_KIND_AUTHENTICATION},
		{cooldownKindMessage(cooldown.Other), credbrokerv1.CooldownKind_COOLDOWN_KIND_OTHER},

		{stateMessage(selector.StateReady), credbrokerv1.AuthState_AUTH_STATE_READY},
		{stateMessage(selector.StateCooling), credbrokerv1.AuthState_AUTH_STATE_COOLING},
		{stateMessage(selector.StateBlocked), credbrokerv1.AuthState_AUTH_STATE_BLOCKED},
		{stateMessage(selector.StateDisabled), credbrokerv1.AuthState_AUTH_STATE_DISABLED},

		{kindMessage(selector.KindUnknown), credbrokerv1.AuthKind_AUTH_KIND_UNSPECIFIED},
		{kindMessage(selector.KindAPIKey), credbrokerv1.AuthKind_AUTH_KIND_API_KEY},
		{kindMessage(selector.KindOAuth), credbrokerv1.AuthKind_AUTH_KIND_OAUTH},

		{originMessage(selector.OriginUnknown), credbrokerv1.AuthOrigin_AUTH_ORIGIN_UNSPECIFIED},
		{originMessage(selector.OriginConfig), credbrokerv1.AuthOrigin_AUTH_ORIGIN_CONFIG},
		{originMessage(selector.OriginFile), credbrokerv1.AuthOrigin_AUTH_ORIGIN_FILE},
		{originMessage(selector.OriginMemory), credbrokerv1.AuthOrigin_AUTH_ORIGIN_MEMORY},

		{reasonMessage(selector.ReasonNone), credbrokerv1.CandidateReason_CANDIDATE_REASON_UNSPECIFIED},
		{reasonMessage(selector.ReasonExcluded), credbrokerv1.CandidateReason_CANDIDATE_REASON_EXCLUDED},
		{reasonMessage(selector.ReasonDisabled), credbrokerv1.CandidateReason_CANDIDATE_REASON_DISABLED},
		{reasonMessage(selector.ReasonInvalidated), credbrokerv1.CandidateReason_CANDIDATE_REASON_INVALIDATED},
		{reasonMessage(selector.ReasonTokenExpired), credbrokerv1.CandidateReason_CANDIDATE_REASON_TOKEN_EXPIRED},
		{reasonMessage(selector.ReasonModelNotServed), credbrokerv1.CandidateReason_CANDIDATE_REASON_MODEL_NOT_SERVED},
		{reasonMessage(selector.ReasonCoolingDomain), credbrokerv1.CandidateReason_CANDIDATE_REASON_COOLING_DOMAIN},
		{reasonMessage(selector.ReasonCoolingAuth), credbrokerv1.CandidateReason_CANDIDATE_REASON_COOLING_AUTH},
		{reasonMessage(selector.ReasonCoolingModel), credbrokerv1.CandidateReason_CANDIDATE_REASON_COOLING_MODEL},
		{reasonMessage(selector.ReasonBlocked), credbrokerv1.CandidateReason_CANDIDATE_REASON_BLOCKED},
		{reasonMessage(selector.ReasonHalfOpen), credbrokerv1.CandidateReason_CANDIDATE_REASON_HALF_OPEN},
		{reasonMessage(selector.ReasonLowerPriority), credbrokerv1.CandidateReason_CANDIDATE_REASON_LOWER_PRIORITY},
		{reasonMessage(selector.ReasonNotPreferredTransport), credbrokerv1.CandidateReason_CANDIDATE_REASON_NOT_PREFERRED_TRANSPORT},
		{reasonMessage(selector.ReasonZeroWeight), credbrokerv1.CandidateReason_CANDIDATE_REASON_ZERO_WEIGHT},
		{reasonMessage(selector.ReasonReady), credbrokerv1.CandidateReason_CANDIDATE_REASON_READY},
		{reasonMessage(selector.ReasonSelected), credbrokerv1.CandidateReason_CANDIDATE_REASON_SELECTED},

		{credbrokerv1.SessionSource(sessions.SourceCaller), credbrokerv1.SessionSource_SESSION_SOURCE_CALLER},
		{credbrokerv1.SessionSource(sessions.SourceMessages), credbrokerv1.SessionSource_SESSION_SOURCE_MESSAGES},
		{credbrokerv1.SessionSource(sessions.SourceChain), credbrokerv1.SessionSource_SESSION_SOURCE_CHAIN},
	} {
		if tt.got != tt.want {
			t.Errorf("got %v, want %v", tt.got, tt.want)
		}
	}
	if got, want := selector.NumReasons, len(credbrokerv1.CandidateReason_name); got != want {
		t.Errorf("the core has %d reasons, the contract %d", got, want)
	}
}

func TestCooldownKindOfRequest(t *testing.T) {
	for kind, want := range map[credbrokerv1.CooldownKind]cooldown.Kind{
		0: cooldown.Quota, 1: cooldown.Quota, 2: cooldown.Transient, 3: cooldown.Authentication, 4: cooldown.Other,
		99: cooldown.Quota, -1: cooldown.Quota,
	} {
		if got := cooldownKind(kind); got != want {
			t.Errorf("cooldownKind(%d) = %d, want %d", kind, got, want)
		}
	}
}

func TestModelClass(t *testing.T) {
	for model, want := range map[string]string{
		"":                            "none",
		"claude-opus-4-5":             "claude-opus",
		"anthropic/Claude-3.5-SONNET": "claude-sonnet",
		"claude-haiku-4":              "claude-haiku",
		"claude-2":                    "claude",
		"gpt-5.2-codex":               "gpt",
		"o3-mini":                     "o-series",
		"openai/o4":                   "o-series",
		"opal":                        "other",
		"o":                           "other",
		"gemini-2.5-pro":              "gemini-pro",
		"gemini-2.5-flash-lite":       "gemini-flash",
		"gemini-embedding":            "gemini",
		"kimi-k2":                     "kimi",
		"something-new":               "other",
	} {
		if got := modelClass(model); got != want {
			t.Errorf("modelClass(%q) = %q, want %q", model, got, want)
		}
	}
}
