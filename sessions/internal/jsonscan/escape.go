package jsonscan

import (
	"strconv"
	"unicode/utf16"
)

// unescapeStrict reads the escape at the start of b and returns its length, 0 if there is none.
func unescapeStrict(b []byte) (char rune, n int) {
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

// Unescape reads the escape at the start of b, which is a backslash, and returns its length. A backslash that begins no
// escape stands for itself.
func Unescape(b []byte) (char rune, n int) {
	if char, n = unescapeStrict(b); n == 0 {
		return '\\', 1
	}
	return char, n
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

// escaped reports whether the character after text is escaped by it.
func escaped(text []byte) bool {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return (len(text)-n)%2 == 1
}
