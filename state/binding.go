package state

import (
	"encoding/binary"
	"fmt"

	"github.com/credbroker/credbroker/selector"
)

// bindingVersion is raised when an older broker would misread a binding.
const bindingVersion = 1

// Where the parts of a binding's form begin; the identity is the rest. Integers are big-endian, so that their bytes order
// as they do.
const (
	bindingSource   = 1
	bindingBound    = 2
	bindingEnds     = 10
	bindingGroup    = 18
	bindingIdentity = 34
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
	return sessionKeyAt(from), nil
}

func sessionKeyAt(from []byte) selector.SessionKey {
	return selector.SessionKey{Hi: binary.BigEndian.Uint64(from), Lo: binary.BigEndian.Uint64(from[8:])}
}

// AppendBinding appends what is kept of a binding beside its key.
func AppendBinding(to []byte, b *selector.BoundSession) []byte {
	to = append(to, bindingVersion, b.Source)
	to = binary.BigEndian.AppendUint64(to, uint64(b.Bound)) //nolint:gosec // the bits are kept
	to = binary.BigEndian.AppendUint64(to, uint64(b.Ends))  //nolint:gosec // the bits are kept
	to = AppendSessionKey(to, b.Group)
	return append(to, b.Identity...)
}

// ParseBinding reads what AppendBinding appends. The error is one of this package.
func ParseBinding(key selector.SessionKey, from []byte) (selector.BoundSession, error) {
	switch {
	case len(from) > 0 && from[0] > bindingVersion:
		return selector.BoundSession{}, fmt.Errorf("read the binding of %s, version %d: %w", key, from[0], ErrNewer)
	case len(from) < bindingIdentity || from[0] < 1:
		return selector.BoundSession{}, fmt.Errorf("read the binding of %s, %d bytes: %w", key, len(from), ErrDamaged)
	}
	return selector.BoundSession{
		Key: key, Source: from[bindingSource],
		Bound:    int64(binary.BigEndian.Uint64(from[bindingBound:])), //nolint:gosec // the bits are kept
		Ends:     int64(binary.BigEndian.Uint64(from[bindingEnds:])),  //nolint:gosec // the bits are kept
		Group:    sessionKeyAt(from[bindingGroup:]),
		Identity: string(from[bindingIdentity:]),
	}, nil
}
