package broker

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"sync/atomic"
	"time"

	"github.com/cespare/xxhash/v2"
)

// A pick id is, in base64url: the version, the start of the attempt in Unix nanoseconds, a number that is random for each
// process, a counter, and what the report of an answer must know of the request. It needs no memory of the pick, so a
// report may go to any replica. That of a caller is of the second version, and ends with a seal.
const (
	pickIDVersion = 1
	sealedVersion = 2
	pickIDBytes   = 1 + 8 + 6 + 6
	maxPickID     = pickIDBytes + maxContext + sealBytes

	mask48 = 1<<48 - 1
)

var errPickID = errors.New("is not the pick_id of a pick")

// PickID is what a pick id says. The zero value is that of a pick that nobody named.
type PickID struct {
	// start of the attempt.
	start time.Time
	// process that made the pick, 48 bits.
	process uint64
	// count of the process's picks, 48 bits.
	count uint64
	// context of the pick, as far as a report needs it.
	context pickContext
	// seal is that of a caller's pick; zero: there is none.
	seal seal
}

func (p *PickID) String() string {
	var raw [maxPickID]byte
	all := p.append(raw[:0])
	if p.seal != (seal{}) {
		all[0] = sealedVersion
		all = append(all, p.seal[:]...)
	}
	var text [(maxPickID + 2) / 3 * 4]byte
	return string(base64.RawURLEncoding.AppendEncode(text[:0], all))
}

// append adds all but the seal to b, which is empty and has room for it.
func (p *PickID) append(b []byte) []byte {
	b = b[:pickIDBytes]
	p.put(b)
	return p.context.append(b)
}

// put writes what tells the pick from all others, in pickIDBytes.
func (p *PickID) put(raw []byte) {
	raw[0] = pickIDVersion
	binary.BigEndian.PutUint64(raw[1:], uint64(p.start.UnixNano()))
	putUint48(raw[9:15], p.process)
	putUint48(raw[15:21], p.count)
}

// attempt is which of its client's request it was, from 1.
func (p *PickID) attempt() int { return max(1, int(p.context.Attempt)) }

// tag stands for the client's request: a hash of its first pick's id; 0: that of a pick that nobody named.
func (p *PickID) tag() uint64 {
	switch {
	case p.start.IsZero():
		return 0
	case p.context.Tag != 0:
		return p.context.Tag
	}
	var raw [pickIDBytes]byte
	p.put(raw[:])
	return max(1, xxhash.Sum64(raw[:]))
}

// next is the context of the pick that follows p in the attempts of one request, of which at least tried were made.
func (p *PickID) next(context *pickContext, tried int) {
	if p.start.IsZero() {
		return
	}
	context.Attempt = uint8(min(max(p.attempt(), tried)+1, math.MaxUint8)) //nolint:gosec // it is bounded
	context.Tag = p.tag()
}

// ParsePickID reads what String gives.
func ParsePickID(text string) (PickID, error) {
	if len(text) > base64.RawURLEncoding.EncodedLen(maxPickID) {
		return PickID{}, errPickID
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < pickIDBytes || len(text) != base64.RawURLEncoding.EncodedLen(len(raw)) { // line breaks are ignored
		return PickID{}, errPickID
	}
	raw, sealed, ok := cutSeal(raw)
	if !ok {
		return PickID{}, errPickID
	}
	context, ok := parseContext(raw[pickIDBytes:])
	if !ok {
		return PickID{}, errPickID
	}
	return PickID{
		start:   time.Unix(0, int64(binary.BigEndian.Uint64(raw[1:]))), //nolint:gosec // what String turned around
		process: uint48(raw[9:15]),
		count:   uint48(raw[15:21]),
		context: context,
		seal:    sealed,
	}, nil
}

func putUint48(b []byte, n uint64) {
	binary.BigEndian.PutUint16(b, uint16(n>>32)) //nolint:gosec // n has 48 bits
	binary.BigEndian.PutUint32(b[2:], uint32(n)) //nolint:gosec // the lower ones
}

func uint48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

// pickIDs makes ids of picks that no other process makes.
type pickIDs struct {
	process uint64
	count   atomic.Uint64
}

func newPickIDs() *pickIDs {
	var b [8]byte
	// Read never fails: it ends the process where there is no randomness.
	_, _ = rand.Read(b[:])
	return &pickIDs{process: binary.BigEndian.Uint64(b[:]) & mask48}
}

// next makes the id of a pick whose attempt starts at start, without a seal.
func (s *pickIDs) next(start time.Time, context pickContext) PickID {
	return PickID{start: start, process: s.process, count: s.count.Add(1) & mask48, context: context}
}
