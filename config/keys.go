package config

import (
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// The limits of the YAML file.
const (
	minTTL      = time.Second
	maxTTL      = 366 * 24 * time.Hour
	maxBindings = 100_000_000
	maxAttempts = 100
	maxRules    = 1000
	maxAuths    = 100_000
	maxDirs     = 64
	maxListen   = 16

	minHint = time.Second
	maxHint = 24 * time.Hour

	maxPatience = time.Hour
	minProbe    = time.Second
	maxProbe    = time.Hour

	maxRuleFiles = 16
	maxRuleFile  = 1 << 20
)

// loader reads a YAML file into a configuration that holds the defaults. Its tables say, once, which keys there are, how
// they are read, and what the schema says of them.
type loader struct {
	into    *Config
	o       Options
	ids     map[string]int // the line of each auth
	rules   []verdict.File // the files of rules
	written []written      // listeners
}

func (l *loader) config() document.Type {
	c := l.into
	return document.Object(document.Keys{
		"callers":   l.callers().Doc("Who may ask. Absent: everybody who can connect, for everything."),
		"listen":    l.listen().Doc("Where the broker can be reached. A change takes a restart."),
		"limits":    limits(&c.Limits).Doc("What peers can make the broker hold. A change takes a restart."),
		"selection": selection(&c.Selection).Doc("How auths are chosen."),
		"sessions":  sessions(&c.Sessions).Doc("How long conversations stay on their auth."),
		"cooldown":  cooldown(&c.Cooldown).Doc("How cooldowns are tried before their end."),
		"state":     l.state().Doc("Where runtime state is kept beyond the process. A change takes a restart."),
		"verdict":   l.verdict().Doc("What upstream answers mean."),
		"audit":     l.audit().Doc("Who had which credential, and who changed what. A change takes a restart."),
		"log":       logging(&c.Log).Doc("What the process writes."),
		"auths":     document.List(&c.drafts, maxAuths, l.auth).Doc("The accounts and keys of the pool."),
		"auth_dirs": document.List(&c.AuthDirs, maxDirs, l.authDir).
			Doc("Folders of auth files, one JSON object each. Relative ones lie beside this file."),
		"encryption": l.encryption().Doc("How files are encrypted that the broker makes. Absent: they are not."),
		"trash":      trash(&c.Trash).Doc("How long auth files are kept that were deleted or replaced."),
	}).Then(func(document.Value) { l.checkListeners() })
}

// orEmpty also takes empty text, which stands for none.
func orEmpty(to *string, of func(*string) document.Type) document.Type {
	some := of(to)
	return document.NewType(func() document.Schema {
		s := document.Schema{"anyOf": []document.Schema{some.With(document.Schema{"default": nil}).Schema(), {"const": ""}}}
		if *to != "" {
			s["default"] = *to
		}
		return s
	}, func(v document.Value) {
		if *to = ""; v.Kind() != document.KindText || v.Literal() != "" {
			v.Read(some)
		}
	})
}

func selection(s *Selection) document.Type {
	return document.Object(document.Keys{
		"strategy": strategy(&s.Strategy).Doc("How one of the ready auths of the best tier is chosen where no rule matches."),
		"rules": document.List(&s.Rules, maxRules, rule).
			Doc("Other strategies for some requests; the first rule that matches counts."),
		"max_attempts": document.Integer(&s.MaxAttempts, 1, maxAttempts).
			Doc("How many attempts one request of a client may take before the client is answered."),
	})
}

func rule(r *Rule) document.Type {
	return document.Object(document.Keys{
		"provider": authdoc.Line(&r.Provider, authdoc.MaxProvider).Doc("Provider of the request, by any of its names. Absent: any."),
		"model":    authdoc.Glob(&r.Model).Doc("Glob on the model key. Absent: any."),
		"strategy": strategy(&r.Strategy).With(document.Schema{"default": nil}).Doc("Strategy for these requests."),
	}).Requires("strategy")
}

func strategy(to *selector.Strategy) document.Type {
	return document.Enum(to, selector.RoundRobin, selector.FillFirst, selector.WeightedRoundRobin)
}

func sessions(s *Sessions) document.Type {
	return document.Object(document.Keys{
		"affinity": document.Boolean(&s.Affinity).Doc("Conversations are identified and kept on their auth."),
		"ttl": document.Duration(&s.TTL, minTTL, maxTTL).
			Doc("How long a conversation is remembered after its last request: 1s to 8784h."),
		"max": document.Integer(&s.Max, 1, maxBindings).Doc("How many bindings are kept; past it the least recently used goes. " +
			"A conversation that is identified by its messages takes several."),
		"patience": document.Duration(&s.Patience, 0, maxPatience).Doc("How long the auth of a conversation may be out before the " +
			"conversation moves for good; until then another auth takes its requests one by one: 0s to 1h."),
		"failback": document.Boolean(&s.Failback).Doc("A conversation returns to a better tier that recovers. It costs a warm cache."),
		"identification": document.Enum(&s.Identification, IdentificationChain, IdentificationReference).
			Doc("How requests are identified that bring no session id: by all their messages, or by the person and the first messages."),
		"subagents": policy(&s.Subagents).
			Doc("Where sub-agents go: to the auth of the conversation that started them, or wherever the strategy says."),
		"auxiliary_requests": policy(&s.AuxiliaryRequests).
			Doc("Where titles, probes and other requests for the client's own sake go."),
		"rules": document.List(&s.Rules, maxRules, sessionRule).
			Doc("The same for a provider; the first that matches and says something counts."),
		"recognition":   document.Renamed("identification"),     // word: refused, with the new name
		"side_requests": document.Renamed("auxiliary_requests"), // word: refused, with the new name
	})
}

func policy(to *string) document.Type { return document.Enum(to, PolicyFollow, PolicySpread) }

func sessionRule(r *SessionRule) document.Type {
	says := []document.Schema{{"required": []string{"subagents"}}, {"required": []string{"auxiliary_requests"}}}
	return document.Object(document.Keys{
		"provider":           authdoc.Line(&r.Provider, authdoc.MaxProvider).Doc("Provider of the request, by any of its names."),
		"subagents":          policy(&r.Subagents).Doc("As above."),
		"auxiliary_requests": policy(&r.AuxiliaryRequests).Doc("As above."),
		"side_requests":      document.Renamed("auxiliary_requests"), // word: refused, with the new name
	}).Requires("provider").With(document.Schema{"anyOf": says}).Then(func(v document.Value) {
		if !v.Has("subagents") && !v.Has("auxiliary_requests") && !v.Has("side_requests") { // word: as above
			v.Problemf("says nothing; allowed: provider with subagents, auxiliary_requests or both")
		}
	})
}

func cooldown(c *Cooldown) document.Type {
	return document.Object(document.Keys{
		"max_hint": document.Duration(&c.MaxHint, minHint, maxHint).
			Doc("How long a time that an upstream hinted at is kept before one request at a time may probe: 1s to 24h."),
		"probe_timeout": document.Duration(&c.ProbeTimeout, minProbe, maxProbe).
			Doc("How long such a probe may be under way before another may start: 1s to 1h."),
		"max_latch": document.Renamed("max_hint"), // word: refused, with the new name
	})
}

func (l *loader) verdict() document.Type {
	return document.Object(document.Keys{
		"rules": document.List(&l.into.Verdict.Rules, maxRuleFiles, l.ruleFile).
			Doc("Files of rules that go before those of the program. Relative ones lie beside this file."),
	})
}

// ruleFile reads a file of rules. What is wrong in it is told later, with its own name and lines.
func (l *loader) ruleFile(to *string) document.Type {
	return l.path(to).Then(func(v document.Value) {
		switch name := *to; {
		case name == "":
		case slices.Contains(l.into.Verdict.Rules, name):
			v.Problemf("%s is listed twice", name)
		default:
			if data, ok := l.readFile(v, name, maxRuleFile); ok {
				l.rules = append(l.rules, verdict.File{Name: name, Text: data})
			}
		}
	})
}

// auth is an auth of the file.
func (l *loader) auth(to **authdoc.Draft) document.Type {
	d := &authdoc.Draft{Auth: selector.Auth{Kind: selector.KindAPIKey, Origin: selector.OriginConfig}}
	*to = d
	keys := d.Keys(l.literalOrSecret, l.authSecret(d))
	keys["id"] = keys["id"].Then(func(v document.Value) { l.unique(d.Auth.ID, v) })
	return document.Object(keys).Requires("id", "provider").Then(func(v document.Value) {
		d.Auth.Source = l.into.Path + ":" + strconv.Itoa(v.Line)
		if v.Has("account") && d.Auth.Kind != selector.KindOAuth {
			v.Problemf("has an account, but is not of kind: oauth; allowed: kind: oauth, or no account")
		}
		if wrong := d.Refusal(); wrong != "" {
			v.Under("secret").Problemf("%s", wrong)
		}
	})
}

// unique holds the ids of the file apart.
func (l *loader) unique(id string, v document.Value) {
	if first, taken := l.ids[id]; taken && id != "" {
		v.Problemf("duplicate id %q; the first is at %s:%d", id, l.into.Path, first)
		return
	}
	l.ids[id] = v.Line
}

func logging(l *Log) document.Type {
	return document.Object(document.Keys{
		"level":  document.Enum(&l.Level, "debug", "info", "warn", "error").Doc("The least important lines that are written."),
		"access": document.Boolean(&l.Access).Doc("One line for each call."),
		"format": document.Enum(&l.Format, "json", "console").Doc("json for programs, console for human readers."),
	})
}

// authDir is a folder. One inside another would make two auths of one file.
func (l *loader) authDir(to *string) document.Type {
	return l.path(to).Then(func(v document.Value) {
		for _, other := range l.into.AuthDirs {
			if *to != "" && (within(other, *to) || within(*to, other)) {
				v.Problemf("is the same folder as %s, or one lies in the other", other)
				return
			}
		}
	})
}

// within tells whether a path is a folder or lies in it.
func within(dir, path string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rest)
}

// path is that of a file or folder; a relative one is joined to the folder of the YAML file.
func (l *loader) path(to *string) document.Type {
	return document.Text(to, maxPath, wrongPath).With(document.Schema{"pattern": "^([^~]|~[^/])"}).Then(func(document.Value) {
		if *to != "" {
			*to = filepath.Clean(beside(l.into.Path, *to))
		}
	})
}

// readFile reads a file that the configuration refers to, which is watched from then on.
func (l *loader) readFile(v document.Value, name string, limit int64) ([]byte, bool) {
	l.into.files = append(l.into.files, name)
	data, _, err := readFile(name, limit)
	if err != nil {
		v.Problemf("the file %s %s", name, err)
	}
	return data, err == nil
}
