package config

import (
	"io/fs"
	"time"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// Config is what a configuration file says, with the defaults filled in. docs/configuration.md and the schema describe
// the same keys.
type Config struct {
	// Path of the file; empty: nothing but defaults.
	Path string

	// Callers may ask; none: everybody who can connect. Whether there are any takes a restart.
	Callers []access.Caller
	// Listen is where the broker can be reached. Changing it takes a restart, but for the content of files of certificates.
	Listen Listen
	// Limits are what peers can make the broker hold. Changing them takes a restart.
	Limits Limits
	// Selection is how auths are chosen.
	Selection Selection
	// Sessions is how long conversations stay on their auth.
	Sessions Sessions
	// Cooldown is how cooldowns are probed before their end.
	Cooldown Cooldown
	// State is where runtime state is kept beyond the process.
	State State
	// Verdict is what upstream answers mean.
	Verdict Verdict
	// Rules are the rules of verdicts, those of Verdict.Rules included. Never nil.
	Rules *verdict.Rules
	// Audit is who had which credential and who changed what.
	Audit Audit
	// Log is what the process writes.
	Log Log
	// AuthDirs are folders of auth files, relative ones already joined to the folder of the file. The first one takes
	// what is put.
	AuthDirs []string
	// Trash is how long auth files are kept that were deleted or replaced.
	Trash Trash

	startLines map[string]int         // where the keys of what takes a restart are
	files      []string               // that the file refers to
	exposed    map[string]fs.FileMode // of them those with secrets that others can read
	rules      []verdict.File         // that Rules were made of, beside those of the program
	drafts     []*authdoc.Draft       // the auths of the file, until they are built
	helpers    []*helper              // programs that print secrets
	printed    map[string]printed     // what they printed, by command
	unhelped   bool                   // it is refused because of one of them
	encryption *encryption            // nil: there is none
}

// Selection is how auths are chosen: the first rule that matches decides, else Strategy.
type Selection struct {
	Strategy selector.Strategy
	Rules    []Rule
	// MaxAttempts is how many attempts a client's request may take.
	MaxAttempts int
}

// Rule sets the strategy of some requests.
type Rule struct {
	// Provider of the request, by any of its names; empty: any.
	Provider string
	// Model is a glob on the model key; empty: any.
	Model string
	// Strategy for them.
	Strategy selector.Strategy
}

// Sessions is how long conversations stay on their auth.
type Sessions struct {
	// Affinity: conversations are identified and kept on their auth at all.
	Affinity bool
	// TTL of a binding after its last use.
	TTL time.Duration
	// Max is how many bindings are kept.
	Max int
	// Patience is how long the auth of a session may be out before the session moves for good.
	Patience time.Duration
	// Failback: a session returns to a better tier that recovers.
	Failback bool
	// Identification of requests that bring no session id: `chain` or `reference`.
	Identification string
	// Subagents and AuxiliaryRequests are where requests go that serve another conversation: `follow` or `spread`.
	Subagents         string
	AuxiliaryRequests string
	// Rules say it for a provider; the first that matches and says something counts.
	Rules []SessionRule
}

// SessionRule is where requests of a provider go that serve another conversation.
type SessionRule struct {
	// Provider of the request, by any of its names.
	Provider string
	// Subagents and AuxiliaryRequests as in Sessions; empty: the rule does not say.
	Subagents         string
	AuxiliaryRequests string
}

// The values of Sessions.
const (
	IdentificationChain     = "chain"
	IdentificationReference = "reference"
	PolicyFollow            = "follow"
	PolicySpread            = "spread"
)

// Cooldown is how cooldowns are probed before their end.
type Cooldown struct {
	// MaxHint is how long a time that an upstream hinted at is kept without a probe.
	MaxHint time.Duration
	// ProbeTimeout is how long a probe may be under way before another may start.
	ProbeTimeout time.Duration
}

// Verdict is what upstream answers mean.
type Verdict struct {
	// Rules are paths of files of rules, which go before the rules that the program has. Relative ones are already joined
	// to the folder of the file.
	Rules []string
}

// Log is what the process writes.
type Log struct {
	// Level is one of debug, info, warn and error.
	Level string
	// Access: one line for each call.
	Access bool
	// Format is json or console.
	Format string
}

// Default is the configuration without a file: loopback addresses, an empty pool, and nothing that is kept.
func Default() *Config {
	return &Config{
		Listen:    Listen{GRPC: []Listener{{Address: "127.0.0.1:7420"}}, HTTP: Listener{Address: "127.0.0.1:7421"}, Reflection: true},
		Limits:    defaultLimits(),
		Selection: Selection{MaxAttempts: 4},
		Sessions: Sessions{
			Affinity: true, TTL: time.Hour, Max: 1_000_000, Patience: selector.DefaultPatience,
			Identification: IdentificationChain, Subagents: PolicySpread, AuxiliaryRequests: PolicyFollow,
		},
		Cooldown: Cooldown{MaxHint: selector.DefaultMaxHint, ProbeTimeout: selector.DefaultProbeTimeout},
		State:    State{Redis: Redis{Namespace: defaultNamespace}},
		Trash:    Trash{TTL: 7 * 24 * time.Hour},
		Audit:    defaultAudit(),
		Log:      Log{Level: "info", Access: true, Format: "json"},
	}
}

// Settings are what the pool needs to know.
func (c *Config) Settings() selector.Settings {
	s := selector.Settings{
		Strategy: c.Selection.Strategy, Failback: c.Sessions.Failback,
		MaxHint: c.Cooldown.MaxHint, ProbeTimeout: c.Cooldown.ProbeTimeout,
		Patience: c.Sessions.Patience,
	}
	for _, rule := range c.Selection.Rules {
		s.Rules = append(s.Rules, selector.Rule(rule))
	}
	return s
}
