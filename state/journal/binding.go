package journal

import (
	"cmp"
	"encoding/binary"
	"math"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

// bindingVersion is raised when an older broker would misread a binding. Beside the form of package state, this one has a
// number for the identity, and the group only where it is another id's key: there are a million of them.
const bindingVersion = 1

// Where the parts of a binding begin.
const (
	bindingSource   = 1
	bindingBound    = 2
	bindingEnds     = 10
	bindingIdentity = 18
	bindingGroup    = 22
	bindingSize     = bindingGroup + state.SessionKeySize
)

func formatBinding(b *state.BoundSession, identity uint32) []byte {
	value := make([]byte, 0, bindingSize)
	value = append(value, bindingVersion, b.Source)
	value = binary.BigEndian.AppendUint64(value, uint64(b.Bound)) //nolint:gosec // the bits are kept
	value = binary.BigEndian.AppendUint64(value, uint64(b.Ends))  //nolint:gosec // the bits are kept
	value = binary.BigEndian.AppendUint32(value, identity)
	if b.Group != b.Key {
		value = state.AppendSessionKey(value, b.Group)
	}
	return value
}

// parseBinding reads what formatBinding gives. False: it is damaged, or a newer broker's.
func parseBinding(key, value []byte, identities []string) (b state.BoundSession, ok bool) {
	if len(value) != bindingGroup && len(value) != bindingSize || value[0] != bindingVersion {
		return b, false
	}
	id, err := state.ParseSessionKey(key)
	number := int(binary.BigEndian.Uint32(value[bindingIdentity:]))
	if err != nil || number >= len(identities) || identities[number] == "" {
		return b, false
	}
	b = state.BoundSession{
		Key: id, Group: id, Source: value[bindingSource], Identity: identities[number],
		Bound: int64(binary.BigEndian.Uint64(value[bindingBound:])), //nolint:gosec // the bits are kept
		Ends:  int64(binary.BigEndian.Uint64(value[bindingEnds:])),  //nolint:gosec // the bits are kept
	}
	if len(value) == bindingSize {
		b.Group, err = state.ParseSessionKey(value[bindingGroup:])
	}
	return b, err == nil
}

// endOf a sealed binding. One that cannot be read does not end: Load says that it is there.
func endOf(sealed []byte) int64 {
	if len(sealed) < sumSize+bindingIdentity {
		return math.MaxInt64
	}
	return int64(binary.BigEndian.Uint64(sealed[sumSize+bindingEnds:])) //nolint:gosec // the bits are kept
}

func compareKeys(a, b selector.SessionKey) int {
	return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
}
