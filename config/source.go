package config

import (
	"maps"
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
// put into memory. Open makes one; Run keeps it up to date.
type Source struct {
	o    Options
	path string
	pace pace

	// changing is held over every change, the reading and writing of files included; it is taken before mu.
	changing sync.Mutex
	catalog  *catalog
	trees    []*tree
	memory   map[string][]byte // documents by id
	target   Target
	rules    *verdict.Rules // of the program alone
	watcher  *watcher       // nil while Run does not run
	wanted   wanted
	// Why the newest YAML file is not in force, and which of its keys take a restart.
	refused, restart Problems

	// mu guards what readers see.
	mu       sync.Mutex
	config   *Config
	status   Status
	problems Problems // all of them, in order
}

// Open loads the YAML file, or the defaults if the path is empty, and the auth files. It fails only for what is wrong
// with the YAML file, or by Options.OnOpen; a broken auth file shows in Status. Nothing is watched before Run.
func Open(path string, o Options) (*Source, error) {
	rules, err := verdict.Load()
	if err != nil {
		return nil, Problems{{Message: err.Error()}}
	}
	s := &Source{o: o, path: path, pace: usualPace(), catalog: newCatalog(), memory: make(map[string][]byte), rules: rules}
	s.changing.Lock()
	defer s.changing.Unlock()
	w, c, problems := s.loadConfig()
	if len(problems) > 0 {
		return nil, problems
	}
	if s.o.OnOpen != nil {
		if s.o.FingerprintKey, err = s.o.OnOpen(c); err != nil {
			return nil, err
		}
	}
	c.build(s.o.FingerprintKey)
	s.wanted, s.config = w, c
	s.takeAuths(nil, c)
	s.takeDirs(c)
	s.readTrees(touched{}, final)
	s.publish(false)
	return s, nil
}

// Check reports everything that is wrong with a YAML file, its secrets and its auth files. The error is of type
// Problems.
func Check(path string, o Options) error {
	o.OnOpen, o.OnConfig, o.OnReload = nil, nil, nil
	s, err := Open(path, o)
	if err != nil {
		return err
	}
	if len(s.problems) > 0 {
		return s.problems
	}
	return nil
}

// Attach hands every auth in force to the target, and from now on each change.
func (s *Source) Attach(target Target) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.target = target
	auths := slices.SortedFunc(maps.Values(s.catalog.inForce), compareIDs)
	target.Update(auths, nil, s.now())
}

// Config is the configuration in force. It is immutable. Its Auths are those of the YAML file only.
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
	put, remove := s.catalog.take()
	if s.target != nil && len(put)+len(remove) > 0 {
		s.target.Update(put, remove, now)
	}
	if configChanged && s.o.OnConfig != nil {
		s.o.OnConfig(s.config)
	}
	problems := ordered(s.allProblems())

	s.mu.Lock()
	if configChanged || len(put)+len(remove) > 0 || s.status.Generation == 0 {
		s.status.Generation++
		s.status.LoadedAt = now
	}
	r := Reload{
		Generation: s.status.Generation, Put: len(put), Removed: len(remove), ConfigChanged: configChanged,
		New: without(problems, s.problems), Solved: without(s.problems, problems),
	}
	s.problems = problems
	s.status.Path = s.path
	s.status.Problems, s.status.ProblemCount = slices.Clone(problems[:min(len(problems), maxStatusProblems)]), len(problems)
	s.mu.Unlock()

	quiet := !configChanged && len(put)+len(remove)+len(r.New)+len(r.Solved) == 0
	if s.o.OnReload != nil && !quiet {
		s.o.OnReload(r)
	}
}

func (s *Source) allProblems() Problems {
	list := slices.Concat(s.refused, s.restart)
	for _, t := range s.trees {
		list = append(list, t.problems()...)
	}
	for _, p := range s.catalog.clashes {
		list = append(list, p)
	}
	if s.watcher != nil {
		list = append(list, s.watcher.problems()...)
	}
	return list
}
