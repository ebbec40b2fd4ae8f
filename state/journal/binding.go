package journal

import (
	"cmp"
	"encoding/binary"
	"math"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

// The versions of a binding. Each has a number for the identity, and the group only where it is another id's key: there are a
// million of them. What is of a caller ends with the caller's name, and its version says whether there is a group: an older
// broker leaves it out.
const (
	bindingVersion = 1
	callerVersion  = 2
	groupedVersion = 3 // a caller's, with a group
)

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
	value := make([]byte, 0, bindingSize+len(b.Caller))
	version := byte(bindingVersion)
	switch {
	case b.Caller == "":
	case b.Group == b.Key:
		version = callerVersion
	default:
		version = groupedVersion
	}
	value = append(value, version, b.Source)
	value = binary.BigEndian.AppendUint64(value, uint64(b.Bound)) //nolint:gosec // the bits are kept
	value = binary.BigEndian.AppendUint64(value, uint64(b.Ends))  //nolint:gosec // the bits are kept
	value = binary.BigEndian.AppendUint32(value, identity)
	if b.Group != b.Key {
		value = state.AppendSessionKey(value, b.Group)
	}
	return append(value, b.Caller...)
}

// cutCaller takes the caller's name off a binding. False: it is damaged, or a newer broker's.
func cutCaller(value []byte) (rest []byte, caller string, ok bool) {
	if len(value) < bindingGroup {
		return nil, "", false
	}
	end := bindingGroup
	switch value[0] {
	case bindingVersion:
		return value, "", len(value) == bindingGroup || len(value) == bindingSize
	case callerVersion:
	case groupedVersion:
		end = bindingSize
	default:
		return nil, "", false
	}
	if len(value) <= end {
		return nil, "", false
	}
	return value[:end], string(value[end:]), true
}

// parseBinding reads what formatBinding gives. False: it is damaged, or a newer broker's.
func parseBinding(key, value []byte, identities []string) (b state.BoundSession, ok bool) {
	value, caller, ok := cutCaller(value)
	if !ok {
		return b, false
	}
	id, err := state.ParseSessionKey(key)
	number := int(binary.BigEndian.Uint32(value[bindingIdentity:]))
	if err != nil || number >= len(identities) || identities[number] == "" {
		return b, false
	}
	b = state.BoundSession{
		Key: id, Group: id, Source: value[bindingSource], Caller: caller, Identity: identities[number],
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
