package config

import (
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// Config is what a configuration file says, with the defaults filled in. docs/configuration.md and the schema describe
// the same keys.
type Config struct {
	// Path of the file; empty: nothing but defaults.
	Path string `yaml:"-"`

	// Listen is where the broker can be reached. Changing it takes a restart.
	Listen Listen `yaml:"listen"`
	// Selection is how auths are chosen.
	Selection Selection `yaml:"selection"`
	// Sessions is how long conversations stay on their auth.
	Sessions Sessions `yaml:"sessions"`
	// Cooldown is how cooldowns are tried before their end.
	Cooldown Cooldown `yaml:"cooldown"`
	// State is where runtime state is kept beyond the process.
	State State `yaml:"state"`
	// Verdict is what upstream answers mean.
	Verdict Verdict `yaml:"verdict"`
	// Rules are the rules of verdicts, those of Verdict.Rules included. Never nil.
	Rules *verdict.Rules `yaml:"-"`
	// Log is what the process writes.
	Log Log `yaml:"log"`
	// AuthDirs are folders of auth files, relative ones already joined to the folder of the file. The first one takes
	// what is put.
	AuthDirs []string `yaml:"auth_dirs"`

	lines  map[string]int // where the keys of what takes a restart stand
	files  []string       // that the file refers to
	rules  []verdict.File // that Rules were made of, beside those of the program
	drafts []*draft       // the auths of the file, until they are built
}

// Listen is where the broker can be reached: `host:port`, or `unix:///path` for a socket.
type Listen struct {
	// GRPC has at least one address.
	GRPC []string `yaml:"grpc"`
	// HTTP is for metrics and health; empty: off.
	HTTP string `yaml:"http"`
	// Insecure allows addresses that other machines can reach.
	Insecure bool `yaml:"insecure"`
}

// Selection is how auths are chosen: the first rule that matches decides, else Strategy.
type Selection struct {
	Strategy selector.Strategy `yaml:"strategy"`
	Rules    []Rule            `yaml:"rules"`
}

// Rule sets the strategy of some requests.
type Rule struct {
	// Provider of the request, matched exactly; empty: any.
	Provider string `yaml:"provider"`
	// Model is a glob on the model key; empty: any.
	Model string `yaml:"model"`
	// Strategy for them.
	Strategy selector.Strategy `yaml:"strategy"`
}

// Sessions is how long conversations stay on their auth.
type Sessions struct {
	// Affinity: conversations are recognised and kept on their auth at all.
	Affinity bool `yaml:"affinity"`
	// TTL of a binding after its last use.
	TTL time.Duration `yaml:"ttl"`
	// Max is how many bindings are kept.
	Max int `yaml:"max"`
	// Failback: a session returns to a better tier that recovers.
	Failback bool `yaml:"failback"`
	// Recognition of requests that bring no session id: `chain` or `reference`.
	Recognition string `yaml:"recognition"`
	// Subagents and SideRequests are where requests go that serve another conversation: `follow` or `spread`.
	Subagents    string `yaml:"subagents"`
	SideRequests string `yaml:"side_requests"`
	// Rules say it for a provider; the first that matches and says something counts.
	Rules []SessionRule `yaml:"rules"`
}

// SessionRule is where requests of a provider go that serve another conversation.
type SessionRule struct {
	// Provider of the request, matched exactly.
	Provider string `yaml:"provider"`
	// Subagents and SideRequests as in Sessions; empty: the rule does not say.
	Subagents    string `yaml:"subagents"`
	SideRequests string `yaml:"side_requests"`
}

// The words of Sessions.
const (
	RecognitionChain     = "chain"
	RecognitionReference = "reference"
	PolicyFollow         = "follow"
	PolicySpread         = "spread"
)

// Cooldown is how cooldowns are tried before their end.
type Cooldown struct {
	// MaxLatch is how long a time that an upstream hinted at is kept untried.
	MaxLatch time.Duration `yaml:"max_latch"`
	// ProbeTimeout is how long a try may be under way before another may start.
	ProbeTimeout time.Duration `yaml:"probe_timeout"`
}

// Verdict is what upstream answers mean.
type Verdict struct {
	// Rules are paths of files of rules, which go before the rules that the program has. Relative ones are already joined
	// to the folder of the file.
	Rules []string `yaml:"rules"`
}

// Log is what the process writes.
type Log struct {
	// Level is one of debug, info, warn and error.
	Level string `yaml:"level"`
	// Access: one line for each call.
	Access bool `yaml:"access"`
	// Format is json or console.
	Format string `yaml:"format"`
}

// Default is the configuration without a file: loopback addresses, an empty pool, and nothing that is kept.
func Default() *Config {
	return &Config{
		Listen: Listen{GRPC: []string{"127.0.0.1:7420"}, HTTP: "127.0.0.1:7421"},
		Sessions: Sessions{
			Affinity: true, TTL: time.Hour, Max: 1_000_000,
			Recognition: RecognitionChain, Subagents: PolicySpread, SideRequests: PolicyFollow,
		},
		Cooldown: Cooldown{MaxLatch: selector.DefaultMaxLatch, ProbeTimeout: selector.DefaultProbeTimeout},
		State:    State{Redis: Redis{Namespace: defaultNamespace}},
		Log:      Log{Level: "info", Access: true, Format: "json"},
	}
}

// Settings are what the pool needs to know.
func (c *Config) Settings() selector.Settings {
	s := selector.Settings{
		Strategy: c.Selection.Strategy, Failback: c.Sessions.Failback,
		MaxLatch: c.Cooldown.MaxLatch, ProbeTimeout: c.Cooldown.ProbeTimeout,
	}
	for _, rule := range c.Selection.Rules {
		s.Rules = append(s.Rules, selector.Rule(rule))
	}
	return s
}
