package server

import (
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

func TestFamilyRules(t *testing.T) {
	rules := []Family{
		{Provider: "codex", Agents: PolicyFollow}, {Provider: "codex", Agents: PolicySpread, Chores: PolicySpread}, {Chores: PolicyFollow},
	}
	for _, tt := range []struct {
		name     string
		rules    []Family
		provider string
		side     sessions.Side
		want     bool
	}{
		{"agents spread by default", nil, "codex", sessions.SideAgent, false},
		{"chores follow by default", nil, "codex", sessions.SideChore, true},
		{"what is neither follows", nil, "codex", sessions.SideNone, true},
		{"the first rule that says something counts", rules, "codex", sessions.SideAgent, true},
		{"a rule that says nothing of a side leaves it to the next", rules, "codex", sessions.SideChore, false},
		{"rules of other providers do not count", rules, "claude", sessions.SideAgent, false},
		{"a rule without a provider is for all", rules, "claude", sessions.SideChore, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &Server{}
			s.Configure(Settings{Families: tt.rules})
			if got := s.follows(tt.provider, tt.side); got != tt.want {
				t.Errorf("follows(%s, %v) = %t, want %t", tt.provider, tt.side, got, tt.want)
			}
		})
	}
}
