package sessions

import (
	"bytes"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// reasoning is what the request has of encrypted reasoning, which comes in the items of the Responses API only. Where the
// upstream keeps the history, it keeps the reasoning too.
func (m *members) reasoning() Reasoning {
	_, continues := m.previous()
	switch {
	case m.input.Kind == jsonscan.Absent || continues:
		return ReasoningNone
	case m.input.Kind == jsonscan.Array && carriesReasoning(m.input.Raw):
		return ReasoningCarried
	default:
		return ReasoningPossible
	}
}

// MayReason reports whether what a request with this Identity.State is answered may hold encrypted reasoning.
func MayReason(of string) bool {
	s, _ := parseState(of)
	return s.forms&withReasoning != 0
}

// carriesReasoning reports whether a list of items has an `encrypted_content` that is a text, at any depth. Inside a string
// such a member can not be, since its quotes would have escapes.
func carriesReasoning(items []byte) bool {
	const blank = " \t\r\n"
	// An underscore is rarer in what people and programs say than the beginning of the name.
	begin, end := []byte(`"encrypted`), []byte(`_content"`)
	for {
		i := bytes.Index(items, end)
		if i < 0 {
			return false
		}
		name := items[:i]
		items = items[i+len(end):]
		if !bytes.HasSuffix(name, begin) {
			continue
		}
		if value, ok := bytes.CutPrefix(bytes.TrimLeft(items, blank), []byte(":")); ok {
			value = bytes.TrimLeft(value, blank)
			if len(value) > 1 && value[0] == '"' && value[1] != '"' {
				return true
			}
		}
	}
}
