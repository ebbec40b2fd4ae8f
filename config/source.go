package config

import (
	"slices"
	"sync"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// Target is told which auths are in force. *selector.Pool is one.
type Target interface {
	// Update adds or replaces the auths of put, and then removes those named by remove.
	Update(put []*selector.Auth, remove []string, now time.Time)
}

// Source holds the configuration in force: the settings and auths of the YAML file, the auth files, and auths that were
// put into memory. Open makes one, Attach fills a pool from it, and Run keeps both up to date.
type Source struct {
	o    Options
	path string
	pace pace

	// changing is held over every change, the reading and writing of files included; it is taken before mu.
	changing sync.Mutex
	catalog  *catalog
	folders  []*folder
	memory   map[string][]byte // documents by id
	target   Target
	// fingerprintKey is what Attach was given.
	fingerprintKey [32]byte
	rules          *verdict.Rules // of the program alone
	watcher        *watcher       // nil while Run does not run
	watching       *watching
	inputs         inputs
	warnAnew       bool // warnings may have changed
	refreshing     refreshing
	encryption     *encryption // nil: nothing is encrypted
	// Why the newest YAML file is not in force, and which of its keys take a restart.
	refused, restart Problems

	// mu guards what readers see.
	mu       sync.Mutex
	config   *Config
	status   Status
	problems Problems // all of them, in order
	warnings Problems
}

// Open loads the YAML file, or the defaults if the path is empty, with the secrets that it refers to. The error is of type
// Problems and holds everything that is wrong. Auths are not made before Attach, and nothing is watched before Run.
func Open(path string, o Options) (*Source, error) {
	rules, err := verdict.Load()
	if err != nil {
		return nil, Problems{{Message: err.Error()}}
	}
	s := &Source{o: o, path: path, pace: usualPace(), catalog: newCatalog(), memory: make(map[string][]byte), rules: rules}
	s.watching = newWatching(nil)
	in, c, problems := s.loadConfig()
	if len(problems) > 0 {
		return nil, problems
	}
	s.inputs, s.config, s.encryption = in, c, c.encryption
	s.refreshing.changed = make(chan struct{}, 1)
	s.refreshing.adopt(c, time.Now())
	return s, nil
}

// Attach makes the auths of the YAML file, reads the auth files, hands all that are in force to the target, and from now on
// each change. A broken auth file shows in Status. It is called once, before Run, Reload, Put and Delete.
//
// API keys are named by fingerprints made with the key: with the same key a broker finds the state of its auths again, and
// who has it can find out whether an API key that he knows is in the pool.
func (s *Source) Attach(target Target, fingerprintKey [32]byte) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.target, s.fingerprintKey = target, fingerprintKey
	s.replaceAuths(s.config)
	s.replaceFolders(s.config)
	s.rescanFolders(changes{all: true}, final, new(changes))
	s.publish(false)
}

// Check reads a YAML file, its secrets and its auth files, and returns the auths that a broker would begin with. The error
// is of type Problems and holds everything that is wrong; warnings are as Source.Warnings has them.
func Check(path string, o Options) (auths []*selector.Auth, warnings Problems, err error) {
	s, err := Open(path, o)
	if err != nil {
		return nil, nil, err
	}
	var found collector
	s.Attach(&found, [32]byte{})
	if len(s.problems) > 0 {
		return nil, s.Warnings(), s.problems
	}
	return found, s.Warnings(), nil
}

// collector is a Target that keeps what it is handed.
type collector []*selector.Auth

// Update is part of Target.
func (c *collector) Update(put []*selector.Auth, _ []string, _ time.Time) { *c = append(*c, put...) }

// Config is the configuration in force. It is immutable.
func (s *Source) Config() *Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config
}

// Status tells what is in force, and what is not.
func (s *Source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

func (s *Source) now() time.Time {
	if s.o.Clock == nil {
		return time.Time{}
	}
	return s.o.Clock()
}

// publish hands what changed to the target and to those who asked to be told.
func (s *Source) publish(configChanged bool) {
	now := s.now()
	put, remove := s.catalog.updates()
	if len(put)+len(remove) > 0 {
		s.target.Update(put, remove, now)
	}
	if configChanged && s.o.OnConfig != nil {
		s.o.OnConfig(s.config)
	}
	problems, warnings := ordered(s.allProblems()), s.warnings
	if configChanged || s.catalog.newNames || s.warnAnew {
		warnings, s.catalog.newNames, s.warnAnew = s.findWarnings(), false, false
	}

	s.mu.Lock()
	first := s.status.Generation == 0
	if configChanged || len(put)+len(remove) > 0 || first {
		s.status.Generation++
		s.status.LoadedAt = now
	}
	r := Reload{
		Generation: s.status.Generation, Put: len(put), Removed: len(remove), ConfigChanged: configChanged,
		New: without(problems, s.problems), Solved: without(s.problems, problems), Warnings: without(warnings, s.warnings),
	}
	s.problems, s.warnings = problems, warnings
	s.status.Path = s.path
	s.status.Problems, s.status.ProblemCount = slices.Clone(problems[:min(len(problems), maxStatusProblems)]), len(problems)
	s.mu.Unlock()

	quiet := first || !configChanged && len(put)+len(remove)+len(r.New)+len(r.Solved)+len(r.Warnings) == 0
	if s.o.OnReload != nil && !quiet {
		s.o.OnReload(r)
	}
}

func (s *Source) allProblems() Problems {
	list := slices.Concat(s.refused, s.restart, s.helperProblems())
	for _, f := range s.folders {
		list = append(list, f.problems()...)
	}
	for _, p := range s.catalog.clashes {
		list = append(list, p)
	}
	if s.watcher != nil {
		list = append(list, s.watcher.problems()...)
	}
	return list
}
