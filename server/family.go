package server

import "github.com/credbroker/credbroker/sessions"

// Family says where requests of a provider go that serve another conversation.
type Family struct {
	// Provider of the request, matched exactly; empty: any.
	Provider string
	// Agents and Chores say it of the two sides of sessions.Side.
	Agents, Chores Policy
}

// Policy is where a request goes that serves another conversation.
type Policy uint8

// The policies. The zero value is the default of the side: agents spread, so that many at once can use the whole pool;
// chores follow, since they repeat what is in the conversation's prompt cache.
const (
	PolicyDefault Policy = iota
	// PolicyFollow: to the auth of that conversation, if it can be used.
	PolicyFollow
	// PolicySpread: wherever the strategy says.
	PolicySpread
)

// follows reports whether a request goes to the auth of the conversation that it serves.
func (s *Server) follows(provider string, side sessions.Side) bool {
	agent := side == sessions.SideAgent
	for _, f := range s.settings.Load().Families {
		if f.Provider != "" && f.Provider != provider {
			continue
		}
		policy := f.Chores
		if agent {
			policy = f.Agents
		}
		if policy != PolicyDefault {
			return policy == PolicyFollow
		}
	}
	return !agent
}
