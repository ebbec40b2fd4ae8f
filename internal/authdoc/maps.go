package authdoc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/document"
)

// pairs is a mapping of at most limit names to values.
func pairs(limit int, value func() document.Schema, what string, read func(v document.Value, members []document.Member)) document.Type {
	schema := func() document.Schema {
		return document.Schema{"type": []string{"object", "null"}, "maxProperties": limit, "additionalProperties": value()}
	}
	return document.NewType(schema, func(v document.Value) {
		members := v.Members()
		if len(members) > limit {
			v.Problemf("has %d %s; allowed: at most %d", len(members), what, limit)
			return
		}
		read(v, members)
	})
}

func (d *Draft) readAttributes() document.Type {
	schema := func() document.Schema { return document.Schema{"type": []string{"string", "number", "boolean"}} }
	return pairs(maxAttributes, schema, "attributes", func(_ document.Value, members []document.Member) {
		for _, m := range members {
			if wrong := WrongLine(m.Key); wrong != "" || len(m.Key) > MaxID {
				m.Problemf("is no name of an attribute; allowed: one line of at most %d bytes", MaxID)
			} else if text, ok := m.Scalar(maxAttribute); ok {
				if d.Auth.Attributes == nil {
					d.Auth.Attributes = make(map[string]string, len(members))
				}
				d.Auth.Attributes[m.Key] = text
			}
		}
	})
}

// readHeaders takes the type of one value.
func (d *Draft) readHeaders(value Literal) document.Type {
	schema := func() document.Schema { return value(nil).Schema() }
	names := document.Schema{"propertyNames": document.Schema{"not": document.Schema{"pattern": anyCase(connectionHeaders())}}}
	return pairs(maxHeaders, schema, "headers", func(v document.Value, members []document.Member) {
		d.headers = make(map[string]string, len(members))
		seen := make(map[string]bool, len(members))
		for _, m := range members {
			lower := strings.ToLower(m.Key)
			if wrong := wrongHeaderName(m.Key); wrong != "" {
				// The name is not repeated: it may be a header and its secret in one.
				v.Problemf("%s", "has a name that "+wrong)
				continue
			}
			if slices.Contains(connectionHeaders(), lower) {
				m.Problemf("is about the connection, which the gateway's HTTP client makes; allowed: headers for the upstream itself")
				continue
			}
			if seen[lower] {
				m.Problemf("is named twice; case does not count")
			}
			seen[lower] = true
			m.Read(value(func(_ document.Value, text string) { d.headers[m.Key] = text }))
		}
	}).With(names)
}

// anyCase is a pattern of words in which case does not count, without what only some readers of patterns know.
func anyCase(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, c := range word {
			if c == '-' {
				b.WriteByte('-')
			} else {
				fmt.Fprintf(&b, "[%c%c]", c-'a'+'A', c)
			}
		}
	}
	return "^(" + b.String() + ")$"
}
