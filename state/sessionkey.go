package state

import (
	"encoding/binary"
	"fmt"

	"github.com/credbroker/credbroker/selector"
)

// SessionKeySize is the length of what AppendSessionKey appends.
const SessionKeySize = 16

// AppendSessionKey appends the bytes that a binding is kept under.
func AppendSessionKey(to []byte, key selector.SessionKey) []byte {
	to = binary.BigEndian.AppendUint64(to, key.Hi)
	return binary.BigEndian.AppendUint64(to, key.Lo)
}

// ParseSessionKey reads what AppendSessionKey appends. The error is ErrDamaged.
func ParseSessionKey(from []byte) (selector.SessionKey, error) {
	if len(from) != SessionKeySize {
		return selector.SessionKey{}, fmt.Errorf("read a session key of %d bytes: %w", len(from), ErrDamaged)
	}
	return selector.SessionKey{Hi: binary.BigEndian.Uint64(from), Lo: binary.BigEndian.Uint64(from[8:])}, nil
}
