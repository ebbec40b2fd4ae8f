package config

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// The limits of the YAML file.
const (
	minTTL      = time.Second
	maxTTL      = 366 * 24 * time.Hour
	maxBindings = 100_000_000
	maxRules    = 1000
	maxAuths    = 100_000
	maxDirs     = 64
	maxListen   = 16

	minLatch = time.Second
	maxLatch = 24 * time.Hour
	minProbe = time.Second
	maxProbe = time.Hour

	maxRuleFiles = 16
	maxRuleFile  = 1 << 20
)

// document is a YAML file that is being read.
type document struct {
	reader

	into   *Config
	o      Options
	ids    map[string]int // the line of each auth
	broken Problems       // of the files of rules
}

// config reads the document into a configuration that holds the defaults.
func (d *document) config(v value) {
	c := d.into
	v.object(fields{
		"listen":    d.listen,
		"selection": func(v value) { selection(v, &c.Selection) },
		"sessions":  func(v value) { sessions(v, &c.Sessions) },
		"cooldown":  func(v value) { cooldown(v, &c.Cooldown) },
		"state":     d.state,
		"verdict":   func(v value) { v.object(fields{"rules": d.ruleFiles}) },
		"log":       func(v value) { logging(v, &c.Log) },
		"auths":     d.auths,
		"auth_dirs": d.authDirs,
	})
}

func (d *document) listen(v value) {
	l := &d.into.Listen
	var given []value
	known := fields{
		"grpc": func(v value) {
			d.into.lines["listen.grpc"] = v.line
			addresses := v.list(maxListen)
			if v.isNull() || len(addresses) == 0 && v.kind() == "a list" {
				v.problemf("is empty; allowed: at least one address")
			}
			l.GRPC, given = nil, append(given, addresses...)
			for _, a := range addresses {
				if text, ok := a.checked(maxPath, wrongAddress); ok {
					l.GRPC = append(l.GRPC, text)
				}
			}
		},
		"http": func(v value) {
			d.into.lines["listen.http"] = v.line
			given = append(given, v)
			if text, ok := v.text(maxPath); ok && text == "" {
				l.HTTP = ""
			} else if ok {
				l.HTTP, _ = v.checked(maxPath, wrongAddress)
			}
		},
		"insecure": func(v value) {
			d.into.lines["listen.insecure"] = v.line
			l.Insecure = v.boolean()
		},
	}
	v.object(known)
	d.checkAddresses(given)
}

// checkAddresses looks at what each address by itself cannot show.
func (d *document) checkAddresses(given []value) {
	seen := make(map[string]bool)
	for _, v := range given {
		text := v.node.Value
		if v.kind() != "text" || text == "" || wrongAddress(text) != "" {
			continue
		}
		if seen[text] && !strings.HasSuffix(text, ":0") {
			v.problemf("%s is listed twice", quoted(text))
		}
		seen[text] = true
		if !isLocal(text) && !d.into.Listen.Insecure {
			v.problemf("%s can be reached from other machines, and what is sent there is neither encrypted nor authenticated; "+
				"allowed: a loopback address such as 127.0.0.1:7420, unix:///path, or listen.insecure: true", quoted(text))
		}
	}
}

func selection(v value, s *Selection) {
	v.object(fields{
		"strategy": func(v value) { s.Strategy = strategy(v) },
		"rules": func(v value) {
			for _, element := range v.list(maxRules) {
				s.Rules = append(s.Rules, rule(element))
			}
		},
	})
}

func rule(v value) Rule {
	var r Rule
	present := v.object(fields{
		"provider": func(v value) { r.Provider, _ = v.checked(maxProvider, wrongLine) },
		"model":    func(v value) { r.Model, _ = v.checked(maxModel, wrongGlob) },
		"strategy": func(v value) { r.Strategy = strategy(v) },
	})
	if !present["strategy"] {
		v.problemf("has no strategy; allowed: strategy with provider, model or both")
	}
	return r
}

func strategy(v value) selector.Strategy {
	var names []string
	for s := selector.RoundRobin; s <= selector.WeightedRoundRobin; s++ {
		names = append(names, s.String())
	}
	word := v.word(names...)
	s, _ := selector.ParseStrategy(word) // what is no word was reported
	return s
}

func sessions(v value, s *Sessions) {
	v.object(fields{
		"affinity": func(v value) { s.Affinity = v.boolean() },
		"ttl":      func(v value) { s.TTL = v.duration(minTTL, maxTTL) },
		"max": func(v value) {
			n, _ := v.integer(1, maxBindings)
			s.Max = int(n)
		},
		"failback":      func(v value) { s.Failback = v.boolean() },
		"recognition":   func(v value) { s.Recognition = v.word(RecognitionChain, RecognitionReference) },
		"subagents":     func(v value) { s.Subagents = v.word(PolicyFollow, PolicySpread) },
		"side_requests": func(v value) { s.SideRequests = v.word(PolicyFollow, PolicySpread) },
		"rules": func(v value) {
			for _, element := range v.list(maxRules) {
				s.Rules = append(s.Rules, sessionRule(element))
			}
		},
	})
}

func sessionRule(v value) SessionRule {
	var r SessionRule
	present := v.object(fields{
		"provider":      func(v value) { r.Provider, _ = v.checked(maxProvider, wrongLine) },
		"subagents":     func(v value) { r.Subagents = v.word(PolicyFollow, PolicySpread) },
		"side_requests": func(v value) { r.SideRequests = v.word(PolicyFollow, PolicySpread) },
	})
	if !present["provider"] || !present["subagents"] && !present["side_requests"] {
		v.problemf("says nothing; allowed: provider with subagents, side_requests or both")
	}
	return r
}

func cooldown(v value, c *Cooldown) {
	v.object(fields{
		"max_latch":     func(v value) { c.MaxLatch = v.duration(minLatch, maxLatch) },
		"probe_timeout": func(v value) { c.ProbeTimeout = v.duration(minProbe, maxProbe) },
	})
}

// ruleFiles reads the files of rules. What is wrong in one is told with its own name and lines.
func (d *document) ruleFiles(v value) {
	seen := make(map[string]bool)
	for _, element := range v.list(maxRuleFiles) {
		text, ok := element.checked(maxPath, wrongPath)
		if !ok {
			continue
		}
		name := filepath.Clean(beside(d.file, text))
		if seen[name] {
			element.problemf("%s is listed twice", name)
			continue
		}
		seen[name] = true
		d.into.Verdict.Rules = append(d.into.Verdict.Rules, name)
		d.into.files = append(d.into.files, name)
		data, _, err := readFile(name, maxRuleFile)
		if err != nil {
			element.problemf("the file %s %s", name, err)
			continue
		}
		d.into.rules = append(d.into.rules, verdict.File{Name: name, Text: data})
	}
}

// judge makes the rules of verdicts out of the files. Without files it leaves them to the caller, who may have them.
func (d *document) judge() {
	if len(d.into.rules) == 0 {
		return
	}
	rules, err := verdict.Load(d.into.rules...)
	if problems, ok := errors.AsType[verdict.Problems](err); ok {
		for _, p := range problems {
			d.broken = append(d.broken, Problem(p))
		}
	}
	d.into.Rules = rules
}

func logging(v value, l *Log) {
	v.object(fields{
		"level":  func(v value) { l.Level = v.word("debug", "info", "warn", "error") },
		"access": func(v value) { l.Access = v.boolean() },
		"format": func(v value) { l.Format = v.word("json", "console") },
	})
}

// authDirs reads the folders. One inside another would make two auths of one file.
func (d *document) authDirs(v value) {
	for _, element := range v.list(maxDirs) {
		text, ok := element.checked(maxPath, wrongPath)
		if !ok {
			continue
		}
		dir := beside(d.file, text)
		for _, other := range d.into.AuthDirs {
			if within(other, dir) || within(dir, other) {
				element.problemf("is the same folder as %s, or one lies in the other", other)
				ok = false
				break
			}
		}
		if ok {
			d.into.AuthDirs = append(d.into.AuthDirs, dir)
		}
	}
}

// within tells whether a path is a folder or lies in it.
func within(dir, path string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rest)
}
