package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// What a byte outside of strings means when only nesting counts: the change of depth, or a string. All others mean nothing.
const (
	closes = -1
	opens  = 1
	quotes = 2
)

// marks is never written. Parentheses nest, as in gjson; JSON has none outside of strings.
var marks = [256]int8{'"': quotes, '{': opens, '[': opens, '(': opens, '}': closes, ']': closes, ')': closes}

// skip returns the index after the bracket that closes the one before i, or len(b). Most of the time goes here, which is
// why it looks at four bytes in one go.
func skip(b []byte, i int) int {
	for depth := 1; i < len(b); {
		if i+4 <= len(b) {
			w := b[i : i+4 : i+4]
			switch {
			case marks[w[0]] != 0:
			case marks[w[1]] != 0:
				i++
			case marks[w[2]] != 0:
				i += 2
			case marks[w[3]] != 0:
				i += 3
			default:
				i += 4
				continue
			}
		}
		mark := marks[b[i]]
		i++
		if mark == quotes {
			i = skipString(b, i)
		} else if depth += int(mark); depth == 0 {
			return i
		}
	}
	return len(b)
}

// skipString returns the index after the quote that ends the string starting at start, or len(b). It looks for near quotes
// itself: bytes.IndexByte is faster over long texts only.
func skipString(b []byte, start int) int {
	for i := start; ; {
		i = nextQuote(b, i) + 1
		if i > len(b) {
			return len(b)
		}
		if b[i-2] != '\\' || !escaped(b[start:i-1]) {
			return i
		}
	}
}

// nextQuote returns the index of the next quote, or len(b).
func nextQuote(b []byte, i int) int {
	for n := 0; n < 3 && i+6 <= len(b); n++ {
		w := b[i : i+6 : i+6]
		switch byte('"') {
		case w[0]:
			return i
		case w[1]:
			return i + 1
		case w[2]:
			return i + 2
		case w[3]:
			return i + 3
		case w[4]:
			return i + 4
		case w[5]:
			return i + 5
		}
		i += 6
	}
	if n := bytes.IndexByte(b[i:], '"'); n >= 0 {
		return i + n
	}
	return len(b)
}

// stringEnd returns the index after the quote that ends the string starting at start, or -1. nonCanonical is as in
// Value. It looks at eight bytes in one go.
func stringEnd(b []byte, start int) (end int, nonCanonical bool) {
	for i := start; ; {
		for i+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[i : i+8 : i+8])
			found := zeroMarks(word^eachByte*'"') | zeroMarks(word^eachByte*'\\')
			if found != 0 {
				i += bits.TrailingZeros64(found) / 8
				break
			}
			i += 8
		}
		switch {
		case i >= len(b):
			return -1, nonCanonical
		case b[i] == '"':
			return i + 1, nonCanonical
		case b[i] == '\\':
			if i++; i < len(b) && (b[i] == 'u' || b[i] == '/') {
				nonCanonical = true
			}
		}
		i++
	}
}

// eachByte times a byte is that byte in all places.
const eachByte = 0x0101010101010101

// zeroMarks marks the lowest byte of a word that is 0, and maybe others above it.
func zeroMarks(word uint64) uint64 { return (word - eachByte) &^ word & (eachByte << 7) }
