package verdict

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// rule reads a row.
func (p *parser) rule(n *yaml.Node, field string) {
	r := &rule{Row: Row{File: p.file, Line: n.Line}}
	before := len(p.problems)
	p.fields(n, field, map[string]func(*yaml.Node, string){
		"id":           p.into(&r.ID),
		"stage":        func(n *yaml.Node, field string) { r.offset.stage = p.word(n, field, stages[:]); r.Stage = n.Value },
		"when":         func(n *yaml.Node, field string) { r.when = p.conditions(n, field) },
		"fault":        choice(p, &r.fault, []Fault{FaultCaller, FaultCredential, FaultModel, FaultTransient, FaultProvider}),
		"action":       choice(p, &r.Action, []cooldown.Action{cooldown.ActionNone, cooldown.ActionCooldown, cooldown.ActionInvalidate, cooldown.ActionDisable}),
		"scope":        choice(p, &r.scope, []cooldown.Scope{cooldown.ScopeNone, cooldown.ScopeModel, cooldown.ScopeAuth}),
		"family":       p.into(&r.family),
		"domain":       choice(p, &r.domain, append(domains(), domainNone)),
		"reason":       p.into(&r.Reason),
		"retry":        choice(p, &r.retry, []Retry{RetryNobody, RetryAnotherAuth, RetryOtherModel}),
		"time":         func(n *yaml.Node, field string) { r.time = p.time(n, field) },
		"person":       p.into(&r.person.key),
		"person_oauth": p.into(&r.person.oauth),
		"repeat":       p.repeat(&r.repeat),
		"source":       p.into(&r.Source),
		"off": func(n *yaml.Node, field string) {
			if r.off = n.Value == "true"; !r.off || !p.out.extra {
				p.badf(n, field, "%q: allowed is only true, in a file that overrides embedded rows", n.Value)
			}
		},
	})
	if len(p.problems) > before {
		return
	}
	p.complete(r, n, field)
	if len(p.problems) == before {
		p.rows = append(p.rows, r)
	}
}

// complete checks how the parts of a row fit and fills in what follows from others.
func (p *parser) complete(r *rule, n *yaml.Node, field string) {
	if r.ID == "" || !isName(r.ID) {
		p.badf(n, field+".id", "must be there, of lower-case letters, digits, `-`, `_` and `.`")
	}
	if r.off {
		return
	}
	for _, need := range [...]string{"stage", "fault", "action", "reason", "source"} {
		if !given(n, need) {
			p.badf(n, field+"."+need, "must be there")
		}
	}
	r.limit, r.family = r.Stage == stageLimit && r.Action == cooldown.ActionCooldown, lower(r.family)
	if r.retry == "" {
		r.retry = defaultRetry(r.fault)
	}
	switch r.Action {
	case cooldown.ActionNone:
		p.want(r, n, field, cooldown.ScopeNone)
	case cooldown.ActionInvalidate, cooldown.ActionDisable:
		p.want(r, n, field, cooldown.ScopeAuth)
	default:
		if r.scope == cooldown.ScopeNone {
			p.badf(n, field+".scope", "must be \"model\" or \"auth\" with action cooldown")
		}
	}
	if r.time != nil && r.Action != cooldown.ActionCooldown {
		p.badf(n, field+".time", "is allowed only with action cooldown")
	}
	if r.family != "" && r.scope != cooldown.ScopeModel {
		p.badf(n, field+".family", "is allowed only with scope model")
	}
}

// want fills in the only scope that an action can have.
func (p *parser) want(r *rule, n *yaml.Node, field string, only cooldown.Scope) {
	if given(n, "scope") && r.scope != only {
		p.badf(n, field+".scope", "%q: only %q goes with action %s", r.scope, only, r.Action)
	}
	r.scope = only
}

func defaultRetry(f Fault) Retry {
	switch f {
	case FaultCaller:
		return RetryNobody
	case FaultProvider:
		return RetryOtherModel
	default:
		return RetryAnotherAuth
	}
}

func (p *parser) repeat(to *cooldown.Repeat) func(*yaml.Node, string) {
	return func(n *yaml.Node, field string) {
		p.fields(n, field, map[string]func(*yaml.Node, string){
			"within": p.duration(&to.Within),
			"action": choice(p, &to.Action, []cooldown.Action{cooldown.ActionInvalidate, cooldown.ActionDisable}),
			"count": func(n *yaml.Node, field string) {
				if to.Count = atoi(n.Value); to.Count < 2 || to.Count > maxRepeat {
					p.badf(n, field, "%q: allowed are 2 to %d", n.Value, maxRepeat)
				}
			},
		})
		if to.Count == 0 || to.Within == 0 || to.Action == cooldown.ActionNone {
			p.badf(n, field, "must have `count`, `within` and `action`")
		}
	}
}

// conditions reads a `when`: one condition, or a list of alternatives.
func (p *parser) conditions(n *yaml.Node, field string) []*condition {
	if n.Kind != yaml.SequenceNode {
		return []*condition{p.condition(n, field)}
	}
	all := make([]*condition, 0, len(n.Content))
	for _, alternative := range n.Content {
		all = append(all, p.condition(alternative, field))
	}
	if len(all) == 0 {
		p.badf(n, field, "has no alternative: leave it out if the row matches always")
	}
	return all
}

func (p *parser) condition(n *yaml.Node, field string) *condition {
	c := new(condition)
	p.fields(n, field, map[string]func(*yaml.Node, string){
		"kind":    choice(p, &c.kind, []string{KindOAuth, KindAPIKey}),
		"status":  func(n *yaml.Node, field string) { c.status = p.statuses(n, field) },
		"code":    p.strings(&c.code, nil, ""),
		"text":    p.strings(&c.text, nil, ""),
		"all":     p.strings(&c.all, nil, ""),
		"message": p.strings(&c.message, nil, ""),
		"model":   p.strings(&c.model, nil, ""),
		"dialect": p.strings(&c.dialect, isName, "lower-case names of dialects"),
		"delay":   func(n *yaml.Node, field string) { c.delay = p.time(n, field) },
		"not":     func(n *yaml.Node, field string) { c.not = p.condition(n, field) },
		"header":  func(n *yaml.Node, field string) { c.header = p.headers(n, field) },
		"pattern": func(n *yaml.Node, field string) {
			for _, element := range scalars(n) {
				if re := p.regexp(element, field); re != nil {
					c.pattern = append(c.pattern, re)
				}
			}
		},
		"format": func(n *yaml.Node, field string) {
			for _, element := range scalars(n) {
				c.format = append(c.format, bodyKind(p.word(element, field, formatNames[:])))
			}
		},
		"fact": func(n *yaml.Node, field string) {
			for _, element := range scalars(n) {
				c.facts = append(c.facts, fact(p.word(element, field, factNames[:])))
			}
		},
	})
	if n.Kind == yaml.MappingNode && len(n.Content) == 0 {
		p.badf(n, field, "is empty: leave it out if the row matches always")
	}
	return c
}

// formatNames are the kinds of bodies as rows write them, in the order of the constants.
var formatNames = [...]string{"text", "empty", "json", "stream", "html"}

func (p *parser) headers(n *yaml.Node, field string) []headerGlob {
	if n.Kind != yaml.MappingNode {
		p.badf(n, field, "must be a mapping of header names to globs")
		return nil
	}
	var all []headerGlob
	for i := 0; i+1 < len(n.Content); i += 2 {
		if value, ok := p.text(n.Content[i+1], field); ok {
			all = append(all, headerGlob{name: lower(n.Content[i].Value), value: lower(value)})
		}
	}
	return all
}

const maxStatus = 599

// statuses reads `429`, `520-527`, `4xx` and `embedded`.
func (p *parser) statuses(n *yaml.Node, field string) []statusRange {
	var all []statusRange
	for _, element := range scalars(n) {
		text := element.Value
		r := statusRange{from: atoi(text), to: atoi(text), embedded: text == "embedded"}
		if from, to, ranged := strings.Cut(text, "-"); ranged {
			r.from, r.to = atoi(from), atoi(to)
		} else if class, ok := strings.CutSuffix(text, "xx"); ok && len(class) == 1 {
			r.from, r.to = atoi(class)*100, atoi(class)*100+99
		}
		if !r.embedded && (r.from < 0 || r.to > maxStatus || r.from > r.to || element.Kind != yaml.ScalarNode) {
			p.badf(element, field, "%q: allowed are numbers, ranges such as 520-527, classes such as 4xx, and embedded", text)
			continue
		}
		all = append(all, r)
	}
	return all
}

// time reads a time expression: the name of a source, or a mapping.
func (p *parser) time(n *yaml.Node, field string) *timeExpr {
	e := new(timeExpr)
	readSource := func(n *yaml.Node, field string) { e.source = source(p.word(n, field, sourceNames[:])) }
	if n.Kind == yaml.ScalarNode {
		readSource(n, field)
		return e
	}
	p.fields(n, field, map[string]func(*yaml.Node, string){
		"source": readSource,
		"fixed":  p.duration(&e.fixed),
		"within": p.duration(&e.within),
		"clip":   p.duration(&e.clip),
		"next":   func(n *yaml.Node, field string) { e.next = period(p.word(n, field, periodNames[:])) },
		"zone":   func(n *yaml.Node, field string) { e.zone = p.zone(n, field) },
		"first":  p.each(func(n *yaml.Node, field string) { e.first = append(e.first, p.time(n, field)) }),
		"latest": p.each(func(n *yaml.Node, field string) { e.latest = append(e.latest, p.time(n, field)) }),
	})
	printed := e.source == sourcePrinted
	parts := []bool{e.source != sourceNone, e.fixed > 0, e.next != periodNone, e.first != nil, e.latest != nil}
	if set := len(slices.DeleteFunc(parts, func(given bool) bool { return !given })); set != 1 {
		p.badf(n, field, "must have exactly one of \"source\", \"fixed\", \"next\", \"first\", \"latest\"")
	}
	if (e.next != periodNone || printed) != (e.zone != nil) {
		p.badf(n, field, "\"zone\" goes with \"next\" and with the source \"printed\", and must be there")
	}
	return e
}

func (p *parser) zone(n *yaml.Node, field string) *time.Location {
	zone, err := time.LoadLocation(n.Value)
	if err != nil || n.Value == "" || n.Value == "Local" {
		p.badf(n, field, "%q: allowed are names of the IANA zone database, such as UTC or America/Los_Angeles", n.Value)
		return time.UTC
	}
	return zone
}
