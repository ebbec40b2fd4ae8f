package verdict

import (
	"regexp"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/glob"
)

// condition is one `when`: everything that it names must hold; an empty part holds always.
type condition struct {
	kind    string
	status  []statusRange
	code    []string // globs, any of
	text    []string // any of
	all     []string // each of
	message []string // globs over the whole message, any of
	pattern []*regexp.Regexp
	header  []headerGlob
	format  []bodyKind // any of
	facts   []fact     // each of
	delay   *timeExpr  // yields a time
	model   []string   // globs, any of
	dialect []string   // any of
	not     *condition
}

type statusRange struct {
	from, to int
	embedded bool // any status, as long as it stood in the body of a 2xx
}

type headerGlob struct{ name, value string }

func (c *condition) holds(v *view) bool {
	return (c.kind == "" || c.kind == v.o.Kind) &&
		c.holdsStatus(v) &&
		(len(c.dialect) == 0 || glob.MatchAny(c.dialect, v.o.Dialect)) &&
		(len(c.format) == 0 || c.holdsFormat(v)) &&
		(len(c.code) == 0 || c.holdsCode(v)) &&
		c.holdsText(v) &&
		(len(c.model) == 0 || glob.MatchAny(c.model, lower(v.o.Model))) &&
		c.holdsHeaders(v) &&
		c.holdsFacts(v) &&
		(len(c.pattern) == 0 || c.holdsPattern(v)) &&
		(c.delay == nil || c.delay.yields(v)) &&
		(c.not == nil || !c.not.holds(v))
}

func (c *condition) holdsStatus(v *view) bool {
	for _, r := range c.status {
		if r.embedded && v.embedded || !r.embedded && r.from <= v.status && v.status <= r.to {
			return true
		}
	}
	return len(c.status) == 0
}

func (c *condition) holdsFormat(v *view) bool {
	return slices.Contains(c.format, v.kind)
}

func (c *condition) holdsCode(v *view) bool {
	for _, code := range v.codes {
		if glob.MatchAny(c.code, code) {
			return true
		}
	}
	return false
}

func (c *condition) holdsText(v *view) bool {
	for _, phrase := range c.all {
		if !strings.Contains(v.text, phrase) {
			return false
		}
	}
	if len(c.message) > 0 && !glob.MatchAny(c.message, lower(strings.TrimSpace(v.message))) {
		return false
	}
	return len(c.text) == 0 || containsAny(v.text, c.text)
}

func containsAny(text string, phrases []string) bool {
	for _, phrase := range phrases {
		if strings.Contains(text, phrase) {
			return true
		}
	}
	return false
}

func (c *condition) holdsPattern(v *view) bool {
	for _, p := range c.pattern {
		if p.MatchString(v.text) {
			return true
		}
	}
	return false
}

func (c *condition) holdsHeaders(v *view) bool {
	for _, h := range c.header {
		value, there := v.headers[h.name]
		if !there || !glob.Match(h.value, lower(value)) {
			return false
		}
	}
	return true
}

func (c *condition) holdsFacts(v *view) bool {
	for _, f := range c.facts {
		if !v.is(f) {
			return false
		}
	}
	return true
}
