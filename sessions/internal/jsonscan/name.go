package jsonscan

import "bytes"

// named reports whether a name, as it stands in the source, is want, which has no escapes.
func named(raw []byte, want string) bool {
	if len(raw) <= len(want) {
		return string(raw) == want
	}
	if raw[0] != '\\' && (want == "" || raw[0] != want[0]) {
		return false
	}
	var buf NameBuffer
	return string(buf.Decode(raw)) == want
}

// NameBuffer has room for any name that somebody looks for.
type NameBuffer [32]byte

// Decode is a name without its escapes, or something that no such name equals if it is too long to be one.
func (b *NameBuffer) Decode(raw []byte) []byte {
	const longestEscape = len(`\u0000`)
	if len(raw) > longestEscape*len(b) || bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	return b[:Text{rest: raw, escapes: true}.Head(b[:])]
}
