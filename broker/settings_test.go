package broker

import (
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

func TestRolePolicies(t *testing.T) {
	rules := []RolePolicy{
		{Provider: "codex", Subagents: PolicyFollow}, {Provider: "codex", Subagents: PolicySpread, Auxiliary: PolicySpread}, {Auxiliary: PolicyFollow},
	}
	for _, tt := range []struct {
		name     string
		rules    []RolePolicy
		provider string
		side     sessions.Side
		want     bool
	}{
		{"sub-agents spread by default", nil, "codex", sessions.SideAgent, false},
		{"auxiliary requests follow by default", nil, "codex", sessions.SideChore, true},
		{"what is neither follows", nil, "codex", sessions.SideNone, true},
		{"the first rule that says something counts", rules, "codex", sessions.SideAgent, true},
		{"a rule that says nothing of a role leaves it to the next", rules, "codex", sessions.SideChore, false},
		{"rules of other providers do not count", rules, "claude", sessions.SideAgent, false},
		{"a rule without a provider is for all", rules, "claude", sessions.SideChore, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Settings{Roles: tt.rules}
			if got := s.follows(tt.provider, tt.side); got != tt.want {
				t.Errorf("follows(%s, %v) = %t, want %t", tt.provider, tt.side, got, tt.want)
			}
		})
	}
}
