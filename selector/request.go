package selector

import (
	"time"

	"github.com/credbroker/credbroker/selector/allow"
)

// Request is one question: which auth should this upstream request use?
type Request struct {
	// Allow is what may be picked: one of Settings.Lists, by its pointer; nil: everything.
	Allow *allow.List
	// Provider, by the name that an auth bears or another that means the same; empty or `mixed`: all of them.
	Provider string
	// Model as requested, thinking suffix included; blank: the auth as a whole.
	Model string
	// Sessions are the ids of the conversation, primary first; none: the strategy decides and nothing is stored.
	Sessions []Session
	// Pins are references that only the auth that issued them can resolve. The first that is bound decides.
	Pins []Session
	// Marks are bound to the auth that is picked, whatever they were bound to; nothing is looked up by them.
	Marks []Session
	// Reasoning are the sessions once more, by keys that they have under any model, if an answer to the conversation may hold
	// encrypted reasoning. They are bound to the auth that serves it.
	Reasoning []Session
	// Parent is the session that a conversation without a binding of its own follows; zero: none.
	Parent SessionKey
	// Exclude are ids of auths that were tried already.
	Exclude []string
	// Tag is that of the attempts before, see Attempt.Tag; 0: there were none.
	Tag uint64
	// Options of this pick.
	Options Options
}

// Writer are the ids of Reasoning by which the auth is known that wrote what the request carries, the one that says most
// first. A first turn may be another conversation's.
func (r *Request) Writer() []Session {
	switch {
	case r.Options&CarriesReasoning == 0:
		return nil
	case r.Options&FirstTurn != 0 && len(r.Reasoning) > 1:
		return r.Reasoning[1:]
	default:
		return r.Reasoning
	}
}

// Options change how a pick is made.
type Options uint8

const (
	// WebSocket says that the client is connected over a WebSocket.
	WebSocket Options = 1 << iota
	// Explain asks for Pick.Explanation, and for that of the errors.
	Explain
	// DryRun binds, advances and counts nothing.
	DryRun
	// FirstTurn says that the first session is a prefix that other conversations may open with, too.
	FirstTurn
	// CarriesReasoning says that the request carries encrypted reasoning: it goes to the auth that wrote it, which is the one
	// that its Reasoning is bound to.
	CarriesReasoning
)

func (r *Request) isFirstTurn() bool { return r.Options&FirstTurn != 0 }

// Pick is the answer.
type Pick struct {
	// Auth is immutable.
	Auth *Auth
	// Model is the name to send: as requested, without the auth's prefix.
	Model string
	// Binding is what became of the session's binding.
	Binding Binding
	// Identity is that of the auth, and From the one that the session was bound to and is not any more; empty: to none.
	Identity, From string
	// BoundUntil is the binding's end; zero without one.
	BoundUntil time.Time
	// Explanation is set if it was asked for.
	Explanation *Explanation
}

// Binding is what a pick did to the binding of its session.
type Binding uint8

// What can become of a binding.
const (
	// BindingNone: no session, nothing is stored.
	BindingNone Binding = iota
	// BindingNew: the session was not bound and is now.
	BindingNew
	// BindingHit: it was bound and stays.
	BindingHit
	// BindingInherited: it continues a session that was bound, on that auth.
	BindingInherited
	// BindingRebound: the bound auth cannot be used, the session moved.
	BindingRebound
	// BindingDiverted: the request excludes the bound auth, or that is back soon; another is used once, the binding stays.
	BindingDiverted
)

// Strategy is a way to choose among the ready auths of the best tier.
type Strategy uint8

// The strategies. The zero value is the default.
const (
	RoundRobin Strategy = iota
	FillFirst
	WeightedRoundRobin
)

func (s Strategy) String() string {
	switch s {
	case RoundRobin:
		return "round-robin"
	case FillFirst:
		return "fill-first"
	case WeightedRoundRobin:
		return "weighted-round-robin"
	}
	return "unknown"
}

// Rule sets the strategy of the model keys that it matches.
type Rule struct {
	// Provider of the request, by any of its names; empty: any.
	Provider string
	// Model is a glob on the model key; empty: any.
	Model string
	// Strategy for them.
	Strategy Strategy
}

// Settings are what an operator can change about selection. The first matching rule wins, else Strategy.
type Settings struct {
	// Lists are the allow lists that requests may have. Those of the settings before are known, too.
	Lists    []*allow.List
	Strategy Strategy
	Rules    []Rule
	// Failback: a session bound to an auth below the best tier moves back up.
	Failback bool
	// MaxHint is how long a cooldown that an upstream hinted at is kept without a probe; 0: DefaultMaxHint.
	MaxHint time.Duration
	// ProbeTimeout is how long a probe may be under way before another may start; 0: DefaultProbeTimeout.
	ProbeTimeout time.Duration
	// Patience is how long the auth of a bound session may be out before the session moves; until then it is diverted. 0: it
	// moves at once.
	Patience time.Duration
}

func (s *Settings) maxHint() time.Duration {
	if s.MaxHint == 0 {
		return DefaultMaxHint
	}
	return s.MaxHint
}

func (s *Settings) probeTimeout() time.Duration {
	if s.ProbeTimeout == 0 {
		return DefaultProbeTimeout
	}
	return s.ProbeTimeout
}

// What Settings mean where they say nothing.
const (
	DefaultMaxHint      = 15 * time.Minute
	DefaultProbeTimeout = time.Minute
	// DefaultPatience is what configurations say about Patience that say nothing.
	DefaultPatience = 10 * time.Second
)
