package bindings

import (
	"encoding/binary"

	"github.com/dchest/siphash"

	"github.com/credbroker/credbroker/selector"
)

// keyBuffer holds the longest provider, session id and model that a request may carry, a caller's name, and their lengths.
// Longer ones cost an allocation.
const keyBuffer = 64 + 300 + 256 + 64 + 3*8

// ofCaller is set in the first length of a key that has a caller.
const ofCaller = 1 << 63

// Key is the name in the table of a session that is no caller's: a keyed hash of the three parts. Equal parts give equal keys
// for one Config.HashKey; no other id can be made to have the same key without knowing it.
func (t *Table) Key(provider, id, modelKey string) selector.SessionKey {
	return t.KeyOf("", provider, id, modelKey)
}

// KeyOf is the name in the table of a caller's session; without a caller it is that of Key. Equal ids of two callers have
// different keys.
func (t *Table) KeyOf(caller, provider, id, modelKey string) selector.SessionKey {
	var buffer [keyBuffer]byte
	// With the lengths in front, text can not move from one part into the next.
	first := uint64(len(provider))
	if caller != "" {
		first |= ofCaller
	}
	b := binary.LittleEndian.AppendUint64(buffer[:0], first)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(id)))
	if caller != "" {
		b = binary.LittleEndian.AppendUint64(b, uint64(len(caller)))
		b = append(b, caller...)
	}
	b = append(b, provider...)
	b = append(b, id...)
	b = append(b, modelKey...)
	hi, lo := siphash.Hash128(t.hashKey[0], t.hashKey[1], b)
	return selector.SessionKey{Hi: hi, Lo: lo}
}
