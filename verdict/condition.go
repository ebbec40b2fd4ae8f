package verdict

import (
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/glob"
)

// condition is one `when`: everything that it names must hold; an empty part holds always.
type condition struct {
	kind    string
	status  []statusRange
	ending  []Ending // any of
	class   []Class  // any of
	code    []phrase // globs, any of
	text    []phrase // any of
	all     []phrase // each of
	message []string // globs over the whole message, any of
	pattern []pattern
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
		(len(c.ending) == 0 || slices.Contains(c.ending, v.o.Ending)) &&
		(len(c.class) == 0 || slices.Contains(c.class, v.class)) &&
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
	for i := range c.code {
		p := &c.code[i]
		if v.codeGrams.lacks(p) {
			continue
		}
		for _, code := range v.codes {
			if glob.Match(p.text, code) {
				return true
			}
		}
	}
	return false
}

func (c *condition) holdsText(v *view) bool {
	for _, phrase := range c.all {
		if !v.text.contains(phrase) {
			return false
		}
	}
	if len(c.message) > 0 && !glob.MatchAny(c.message, strings.TrimSpace(v.lowerMessage())) {
		return false
	}
	return len(c.text) == 0 || v.text.containsAny(c.text)
}

func (c *condition) holdsPattern(v *view) bool {
	for i := range c.pattern {
		if v.text.matches(&c.pattern[i]) {
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
