package redis

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/dchest/siphash"

	"github.com/credbroker/credbroker/state"
)

// macSize is that of a MAC: keyed SipHash, 128 bits.
const macSize = 16

// errMAC is wrong with what none of those wrote who have the fleet's secret.
var errMAC = errors.New("it does not carry the MAC of the fleet's secret")

// macs make and check MACs. Nil: the fleet has no secret, so nothing is signed and everything is believed.
type macs struct{ records, bindings [2]uint64 }

func newMACs(secret []byte) (*macs, error) {
	if len(secret) == 0 {
		return nil, nil //nolint:nilnil // there is no secret
	}
	m := new(macs)
	for use, key := range map[string]*[2]uint64{"records": &m.records, "bindings": &m.bindings} {
		text, err := derive(secret, use)
		if err != nil {
			return nil, err
		}
		*key = [2]uint64{binary.LittleEndian.Uint64(text), binary.LittleEndian.Uint64(text[8:])}
	}
	return m, nil
}

// derive makes the key of one use of a secret.
func derive(secret []byte, use string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "credbroker fleet "+use, macSize)
	if err != nil {
		return nil, fmt.Errorf("derive the key of %s: %w", use, err)
	}
	return key, nil
}

func sum(key [2]uint64, text []byte) (mac [macSize]byte) {
	hi, lo := siphash.Hash128(key[0], key[1], text)
	binary.LittleEndian.PutUint64(mac[:8], hi)
	binary.LittleEndian.PutUint64(mac[8:], lo)
	return mac
}

// macSeparator stands between the tag of a record and its MAC.
const macSeparator = "."

// ofRecord is the MAC of a record, as its tag ends with it.
func (m *macs) ofRecord(field, tag, body string) string {
	text := make([]byte, 0, len(field)+len(tag)+len(body)+2*8)
	// With the lengths behind, text can not move from one part into the next.
	text = append(append(append(text, field...), tag...), body...)
	text = binary.LittleEndian.AppendUint64(text, uint64(len(field)))
	text = binary.LittleEndian.AppendUint64(text, uint64(len(tag)))
	mac := sum(m.records, text)
	return base64.RawURLEncoding.EncodeToString(mac[:])
}

// signRecord is the value of a record.
func (m *macs) signRecord(field, tag, body string) string {
	if m != nil {
		tag += macSeparator + m.ofRecord(field, tag, body)
	}
	return tag + " " + body
}

// checkRecord checks the MAC of a record.
func (m *macs) checkRecord(field, tag, body string) error {
	if m == nil {
		return nil
	}
	at := strings.LastIndex(tag, macSeparator)
	if at < 0 || subtle.ConstantTimeCompare([]byte(tag[at+1:]), []byte(m.ofRecord(field, tag[:at], body))) != 1 {
		return fmt.Errorf("the record of %.64q: %w", field, errMAC)
	}
	return nil
}

// ofBinding is the MAC of what a session is bound to, and since when: the scripts give that to further ids of the session, and move the
// end.
func (m *macs) ofBinding(b *state.BoundSession) [macSize]byte {
	var buffer [256]byte
	text := binary.LittleEndian.AppendUint64(buffer[:0], uint64(b.Bound)) //nolint:gosec // the bits are kept
	return sum(m.bindings, append(text, b.Identity...))
}

// checkBinding checks the MAC of a binding; empty: there is none.
func (m *macs) checkBinding(b *state.BoundSession, mac string) error {
	if m == nil {
		return nil
	}
	if want := m.ofBinding(b); subtle.ConstantTimeCompare(want[:], []byte(mac)) != 1 {
		return fmt.Errorf("the binding of %s: %w", b.Key, errMAC)
	}
	return nil
}
