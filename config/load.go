package config

import (
	"time"

	"github.com/credbroker/credbroker/verdict"
)

// Options are what this package must be told. The zero value reads no environment variable.
type Options struct {
	// LookupEnv is os.LookupEnv in the program.
	LookupEnv func(name string) (value string, set bool)
	// FingerprintKey makes the fingerprints of API keys. With the same key a broker finds the state of its auths again;
	// who has it can find out whether a key that he knows is in the pool.
	FingerprintKey [32]byte
	// OnOpen is told the configuration before a Source makes its auths, and gives the key in place of FingerprintKey: where
	// state is kept, the key is kept with it. Its error is that of Open.
	OnOpen func(*Config) (fingerprintKey [32]byte, err error)

	// Clock is time.Now in the program. Only a Source needs it.
	Clock func() time.Time
	// OnConfig is told the configuration when something in it changed that is not an auth. Keys that take a restart keep
	// their value. It must not call the Source.
	OnConfig func(*Config)
	// OnReload is told what came of each change that was seen, for the log. It must not call the Source.
	OnReload func(Reload)
}

// Load reads a YAML file and the secrets that it refers to; auth files are not read. An empty path gives the defaults.
// The error is of type Problems and holds everything that is wrong.
func Load(path string, o Options) (*Config, error) {
	c, problems := load(path, o)
	if len(problems) > 0 {
		return nil, problems
	}
	if c.Rules == nil {
		rules, err := verdict.Load()
		if err != nil {
			return nil, Problems{{Message: err.Error()}}
		}
		c.Rules = rules
	}
	c.build(o.FingerprintKey)
	return c, nil
}

// build makes the auths, for which it takes the key of fingerprints.
func (c *Config) build(fingerprint [32]byte) {
	for _, d := range c.drafts {
		c.Auths = append(c.Auths, d.build(fingerprint))
	}
	c.drafts = nil
}

// load is Load without the rules that the program has and with auths still to be built. With problems, the configuration
// tells only which files it wanted.
func load(path string, o Options) (*Config, Problems) {
	c := Default()
	if path == "" {
		return c, nil
	}
	c.Path, c.lines = path, make(map[string]int)
	c.State.Path = beside(path, defaultStateFile)
	d := &document{into: c, o: o, ids: make(map[string]int)}
	d.file = path
	data, _, err := readFile(path, maxConfigFile)
	if err != nil {
		return c, Problems{{File: path, Message: err.Error()}}
	}
	if root, ok := d.parseYAML(data); ok && root != nil {
		d.config(d.at(root, root.Line, ""))
	}
	d.judge()
	return c, append(d.all(), d.broken...)
}
