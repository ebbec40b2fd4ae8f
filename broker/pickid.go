package broker

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"sync/atomic"
	"time"
)

// A pick id is, in base64url: the version, the start of the attempt in Unix nanoseconds, a number that is random for each
// process, a counter, and what the report of an answer must know of the request. It needs no memory of the pick, so a
// report may go to any replica.
const (
	pickIDVersion = 1
	pickIDBytes   = 1 + 8 + 6 + 6

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
}

func (p *PickID) String() string {
	var raw [pickIDBytes + maxContext]byte
	raw[0] = pickIDVersion
	binary.BigEndian.PutUint64(raw[1:], uint64(p.start.UnixNano()))
	putUint48(raw[9:15], p.process)
	putUint48(raw[15:21], p.count)
	all := p.context.append(raw[:pickIDBytes])
	var text [(pickIDBytes + maxContext + 2) / 3 * 4]byte
	return string(base64.RawURLEncoding.AppendEncode(text[:0], all))
}

// ParsePickID reads what String gives.
func ParsePickID(text string) (PickID, error) {
	if len(text) > base64.RawURLEncoding.EncodedLen(pickIDBytes+maxContext) {
		return PickID{}, errPickID
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < pickIDBytes || raw[0] != pickIDVersion ||
		len(text) != base64.RawURLEncoding.EncodedLen(len(raw)) { // line breaks are ignored
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

// next makes the id of a pick whose attempt starts at start.
func (s *pickIDs) next(start time.Time, context pickContext) string {
	p := PickID{start: start, process: s.process, count: s.count.Add(1) & mask48, context: context}
	return p.String()
}
