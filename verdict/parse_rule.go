package verdict

import (
	"slices"
	"strings"
	"time"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// rule reads a row.
func (p *parser) rule(to **rule) document.Type {
	r := &rule{}
	*to = r
	return document.Object(document.Keys{
		"id":                    name(&r.ID),
		"stage":                 document.Enum(&r.Stage, stages[:]...),
		"when":                  some(&r.when, conditionOf),
		"doubt":                 some(&r.doubt, conditionOf),
		"fault":                 document.Enum(&r.fault, FaultCaller, FaultCredential, FaultModel, FaultTransient, FaultProvider),
		"action":                document.Enum(&r.Action, cooldown.ActionNone, cooldown.ActionCooldown, cooldown.ActionInvalidate, cooldown.ActionDisable),
		"scope":                 document.Enum(&r.scope, cooldown.ScopeNone, cooldown.ScopeModel, cooldown.ScopeAuth),
		"model_family":          filled(&r.modelFamily),
		"family":                document.Renamed("model_family"),
		"domain":                document.Enum(&r.domain, append(domains(), domainNone)...),
		"reason":                filled(&r.Reason),
		"retry":                 document.Enum(&r.retry, RetryNobody, RetryAnotherAuth, RetryOtherModel),
		"time":                  timeOf(&r.time),
		"operator_action":       filled(&r.operator.key),
		"operator_action_oauth": filled(&r.operator.oauth),
		"person":                document.Renamed("operator_action"),
		"person_oauth":          document.Renamed("operator_action_oauth"),
		"repeat":                repeat(&r.repeat),
		"client_answer":         document.Enum(&r.client, ClientAnswerRefused, ClientAnswerUnavailable, ClientAnswerCancelled),
		"source":                filled(&r.Source),
		"off":                   document.Boolean(&r.off),
	}).Requires("id").Then(func(v document.Value) {
		r.File, r.Line = p.name, v.Line
		r.offset.stage = slices.Index(stages[:], r.Stage)
		p.at[r] = v
		if off, ok := v.Get("off"); ok && (!r.off || !p.out.extra) {
			off.Problemf("is allowed to be true only, in a file that overrides embedded rows")
		}
		if !r.off {
			r.complete(v)
		}
	})
}

// complete checks how the parts of a row fit and fills in what follows from others.
func (r *rule) complete(v document.Value) {
	v.Require("stage", "fault", "action", "reason", "source")
	r.limit, r.modelFamily = r.Stage == stageLimit && r.Action == cooldown.ActionCooldown, lower(r.modelFamily)
	if r.retry == "" {
		r.retry = defaultRetry(r.fault)
	}
	switch r.Action {
	case cooldown.ActionNone:
		r.want(v, cooldown.ScopeNone)
	case cooldown.ActionInvalidate, cooldown.ActionDisable:
		r.want(v, cooldown.ScopeAuth)
	case cooldown.ActionCooldown:
		if r.scope == cooldown.ScopeNone {
			v.Under("scope").Problemf("must be model or auth with action cooldown")
		}
	}
	if len(r.doubt) > 0 && (r.Action == cooldown.ActionInvalidate || r.Action == cooldown.ActionDisable) {
		v.Under("doubt").Problemf("is not allowed with action %s: what cannot be taken back must not be in doubt", r.Action)
	}
	if r.client != ClientAnswerAsIs && r.fault != FaultCaller {
		v.Under("client_answer").Problemf("is allowed only with fault caller")
	}
	if r.time != nil && r.Action != cooldown.ActionCooldown {
		v.Under("time").Problemf("is allowed only with action cooldown")
	}
	if r.modelFamily != "" && r.scope != cooldown.ScopeModel {
		v.Under("model_family").Problemf("is allowed only with scope model")
	}
}

// want fills in the only scope that an action can have.
func (r *rule) want(v document.Value, only cooldown.Scope) {
	if v.Has("scope") && r.scope != only {
		v.Under("scope").Problemf("%s does not go with action %s; allowed: %s", r.scope, r.Action, only)
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

func repeat(to *cooldown.Repeat) document.Type {
	return document.Object(document.Keys{
		"within": span(&to.Within),
		"action": document.Enum(&to.Action, cooldown.ActionInvalidate, cooldown.ActionDisable),
		"count":  count(&to.Count, 2, maxRepeat),
	}).Requires("count", "within", "action")
}

// conditionOf is one of the alternatives of a `when`.
func conditionOf(to **condition) document.Type {
	return document.NewType(nil, func(v document.Value) {
		*to = new(condition)
		v.Read((*to).keys())
		if v.Len() == 0 {
			v.Problemf("is empty: leave it out if the row matches always")
		}
	})
}

func (c *condition) keys() document.Type {
	return document.Object(document.Keys{
		"kind":    document.Enum(&c.kind, KindOAuth, KindAPIKey),
		"status":  some(&c.status, statusOf),
		"outcome": some(&c.ending, endingOf),
		"class":   some(&c.class, func(to *Class) document.Type { return document.Enum(to, Classes()...) }),
		"code":    phrases(&c.code, codePhrase),
		"text":    phrases(&c.text, wordsPhrase),
		"all":     phrases(&c.all, wordsPhrase),
		"message": texts(&c.message, anyText),
		"model":   texts(&c.model, anyText),
		"dialect": texts(&c.dialect, wrongName),
		"delay":   timeOf(&c.delay),
		"not":     conditionOf(&c.not),
		"header":  document.NewType(nil, c.readHeaders),
		"pattern": some(&c.pattern, patternOf),
		"format":  some(&c.format, func(to *bodyKind) document.Type { return index(to, formatNames[:]) }),
		"fact":    some(&c.facts, func(to *fact) document.Type { return index(to, factNames[:]) }),
	})
}

// formatNames are the kinds of bodies as rows write them, in the order of the constants.
var formatNames = [...]string{"text", "empty", "json", "stream", "html"}

func endingOf(to *Ending) document.Type {
	return document.Enum(to, unspecifiedEnding, EndingCompleted, EndingClientCancelled, EndingStreamBroken, EndingTimedOut, EndingConnectFailed).
		Then(func(document.Value) {
			if *to == unspecifiedEnding {
				*to = EndingUnspecified
			}
		})
}

// readHeaders reads names of headers with globs.
func (c *condition) readHeaders(v document.Value) {
	for _, m := range v.Members() {
		var pattern string
		m.Read(filled(&pattern))
		c.header = append(c.header, headerGlob{name: lower(m.Key), value: lower(pattern)})
	}
}

const maxStatus = 599

// statusOf reads `429`, `520-527`, `4xx` and `embedded`.
func statusOf(to *statusRange) document.Type {
	return document.NewType(nil, func(v document.Value) {
		text := v.Literal()
		r := statusRange{from: atoi(text), to: atoi(text), embedded: text == "embedded"}
		if from, to, ranged := strings.Cut(text, "-"); ranged {
			r.from, r.to = atoi(from), atoi(to)
		} else if class, ok := strings.CutSuffix(text, "xx"); ok && len(class) == 1 {
			r.from, r.to = atoi(class)*100, atoi(class)*100+99
		}
		if !r.embedded && (r.from < 0 || r.to > maxStatus || r.from > r.to) {
			v.Problemf("%s is no status; allowed: numbers, ranges such as 520-527, classes such as 4xx, and embedded", document.Quote(text))
		}
		*to = r
	})
}

// timeOf reads a time expression: the name of a source, or a mapping.
func timeOf(to **timeExpr) document.Type {
	return document.NewType(nil, func(v document.Value) {
		e := new(timeExpr)
		*to = e
		if v.Kind() != document.KindMapping {
			v.Read(index(&e.source, sourceNames[:]))
			return
		}
		v.Read(document.Object(document.Keys{
			"source":   index(&e.source, sourceNames[:]),
			"fixed":    span(&e.fixed),
			"within":   span(&e.within),
			"at_least": span(&e.atLeast),
			"clip":     span(&e.clip),
			"next":     index(&e.next, periodNames[:]),
			"zone":     zone(&e.zone),
			"first":    document.List(&e.first, maxList, timeOf),
			"latest":   document.List(&e.latest, maxList, timeOf),
		}))
		e.check(v)
	})
}

func (e *timeExpr) check(v document.Value) {
	kinds := []string{"source", "fixed", "next", "first", "latest"}
	if given := slices.DeleteFunc(slices.Clone(kinds), func(key string) bool { return !v.Has(key) }); len(given) != 1 {
		v.Problemf("has %d of its kinds; allowed: exactly one of %s", len(given), strings.Join(kinds, ", "))
	}
	if (v.Has("next") || e.source == sourcePrinted) != v.Has("zone") {
		v.Problemf("needs a zone with next and with the source printed; allowed: a zone with them, and none without")
	}
}

func zone(to **time.Location) document.Type {
	return document.NewType(nil, func(v document.Value) {
		zone, err := time.LoadLocation(v.Literal())
		if err != nil || v.Literal() == "" || v.Literal() == "Local" {
			v.Problemf("%s is no time zone; allowed: names of the IANA zone database, such as UTC or America/Los_Angeles", document.Quote(v.Literal()))
			return
		}
		*to = zone
	})
}
