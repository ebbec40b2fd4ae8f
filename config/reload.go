package config

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// inputs are the files that the YAML configuration is made of, as they were when it was read.
type inputs map[string]stamp

// stampInputs begins to watch files, and then stamps them, so that no change after that is missed.
func stampInputs(files []string, w *watching) inputs {
	in := make(inputs, len(files))
	for _, file := range files {
		w.follow(file)
		in[file] = stampOf(file)
	}
	return in
}

func (in inputs) watch(w *watching) {
	for file := range in {
		w.follow(file)
	}
}

// changed tells whether a file is named or another one than was read, or is led to by another link. They are watched.
func (in inputs) changed(c changes, w *watching) bool {
	changed := c.all
	for file, seen := range in {
		chain := w.follow(file)
		changed = changed || slices.ContainsFunc(chain, c.name) || !seen.same(stampOf(file))
	}
	return changed
}

// loadConfig loads the YAML file and its secrets. If it refers to other files than before, those are watched and then
// all are read again.
func (s *Source) loadConfig() (inputs, *Config, Problems) {
	if s.path == "" {
		return nil, s.withRules(Default()), nil
	}
	files := append(slices.Collect(maps.Keys(s.inputs)), s.path)
	for {
		in := stampInputs(files, s.watching)
		c, problems := load(s.path, s.o)
		files = slices.Concat(c.files, []string{s.path})
		read, complete := make(inputs, len(files)), true
		for _, file := range files {
			var stamped bool
			read[file], stamped = in[file]
			complete = complete && stamped
		}
		if complete {
			if len(problems) == 0 {
				problems = c.askHelpers(s.o, s.refreshing.printed)
				c.unhelped = len(problems) > 0
			}
			return read, s.withRules(c), problems
		}
	}
}

// withRules gives a configuration without rules of its own those that the program has.
func (s *Source) withRules(c *Config) *Config {
	if c.Rules == nil {
		c.Rules = s.rules
	}
	return c
}

// rescanConfig takes over the YAML file if it or a file that it refers to changed and nothing is wrong with it.
func (s *Source) rescanConfig(c changes, o outcome, again *changes) (changed bool) {
	if !s.inputs.changed(c, s.watching) {
		return false
	}
	in, conf, problems := s.loadConfig()
	// A program that fails is not run again because the file may be half-written.
	if len(problems) > 0 && !conf.unhelped && (o != final || !c.name(s.path)) {
		again.add(s.path)
		return false
	}
	s.inputs = in
	if len(problems) > 0 {
		s.refused = problems
		return false
	}
	before := s.config
	s.refused, s.restart = nil, keepStarted(before, conf)
	s.warnAnew = true
	s.refreshing.adopt(conf, time.Now())
	s.replaceAuths(conf)
	s.replaceFolders(conf)
	s.adoptEncryption(conf.encryption)
	s.mu.Lock()
	s.config = conf
	s.mu.Unlock()
	return !reflect.DeepEqual(before.settings(), conf.settings())
}

// settings are what is told when it changes: what is no auth and takes no restart.
func (c *Config) settings() []any {
	return []any{c.Selection, c.Sessions, c.Cooldown, c.Verdict, c.rules, c.Log, c.Callers, c.Trash, c.Listen.digests()}
}

// startKeys are the keys of what takes a restart, with their values.
func (c *Config) startKeys() map[string]any {
	grpc, http := c.Listen.started()
	return map[string]any{
		// Without callers everybody may do everything: that must not come from a file that was cut off.
		"callers":     len(c.Callers) > 0,
		"listen.grpc": grpc, "listen.http": http, "listen.insecure": c.Listen.Insecure, "listen.reflection": c.Listen.Reflection,
		"limits":     c.Limits,
		"audit":      c.Audit,
		"state.path": c.State.Path, "state.redis": c.State.Redis,
	}
}

// keepStarted keeps what takes a restart as it was, and says so.
func keepStarted(before, c *Config) Problems {
	var list Problems
	moved := false
	for key, value := range c.startKeys() {
		if !reflect.DeepEqual(before.startKeys()[key], value) {
			list = append(list, Problem{File: c.Path, Line: c.startLines[key], Field: key, Message: "changed, which needs a restart"})
			moved = moved || strings.HasPrefix(key, "listen.")
		}
	}
	c.Limits, c.State, c.Audit = before.Limits, before.State, before.Audit
	if moved {
		c.Listen = before.Listen
	}
	if len(c.Callers) == 0 || len(before.Callers) == 0 {
		c.Callers = before.Callers
	}
	return list
}

// replaceAuths builds the auths of a YAML file and puts them in place of those of the file before.
func (s *Source) replaceAuths(c *Config) {
	kept := make(map[string]bool, len(c.drafts))
	for _, d := range c.drafts {
		auth := d.Build(s.fingerprintKey)
		kept[auth.ID] = true
		s.catalog.put(origin{yamlRank, auth.ID}, auth)
	}
	c.drafts = nil // their secrets are open
	for at := range s.catalog.byOrigin {
		if at.rank == yamlRank && !kept[at.path] {
			s.catalog.remove(at)
		}
	}
}

// replaceFolders makes the auth folders those of a configuration. Folders that stay keep what is known of them.
func (s *Source) replaceFolders(c *Config) {
	before := make(map[string]*folder, len(s.folders))
	auths := make(map[string]map[string]*selector.Auth, len(s.folders)) // by folder and path
	for _, f := range s.folders {
		before[f.root] = f
		auths[f.root] = s.catalog.clear(f.rank)
	}
	s.folders = nil
	for i, dir := range c.AuthDirs {
		f := before[dir]
		if f == nil {
			f = newFolder(dir)
		}
		f.rank = i + 1
		for path, auth := range auths[dir] {
			s.catalog.put(f.origin(path), auth)
		}
		s.folders = append(s.folders, f)
	}
}
