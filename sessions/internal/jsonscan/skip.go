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
// why it looks at several bytes in one go, jumps, and looks for near quotes itself: bytes.IndexByte is faster over long
// texts only.
//
//nolint:gocognit // a hot loop: split, it takes a fifth longer
func skip(b []byte, i int) int {
	var mark int8
	var start, n int
	depth := 1
	for i < len(b) {
		for i+4 <= len(b) {
			w := b[i : i+4 : i+4]
			if mark = marks[w[0]]; mark != 0 {
				goto token
			}
			if mark = marks[w[1]]; mark != 0 {
				i++
				goto token
			}
			if mark = marks[w[2]]; mark != 0 {
				i += 2
				goto token
			}
			if mark = marks[w[3]]; mark != 0 {
				i += 3
				goto token
			}
			i += 4
		}
		if i == len(b) {
			break
		}
		mark = marks[b[i]]
	token:
		i++
		if mark != quotes {
			if depth += int(mark); depth == 0 {
				return i
			}
			continue
		}
		start = i
	string:
		for n = 0; n < 3 && i+6 <= len(b); n++ {
			w := b[i : i+6 : i+6]
			if w[0] == '"' {
				goto end
			}
			if w[1] == '"' {
				i++
				goto end
			}
			if w[2] == '"' {
				i += 2
				goto end
			}
			if w[3] == '"' {
				i += 3
				goto end
			}
			if w[4] == '"' {
				i += 4
				goto end
			}
			if w[5] == '"' {
				i += 5
				goto end
			}
			i += 6
		}
		if n = bytes.IndexByte(b[i:], '"'); n < 0 {
			return len(b)
		}
		i += n
	end:
		i++
		if b[i-2] == '\\' && escaped(b[start:i-1]) {
			goto string
		}
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
