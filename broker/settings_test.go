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
		role     sessions.Role
		want     bool
	}{
		{"sub-agents spread by default", nil, "codex", sessions.RoleAgent, false},
		{"auxiliary requests follow by default", nil, "codex", sessions.RoleAuxiliary, true},
		{"what is neither follows", nil, "codex", sessions.RoleTurn, true},
		{"the first rule that says something counts", rules, "codex", sessions.RoleAgent, true},
		{"a rule that says nothing of a role leaves it to the next", rules, "codex", sessions.RoleAuxiliary, false},
		{"rules of other providers do not count", rules, "claude", sessions.RoleAgent, false},
		{"a rule without a provider is for all", rules, "claude", sessions.RoleAuxiliary, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Settings{Roles: tt.rules}
			if got := s.follows(tt.provider, tt.role); got != tt.want {
				t.Errorf("follows(%s, %v) = %t, want %t", tt.provider, tt.role, got, tt.want)
			}
		})
	}
}
