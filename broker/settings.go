package broker

import (
	"cmp"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

// Settings are what can change while a broker runs.
type Settings struct {
	// Selection is how the pool chooses.
	Selection selector.Settings
	// SessionTTL is how long a binding lives unless it is used, and MaxSessions how many there are at most; 0: the defaults.
	SessionTTL  time.Duration
	MaxSessions int
	// Affinity: requests are identified as parts of sessions, and sessions keep their auth.
	Affinity bool
	// Identification is how requests are identified that bring no session id.
	Identification sessions.Identification
	// Roles say where requests go that serve another conversation; the first that says something counts.
	Roles []RolePolicy
	// Rules say what upstream answers mean; nil: those of the program.
	Rules *verdict.Rules
	// MaxAttempts is how many attempts a client's request may take; 0: DefaultMaxAttempts.
	MaxAttempts int
	// Callers are who may call, at most 256; none: whoever can connect.
	Callers []Caller
}

func (s *Settings) maxAttempts() int { return cmp.Or(s.MaxAttempts, DefaultMaxAttempts) }

// RolePolicy says where requests of a provider go that serve another conversation, its parent session.
type RolePolicy struct {
	// Provider of the request, by any of its names; empty: any.
	Provider string
	// Subagents and Auxiliary are for the two roles of such a request.
	Subagents, Auxiliary Policy
}

// Policy is where a request goes that serves another conversation.
type Policy uint8

// The policies. The zero value is the default of the role: sub-agents spread, so that many at once can use the whole
// pool; auxiliary requests follow, since they repeat what is in the conversation's prompt cache.
const (
	PolicyDefault Policy = iota
	// PolicyFollow: to the auth of that conversation, if it can be used.
	PolicyFollow
	// PolicySpread: wherever the strategy says.
	PolicySpread
)

// follows reports whether a request goes to the auth of the conversation that it serves. The provider is as the
// pool names it.
func (s *Settings) follows(pool *selector.Pool, provider string, role sessions.Role) bool {
	subagent := role == sessions.RoleAgent
	for _, rule := range s.Roles {
		if rule.Provider != "" && pool.Provider(rule.Provider) != provider {
			continue
		}
		policy := rule.Auxiliary
		if subagent {
			policy = rule.Subagents
		}
		if policy != PolicyDefault {
			return policy == PolicyFollow
		}
	}
	return !subagent
}
