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

// skip returns the index after the bracket that closes the one before i, or len(b). Most of the time goes here.
func skip(b []byte, i int) int {
	for depth := 1; i < len(b); {
		mark := marks[b[i]]
		i++
		switch mark {
		case 0:
		case quotes:
			end := nearQuote(b, i)
			if end == len(b) || b[end] != '"' || b[end-1] == '\\' {
				end = quoteBehind(b, i, end)
			}
			i = end + 1
		default:
			if depth += int(mark); depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// nearQuote returns the index of the next quote, or one up to which there is none. It is small, so that names and other
// short strings cost no call.
func nearQuote(b []byte, i int) int {
	for near := min(len(b), i+24); i < near && b[i] != '"'; {
		i++
	}
	return i
}

// quoteBehind returns the index of the quote that ends the string starting at start, or len(b). Before i there is none.
func quoteBehind(b []byte, start, i int) int {
	for {
		if i < len(b) && b[i] != '"' {
			n := bytes.IndexByte(b[i:], '"')
			if n < 0 {
				return len(b)
			}
			i += n
		}
		if i >= len(b) || b[i-1] != '\\' || !escaped(b[start:i]) {
			return i
		}
		i = nearQuote(b, i+1)
	}
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
