package sessions

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/cespare/xxhash/v2"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// The digests here are published: clients compute them as well, in other languages. docs/sessions.md states them and
// testdata/digests.json has examples. A change of any makes every conversation a new one and every client wrong.

// mix is the step that all digests of more than a text are made of: XXH64 of a letter and two numbers, little-endian.
func mix(letter byte, a, b uint64) uint64 {
	var block [17]byte
	block[0] = letter
	binary.LittleEndian.PutUint64(block[1:], a)
	binary.LittleEndian.PutUint64(block[9:], b)
	return xxhash.Sum64(block[:])
}

// textSum is the digest of a text: XXH64 of it as the shortest JSON string says it, between the quotes. Nearly all JSON
// comes in that form, so nearly no text has to be rewritten.
func textSum(v jsonscan.Value) uint64 {
	if !v.NonCanonical {
		return xxhash.Sum64(v.Raw)
	}
	var d xxhash.Digest
	d.Reset()
	writeText(&d, v)
	return d.Sum64()
}

// nameSum is textSum of a member's name.
func nameSum(raw []byte) uint64 {
	return textSum(jsonscan.Value{Kind: jsonscan.String, Raw: raw, NonCanonical: bytes.IndexByte(raw, '\\') >= 0})
}

// writeText adds a text to a digest.
func writeText(d *xxhash.Digest, v jsonscan.Value) {
	if !v.NonCanonical {
		_, _ = d.Write(v.Raw)
		return
	}
	// Pieces between escapes are short: gathered, they cost the digest one call instead of many.
	var buf [1024]byte
	gathered := buf[:0]
	for raw := v.Raw; len(raw) > 0; {
		plain := bytes.IndexByte(raw, '\\')
		if plain < 0 {
			plain = len(raw)
		}
		if len(gathered)+plain+longestEscape > len(buf) {
			_, _ = d.Write(gathered)
			gathered = buf[:0]
		}
		if plain+longestEscape > len(buf) {
			_, _ = d.Write(raw[:plain])
		} else {
			gathered = append(gathered, raw[:plain]...)
		}
		if raw = raw[plain:]; len(raw) > 0 {
			char, size := jsonscan.Unescape(raw)
			gathered = appendEscape(gathered, char)
			raw = raw[size:]
		}
	}
	_, _ = d.Write(gathered)
}

// longestEscape is how many bytes appendEscape adds at most.
const longestEscape = len(`\u0000`)

// appendEscape adds a character as the shortest JSON string has it.
func appendEscape(dst []byte, char rune) []byte {
	switch char {
	case '"', '\\':
		return append(dst, '\\', byte(char))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if char < ' ' {
		const digits = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', digits[char>>4], digits[char&15])
	}
	return utf8.AppendRune(dst, char)
}

// appendText is dst with a text behind it, its escapes decoded.
func appendText(dst, raw []byte) []byte {
	for {
		plain := bytes.IndexByte(raw, '\\')
		if plain < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:plain]...)
		char, size := jsonscan.Unescape(raw[plain:])
		dst = utf8.AppendRune(dst, char)
		raw = raw[plain+size:]
	}
}

// numberSum is the digest of a number: of the bits of the nearest double, so that 1, 1.0 and 1e0 are one.
func numberSum(raw []byte) uint64 {
	// What ParseFloat returns beside an error is meant, as in value.text. Adding 0 makes of a negative zero a zero.
	f, _ := strconv.ParseFloat(string(raw), 64)
	return mix('n', math.Float64bits(f+0), 0)
}
