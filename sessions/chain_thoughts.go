package sessions

import (
	"bytes"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// What upstreams put around thoughts that they leave in the text of an answer, before what the answer says.
const (
	thoughtsBegin = "<think>"
	thoughtsEnd   = "</think>"
)

// withoutThoughts is a text of the assistant's without the thoughts that it begins with: clients send them back or not. Without
// an end they are all that was said.
func withoutThoughts(v jsonscan.Value) jsonscan.Value {
	rest, ok := cutTag(v.TrimLeft(), thoughtsBegin)
	if !ok {
		return v
	}
	for {
		next := bytes.IndexAny(rest.Raw, `<\`)
		if next < 0 {
			return v
		}
		rest.Raw = rest.Raw[next:]
		if said, ok := cutTag(rest, thoughtsEnd); ok {
			return said
		}
		_, size := firstCharacter(rest.Raw)
		rest.Raw = rest.Raw[size:]
	}
}

// cutTag cuts a tag off the beginning of a string, however its characters are escaped.
func cutTag(v jsonscan.Value, tag string) (rest jsonscan.Value, ok bool) {
	rest = v
	for i := range len(tag) {
		char, size := firstCharacter(rest.Raw)
		if char != rune(tag[i]) {
			return v, false
		}
		rest.Raw = rest.Raw[size:]
	}
	return rest, true
}

// firstCharacter is that of the inside of a string, with its length there: of what is not ASCII and not escaped the first byte,
// of nothing 0.
func firstCharacter(raw []byte) (char rune, size int) {
	switch {
	case len(raw) == 0:
		return 0, 0
	case raw[0] == '\\':
		return jsonscan.Unescape(raw)
	}
	return rune(raw[0]), 1
}
