package redis

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

// The forms of a binding in the store, as announce.lua describes them. Its end is the key's expiry, so that prolonging it
// rewrites nothing, and the group is left out where it is the key itself, as it is for most. A caller's name has at most 255
// bytes.
const (
	bare    = 1
	grouped = 2
	// withCaller is added to both for a binding that has a caller.
	withCaller = 2
	maxForm    = grouped + withCaller
	// signed is added to each for a binding that carries a MAC, which stands before the caller or identity.
	signed        = maxForm
	maxSignedForm = maxForm + signed
)

// Where the parts of a binding's forms begin.
const (
	bindingSource   = 1
	bindingBound    = 2
	bindingIdentity = 10
)

func formatBinding(b *state.BoundSession) string {
	to := make([]byte, 0, bindingIdentity+len(b.Identity)+state.SessionKeySize)
	to = append(to, bare, b.Source)
	to = binary.BigEndian.AppendUint64(to, uint64(b.Bound)) //nolint:gosec // the bits are kept
	if caller := b.Caller[:min(len(b.Caller), math.MaxUint8)]; caller != "" {
		to[0] += withCaller
		to = append(append(to, byte(len(caller))), caller...) //nolint:gosec // it was cut
	}
	to = append(to, b.Identity...)
	if b.Group != b.Key {
		to[0] += grouped - bare
		to = state.AppendSessionKey(to, b.Group)
	}
	return string(to)
}

// signBinding is formatBinding with a MAC, if the fleet has a secret.
func (m *macs) signBinding(b *state.BoundSession) string {
	value := formatBinding(b)
	if m == nil {
		return value
	}
	mac := m.ofBinding(b)
	to := make([]byte, 0, len(value)+macSize)
	to = append(append(append(to, value[:bindingIdentity]...), mac[:]...), value[bindingIdentity:]...)
	to[0] += signed
	return string(to)
}

// splitMAC takes the MAC out of a value that carries one.
func splitMAC(value string) (plain, mac string) {
	if value == "" || value[0] <= maxForm || value[0] > maxSignedForm {
		return value, ""
	}
	if len(value) < bindingIdentity+macSize {
		return string(rune(value[0]-signed)) + value[1:min(len(value), bindingIdentity-1)], "" // damaged
	}
	mac = value[bindingIdentity : bindingIdentity+macSize]
	return string(rune(value[0]-signed)) + value[1:bindingIdentity] + value[bindingIdentity+macSize:], mac
}

// readBinding reads a binding, and checks its MAC.
func (m *macs) readBinding(key selector.SessionKey, ends int64, value string) (state.BoundSession, error) {
	value, mac := splitMAC(value)
	b, err := parseBinding(key, ends, value)
	if err == nil {
		err = m.checkBinding(&b, mac)
	}
	return b, err
}

func parseBinding(key selector.SessionKey, ends int64, value string) (state.BoundSession, error) {
	b := state.BoundSession{Key: key, Group: key, Ends: ends * int64(time.Millisecond)}
	if ends < 0 || ends > math.MaxInt64/int64(time.Millisecond) {
		return b, fmt.Errorf("read the binding of %s, its end %d: %w", key, ends, state.ErrDamaged)
	}
	form, end, identity := byte(0), len(value), bindingIdentity
	if end > 0 {
		form = value[0]
	}
	if form > maxForm {
		return b, fmt.Errorf("read the binding of %s, form %d: %w", key, form, state.ErrNewer)
	}
	if form > withCaller && end > identity {
		identity += 1 + int(value[identity])
		form -= withCaller
	}
	if form == grouped {
		end -= state.SessionKeySize
	}
	if end < identity {
		return b, fmt.Errorf("read the binding of %s, %d bytes: %w", key, len(value), state.ErrDamaged)
	}
	if identity > bindingIdentity {
		b.Caller = value[bindingIdentity+1 : identity]
	}
	b.Source = value[bindingSource]
	b.Bound = int64(binary.BigEndian.Uint64([]byte(value[bindingBound:bindingIdentity]))) //nolint:gosec // the bits are kept
	b.Identity = value[identity:end]
	if end < len(value) {
		group, err := state.ParseSessionKey([]byte(value[end:]))
		if err != nil {
			return b, err
		}
		b.Group = group
	}
	return b, nil
}

// parseMoved reads a binding as the log carries it, and checks its MAC.
func (m *macs) parseMoved(text string) (state.BoundSession, error) {
	const head = state.SessionKeySize + 8
	if len(text) < head {
		return state.BoundSession{}, fmt.Errorf("read what moved, %d bytes: %w", len(text), state.ErrDamaged)
	}
	key, err := state.ParseSessionKey([]byte(text[:state.SessionKeySize]))
	if err != nil {
		return state.BoundSession{}, err
	}
	ends := int64(binary.BigEndian.Uint64([]byte(text[state.SessionKeySize:head]))) //nolint:gosec // the bits are kept
	return m.readBinding(key, ends, text[head:])
}

// formatEnd is an end for the server, which knows milliseconds: rounded up, so that nothing ends early.
func formatEnd(ends int64) string {
	return strconv.FormatInt((ends+int64(time.Millisecond)-1)/int64(time.Millisecond), 10)
}
