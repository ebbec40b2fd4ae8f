package bindings

import (
	"encoding/binary"

	"github.com/dchest/siphash"

	"github.com/credbroker/credbroker/selector"
)

// keyBuffer holds the longest provider, session id and model that a request may carry, and their lengths. Longer ones
// cost an allocation.
const keyBuffer = 64 + 300 + 256 + 2*8

// Key is the session's name in the table: a keyed hash of the three parts. Equal parts give equal keys for one
// Config.HashKey; no other id can be made to have the same key without knowing it.
func (t *Table) Key(provider, id, modelKey string) selector.SessionKey {
	var buffer [keyBuffer]byte
	// With the lengths in front, text can not move from one part into the next.
	b := binary.LittleEndian.AppendUint64(buffer[:0], uint64(len(provider)))
	b = binary.LittleEndian.AppendUint64(b, uint64(len(id)))
	b = append(b, provider...)
	b = append(b, id...)
	b = append(b, modelKey...)
	hi, lo := siphash.Hash128(t.hashKey[0], t.hashKey[1], b)
	return selector.SessionKey{Hi: hi, Lo: lo}
}
