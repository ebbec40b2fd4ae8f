package config

import (
	"maps"
	"reflect"
	"slices"

	"github.com/credbroker/credbroker/selector"
)

// wanted are the files that the YAML configuration is made of.
type wanted struct {
	stamps map[string]stamp
	dirs   []string
	paths  map[string]bool // where a change of them can show
}

// want begins to watch files, and then stamps them, so that no change after that is missed.
func (s *Source) want(files []string) wanted {
	w := wanted{stamps: make(map[string]stamp, len(files)), paths: make(map[string]bool, len(files))}
	for _, file := range files {
		t := trailOf(file)
		for _, dir := range t.dirs {
			s.enter(dir)
		}
		w.dirs = append(w.dirs, t.dirs...)
		for _, path := range t.paths {
			w.paths[path] = true
		}
		w.stamps[file] = stampOf(file)
	}
	return w
}

// enter begins to watch a folder while Run runs.
func (s *Source) enter(dir string) {
	if s.watcher != nil {
		s.watcher.enter(dir)
	}
}

// moved tells whether a file of the YAML configuration is another one than was read.
func (w wanted) moved() bool {
	for file, seen := range w.stamps {
		if !seen.same(stampOf(file)) {
			return true
		}
	}
	return false
}

// loadConfig loads the YAML file and its secrets. If it refers to other files than before, those are watched and then
// all are read again.
func (s *Source) loadConfig() (wanted, *Config, Problems) {
	if s.path == "" {
		return wanted{}, s.withRules(Default()), nil
	}
	w := s.want(s.wanted.files(s.path))
	c, problems := load(s.path, s.o)
	if files := append(slices.Clone(c.files), s.path); !w.exactly(files) {
		w = s.want(files)
		c, problems = load(s.path, s.o)
	}
	return w, s.withRules(c), problems
}

// withRules gives a configuration without rules of its own those that the program has.
func (s *Source) withRules(c *Config) *Config {
	if c.Rules == nil {
		c.Rules = s.rules
	}
	return c
}

// files are those that were wanted, and one more.
func (w wanted) files(more string) []string {
	files := slices.Collect(maps.Keys(w.stamps))
	if _, ok := w.stamps[more]; !ok {
		files = append(files, more)
	}
	return files
}

// exactly tells whether these files, each of them perhaps several times, are what is wanted.
func (w wanted) exactly(files []string) bool {
	seen := make(map[string]bool, len(files))
	for _, file := range files {
		if _, ok := w.stamps[file]; !ok {
			return false
		}
		seen[file] = true
	}
	return len(seen) == len(w.stamps)
}

// reloadConfig takes over the YAML file if nothing is wrong with it.
func (s *Source) reloadConfig(last ruling) (changed bool, again bool) {
	w, c, problems := s.loadConfig()
	s.wanted = w
	if len(problems) > 0 {
		if last == tentative {
			return false, true
		}
		s.refused = problems
		return false, false
	}
	before := s.config
	s.refused, s.restart = nil, keepStarted(before, c)
	s.takeAuths(c)
	s.takeDirs(c)
	s.mu.Lock()
	s.config = c
	s.mu.Unlock()
	return !reflect.DeepEqual(before.settings(), c.settings()), false
}

// settings are what is told when it changes: what is no auth and takes no restart.
func (c *Config) settings() []any {
	return []any{c.Selection, c.Sessions, c.Cooldown, c.Verdict, c.rules, c.Log}
}

// startKeys are the keys of what takes a restart, with their values.
func (c *Config) startKeys() map[string]any {
	return map[string]any{
		"listen.grpc": c.Listen.GRPC, "listen.http": c.Listen.HTTP, "listen.insecure": c.Listen.Insecure,
		"state.path": c.State.Path, "state.redis": c.State.Redis,
	}
}

// keepStarted keeps what takes a restart as it was, and says so.
func keepStarted(before, c *Config) Problems {
	var list Problems
	for key, value := range c.startKeys() {
		if !reflect.DeepEqual(before.startKeys()[key], value) {
			list = append(list, Problem{File: c.Path, Line: c.startLines[key], Field: key, Message: "changed, which needs a restart"})
		}
	}
	c.Listen, c.State = before.Listen, before.State
	return list
}

// takeAuths builds the auths of a YAML file and puts them in place of those of the file before.
func (s *Source) takeAuths(c *Config) {
	kept := make(map[string]bool, len(c.drafts))
	for _, d := range c.drafts {
		auth := d.build(s.fingerprintKey)
		kept[auth.ID] = true
		s.catalog.put(place{yamlRank, auth.ID}, auth)
	}
	c.drafts = nil // their secrets are open
	for at := range s.catalog.byPlace {
		if at.rank == yamlRank && !kept[at.path] {
			s.catalog.remove(at)
		}
	}
}

// takeDirs makes the trees those of a configuration. Folders that stay keep what is known of them; new ones are read
// when all of them are next looked at.
func (s *Source) takeDirs(c *Config) {
	before := make(map[string]*tree, len(s.trees))
	for _, t := range s.trees {
		before[t.root] = t
	}
	moved := make(map[place]*selector.Auth)
	trees := make([]*tree, 0, len(c.AuthDirs))
	for i, dir := range c.AuthDirs {
		t, rank := before[dir], i+1
		delete(before, dir)
		if t == nil {
			t = newTree(dir, rank)
		} else if t.rank != rank {
			for rel, auth := range s.catalog.clear(t.rank) {
				moved[place{rank, rel}] = auth
			}
		}
		trees = append(trees, t)
	}
	for _, t := range before {
		s.catalog.clear(t.rank)
		_, folders := t.forgetFolder("")
		for i, rel := range folders {
			folders[i] = t.real(rel)
		}
		s.leave(folders)
	}
	for i, t := range trees {
		t.rank = i + 1
	}
	for at, auth := range moved {
		s.catalog.put(at, auth)
	}
	s.trees = trees
}

// leave ends the watching of folders that are gone or not wanted any more. What is wanted for another reason is entered
// again.
func (s *Source) leave(dirs []string) {
	if s.watcher == nil {
		return
	}
	for _, dir := range dirs {
		s.watcher.leave(dir)
	}
	for _, dir := range s.wanted.dirs {
		s.enter(dir)
	}
	for _, t := range s.trees {
		for _, dir := range t.trail.dirs {
			s.enter(dir)
		}
	}
}
