package jsonscan

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// Text gives the text of a JSON value from its beginning, as far as somebody asks.
type Text struct {
	rest []byte
	// escapes: rest stands between the quotes of a string that has escapes. Such a text ends, as in gjson, at the first
	// thing that a JSON string must not hold; without escapes everything is taken as it stands.
	escapes bool
}

// Text is what a value means as text: of a string its content, of a number that is more than a minus and digits the
// shortest decimal of the nearest double, of other numbers, objects and arrays the source.
func (v Value) Text() Text {
	switch v.Kind {
	case Boolean:
		if v.Raw[0] == 't' {
			return Text{rest: []byte("true")}
		}
		return Text{rest: []byte("false")}
	case Number:
		return Text{rest: decimal(v.Raw)}
	case String:
		return Text{rest: v.Raw, escapes: bytes.IndexByte(v.Raw, '\\') >= 0}
	case Object, Array:
		return Text{rest: v.Raw}
	default:
		return Text{}
	}
}

// decimal is the text of a number.
func decimal(raw []byte) []byte {
	for _, c := range bytes.TrimPrefix(raw, []byte("-")) {
		if c < '0' || c > '9' {
			// What ParseFloat returns beside an error is meant: 0 for no number, an infinity for one out of range.
			f, _ := strconv.ParseFloat(string(raw), 64)
			return strconv.AppendFloat(nil, f, 'f', -1, 64)
		}
	}
	return raw
}

// Next returns more of the text, and nothing at its end: all that is left if there are no escapes, else what fits into
// buf, which has room for a character at least. It cuts no character in two.
func (r *Text) Next(buf []byte) []byte {
	rest := r.rest
	r.rest = nil
	if !r.escapes {
		return rest
	}
	n := 0
	for i := 0; i < len(rest); {
		c := rest[i]
		if room := len(buf) - n; room == 0 || room < utf8.UTFMax && utf8.RuneStart(c) {
			r.rest = rest[i:]
			break
		}
		switch {
		case c == '\\':
			char, size := unescapeStrict(rest[i:])
			if size == 0 {
				return buf[:n]
			}
			n += utf8.EncodeRune(buf[n:], char)
			i += size
		case c < ' ':
			return buf[:n]
		default:
			buf[n] = c
			n++
			i++
		}
	}
	return buf[:n]
}

// Head fills dst with the beginning of the text, its last character maybe cut in two, and returns the length.
func (r Text) Head(dst []byte) int {
	var buf [128]byte
	n := 0
	for n < len(dst) {
		piece := r.Next(buf[:])
		if len(piece) == 0 {
			break
		}
		n += copy(dst[n:], piece)
	}
	return n
}

// Empty reports whether there is no text.
func (r Text) Empty() bool {
	var buf [utf8.UTFMax]byte
	return len(r.Next(buf[:])) == 0
}

// All is the whole text, in memory of its own if it has escapes.
func (r Text) All() []byte {
	if !r.escapes {
		return r.rest
	}
	return r.Next(make([]byte, len(r.rest)+utf8.UTFMax))
}
