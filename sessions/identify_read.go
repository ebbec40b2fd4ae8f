package sessions

import (
	"bytes"
	"strconv"
	"unicode/utf16"
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

// unescape reads the escape at the start of b and returns its length, 0 if there is none.
func unescape(b []byte) (char rune, n int) {
	if len(b) < 2 || b[0] != '\\' {
		return 0, 0
	}
	switch c := b[1]; c {
	case '"', '\\', '/':
		return rune(c), 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		return unescapeUnicode(b)
	default:
		return 0, 0
	}
}

// unescapeUnicode reads one \u escape, or two if the first is half of a pair. Halves that make no pair are one U+FFFD.
func unescapeUnicode(b []byte) (char rune, n int) {
	const length = len(`\u0000`)
	if len(b) < length {
		return 0, 0
	}
	char = hexRune(b[2:length])
	if utf16.IsSurrogate(char) && len(b) >= 2*length && b[length] == '\\' && b[length+1] == 'u' {
		return utf16.DecodeRune(char, hexRune(b[length+2:2*length])), 2 * length
	}
	return char, length
}

// hexRune is the number that hexadecimal digits mean, and 0 if one of them is none, as gjson has it.
func hexRune(digits []byte) rune {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}
