package sessions

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// reader gives the text of a JSON value from its beginning, as far as somebody asks.
type reader struct {
	rest []byte
	// escapes: rest stands between the quotes of a string that has escapes. Such a text ends, as in gjson, at the first
	// thing that a JSON string must not hold; without escapes everything is taken as it stands.
	escapes bool
}

// text is what a value means as text: of a string its content, of a number that is more than a minus and digits the
// shortest decimal of the nearest double, of other numbers, objects and lists the source.
func (v value) text() reader {
	switch v.kind {
	case boolean:
		if v.raw[0] == 't' {
			return reader{rest: []byte("true")}
		}
		return reader{rest: []byte("false")}
	case number:
		return reader{rest: decimal(v.raw)}
	case text:
		return reader{rest: v.raw, escapes: bytes.IndexByte(v.raw, '\\') >= 0}
	case object, list:
		return reader{rest: v.raw}
	default:
		return reader{}
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

// next returns more of the text, and nothing at its end: all that is left if there are no escapes, else what fits into
// buf, which has room for a character at least. It cuts no character in two.
func (r *reader) next(buf []byte) []byte {
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
			char, size := unescape(rest[i:])
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

// head fills dst with the beginning of the text, its last character maybe cut in two, and returns the length.
func (r reader) head(dst []byte) int {
	var buf [128]byte
	n := 0
	for n < len(dst) {
		piece := r.next(buf[:])
		if len(piece) == 0 {
			break
		}
		n += copy(dst[n:], piece)
	}
	return n
}

// empty reports whether there is no text.
func (r reader) empty() bool {
	var buf [utf8.UTFMax]byte
	return len(r.next(buf[:])) == 0
}

// all is the whole text, in memory of its own if it has escapes.
func (r reader) all() []byte {
	if !r.escapes {
		return r.rest
	}
	return r.next(make([]byte, len(r.rest)+utf8.UTFMax))
}
