package broker

import (
	"cmp"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"sync"
	"time"

	"github.com/dchest/siphash"

	"github.com/credbroker/credbroker/selector"
)

const (
	sealBytes = 16
	// maxSealAge is how long a pick id is good for.
	maxSealAge = 24 * time.Hour
	// maxSpent is how many pick ids that were reported are known at least, and half of how many at most.
	maxSpent = 1 << 17
	// sealInfo tells this use of a key from others.
	sealInfo = "credbroker pick id"
	// sealBuffer holds what is sealed of most picks. More costs an allocation.
	sealBuffer = 512
)

// seal is a MAC over a pick id and what it was made for.
type seal [sealBytes]byte

// cutSeal takes the seal off the bytes of an id, in which the version then tells nothing of it.
func cutSeal(raw []byte) (rest []byte, s seal, ok bool) {
	switch raw[0] {
	case pickIDVersion:
		return raw, s, true
	case sealedVersion:
		if at := len(raw) - sealBytes; at >= pickIDBytes {
			copy(s[:], raw[at:])
			return raw[:at], s, s != seal{}
		}
	}
	return nil, s, false
}

// seals tell the pick ids that this broker made for a caller from all others, and which of them were reported.
type seals struct {
	key [2]uint64

	mu sync.Mutex
	// Of the seals of reported ids the first half stands for all. Those of older are forgotten when newer is full.
	newer, older map[uint64]struct{}
}

// newSeals takes a secret that is long enough to be none else's guess; empty: one that ends with the process.
func newSeals(secret []byte) *seals {
	if len(secret) == 0 {
		secret = make([]byte, sealBytes)
		_, _ = rand.Read(secret) // it never fails
	}
	key, err := hkdf.Key(sha256.New, secret, nil, sealInfo, sealBytes)
	if err != nil {
		panic("derive the key of pick ids: " + err.Error()) // only of a length beyond 8,160 bytes
	}
	return &seals{
		key:   [2]uint64{binary.LittleEndian.Uint64(key), binary.LittleEndian.Uint64(key[8:])},
		newer: make(map[uint64]struct{}),
	}
}

// of a pick: its id, and which caller got which auth for which model. The identity is that which the auth has.
func (s *seals) of(id *PickID, caller string, auth *selector.Auth, model string) (sealed seal) {
	var buffer [sealBuffer]byte
	b := id.append(buffer[:0])
	// With the lengths behind, text can not move from one part into the next.
	n := len(b)
	parts := [...]string{caller, auth.ID, cmp.Or(auth.Identity, auth.ID), withoutPrefix(auth, selector.ModelKey(model))}
	for _, part := range parts {
		b = append(b, part...)
	}
	for _, part := range parts {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(part))) //nolint:gosec // the edge bounds them
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(n)) //nolint:gosec // at most maxPickID
	hi, lo := siphash.Hash128(s.key[0], s.key[1], b)
	binary.LittleEndian.PutUint64(sealed[:8], hi)
	binary.LittleEndian.PutUint64(sealed[8:], lo)
	return sealed
}

// good reports whether an id is that of a caller's pick of an auth for a model within the last day.
func (s *seals) good(id *PickID, caller string, auth *selector.Auth, model string, now time.Time) bool {
	if id.seal == (seal{}) || now.Sub(id.start) > maxSealAge {
		return false
	}
	want := s.of(id, caller, auth, model)
	return subtle.ConstantTimeCompare(want[:], id.seal[:]) == 1
}

// spend notes that an id was reported. False: it was before.
func (s *seals) spend(id *PickID) bool {
	key := binary.LittleEndian.Uint64(id.seal[:8])
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, spent := s.newer[key]; spent {
		return false
	}
	if _, spent := s.older[key]; spent {
		return false
	}
	if len(s.newer) >= maxSpent {
		s.older, s.newer = s.newer, make(map[uint64]struct{}, maxSpent)
	}
	s.newer[key] = struct{}{}
	return true
}
