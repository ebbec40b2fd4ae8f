package broker

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

func TestRolePolicies(t *testing.T) {
	rules := []RolePolicy{
		{Provider: "codex", Subagents: PolicyFollow}, {Provider: "codex", Subagents: PolicySpread, Auxiliary: PolicySpread}, {Auxiliary: PolicyFollow},
	}
	pool := selector.New(selector.Config{})
	pool.Update([]*selector.Auth{{ID: "a", Provider: "claude"}, {ID: "b", Provider: "gemini"}, {ID: "c", Provider: "google"}}, nil, time.Unix(1, 0))
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
		{"a rule by another name is for the same", []RolePolicy{{Provider: "anthropic", Subagents: PolicyFollow}}, "claude", sessions.RoleAgent, true},
		{"a rule by a name that another auth bears is not", []RolePolicy{{Provider: "google", Subagents: PolicyFollow}}, "gemini", sessions.RoleAgent, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := Settings{Roles: tt.rules}
			if got := s.follows(pool, tt.provider, tt.role); got != tt.want {
				t.Errorf("follows(%s, %v) = %t, want %t", tt.provider, tt.role, got, tt.want)
			}
		})
	}
}
