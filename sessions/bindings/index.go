package bindings

import (
	"encoding/binary"
	"math/bits"

	"github.com/credbroker/credbroker/selector"
)

const (
	bucketSlots = 12
	// maxIndexDepth is past what any number of hashes needs: a billion ids take 21.
	maxIndexDepth = 26
)

// segmentBuckets are the sizes that a segment has in turn before it is split into two of the first size: 4 and 6 KiB,
// which the allocator gives without loss.
var segmentBuckets = [...]int{64, 96}

// idIndex finds the record of a session id. It is an extendible hash table: a directory of segments, each of which grows
// and is split by itself, so that no step takes long.
type idIndex struct {
	directory []*indexSegment // by the first depth bits of the hash
	depth     int
}

type indexSegment struct {
	buckets []indexBucket
	used    int
	size    int // index in segmentBuckets
	depth   int // how many first bits of the hash its ids share
}

// indexBucket fills one cache line. An id whose bucket is full is in the next one that is not. Tags are compared all at
// once: a search one by one would end at a place that the processor can not predict, and that costs more than the
// search, for it then waits for this line before it asks for the next.
type indexBucket struct {
	tags   [bucketSlots]uint8 // of the hash; 0: empty
	passed uint32             // ids that are in a later bucket because this one was full
	ids    [bucketSlots]uint32
}

// matches returns the slots that have a tag, as bits for firstMatch.
func (b *indexBucket) matches(tag uint8) uint64 {
	low := binary.LittleEndian.Uint64(b.tags[:8]) ^ uint64(tag)*0x0101010101010101
	high := uint64(binary.LittleEndian.Uint32(b.tags[8:])^uint32(tag)*0x01010101) | 0xffffffff<<32
	return zeroBytes(low)>>7 | zeroBytes(high)>>6
}

// zeroBytes returns the top bit of every byte that is zero.
func zeroBytes(x uint64) uint64 {
	const rest = 0x7f7f7f7f7f7f7f7f // the other bits of a byte; added, they carry into the top one unless all are 0
	return ^((x&rest + rest) | x | rest)
}

// firstMatch is the slot of the lowest bit of what matches returned.
func firstMatch(matches uint64) int {
	bit := bits.TrailingZeros64(matches)
	return bit>>3 | bit&1<<3
}

// indexHash is what the index goes by. Keys are hashes already; it spreads hand-made ones as well.
func indexHash(key selector.SessionKey) uint64 {
	x := key.Hi*0x9e3779b97f4a7c15 + key.Lo
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	return x ^ x>>32
}

// indexTag is the last byte of the hash, but not 0.
func indexTag(hash uint64) uint8 { return uint8(max(hash&0xff, 1)) }

// home is where the search for a hash begins. The bits that decide are neither those of the tag nor of the directory.
func (s *indexSegment) home(hash uint64) int {
	return int(hash >> 8 & 0xffff * uint64(len(s.buckets)) >> 16)
}

func (s *indexSegment) next(i int) int {
	if i++; i == len(s.buckets) {
		return 0
	}
	return i
}

// full leaves every sixth slot free, so that few ids pass their bucket.
func (s *indexSegment) full() bool { return s.used >= len(s.buckets)*bucketSlots*5/6 }

func (s *indexSegment) add(hash uint64, number uint32) {
	for i := s.home(hash); ; i = s.next(i) {
		b := &s.buckets[i]
		if empty := b.matches(0); empty != 0 {
			slot := firstMatch(empty)
			b.tags[slot], b.ids[slot] = indexTag(hash), number
			s.used++
			return
		}
		b.passed++
	}
}

func (s *indexSegment) remove(hash uint64, number uint32) {
	for i := s.home(hash); ; i = s.next(i) {
		b := &s.buckets[i]
		for m := b.matches(indexTag(hash)); m != 0; m &= m - 1 {
			if slot := firstMatch(m); b.ids[slot] == number {
				b.tags[slot], b.ids[slot] = 0, 0
				s.used--
				return
			}
		}
		b.passed--
	}
}

// reserve makes an index that is empty large enough for so many ids, so that it need not grow in steps.
func (x *idIndex) reserve(ids int) {
	// Segments differ in how many they get; with a fifth to spare few have to grow.
	comfortable := segmentBuckets[0] * bucketSlots * 2 / 3
	if len(x.directory) > 0 || ids <= comfortable {
		return
	}
	for ids>>x.depth > comfortable && x.depth < maxIndexDepth {
		x.depth++
	}
	x.directory = make([]*indexSegment, 1<<x.depth)
	for i := range x.directory {
		x.directory[i] = newIndexSegment(0, x.depth)
	}
}

func (x *idIndex) segment(hash uint64) *indexSegment {
	return x.directory[hash>>(64-x.depth)]
}

// findID returns the number of the id record of a key, 0 if there is none.
func (r *records) findID(key selector.SessionKey) uint32 {
	if len(r.index.directory) == 0 {
		return 0
	}
	hash := indexHash(key)
	s := r.index.segment(hash)
	for i := s.home(hash); ; i = s.next(i) {
		b := &s.buckets[i]
		for m := b.matches(indexTag(hash)); m != 0; m &= m - 1 {
			if number := b.ids[firstMatch(m)]; r.id(number).key == key {
				return number
			}
		}
		if b.passed == 0 {
			return 0
		}
	}
}

// addID adds the id record of a key that find does not find.
func (r *records) addID(number uint32) {
	x := &r.index
	if len(x.directory) == 0 {
		x.directory = []*indexSegment{newIndexSegment(0, 0)}
	}
	hash := indexHash(r.id(number).key)
	for x.segment(hash).full() {
		r.growSegment(hash)
	}
	x.segment(hash).add(hash, number)
}

func (r *records) removeID(number uint32) {
	hash := indexHash(r.id(number).key)
	r.index.segment(hash).remove(hash, number)
}

func newIndexSegment(size, depth int) *indexSegment {
	return &indexSegment{buckets: make([]indexBucket, segmentBuckets[size]), size: size, depth: depth}
}

// growSegment gives the segment of a hash the next size, or divides it by one more bit.
func (r *records) growSegment(hash uint64) {
	x := &r.index
	old := x.segment(hash)
	if old.size+1 < len(segmentBuckets) {
		bigger := newIndexSegment(old.size+1, old.depth)
		r.spread(old, [2]*indexSegment{bigger, bigger})
		*old = *bigger
		return
	}
	if old.depth == maxIndexDepth {
		// Only keys that are no hashes come here: Table.Key was not used.
		panic("bindings: too many keys with the same hash")
	}
	if old.depth == x.depth {
		x.double()
	}
	half := [2]*indexSegment{newIndexSegment(0, old.depth+1), newIndexSegment(0, old.depth+1)}
	r.spread(old, half)
	span := 1 << (x.depth - old.depth)             // places of the old segment in the directory
	first := int(hash>>(64-x.depth)) &^ (span - 1) //nolint:gosec // at most maxIndexDepth bits
	for i := range span {
		x.directory[first+i] = half[i*2/span]
	}
}

// spread adds the ids of a segment to two others, by the first bit of the hash that they do not share.
func (r *records) spread(from *indexSegment, into [2]*indexSegment) {
	for i := range from.buckets {
		for _, number := range from.buckets[i].ids {
			if number != 0 {
				hash := indexHash(r.id(number).key)
				into[hash>>(63-from.depth)&1].add(hash, number)
			}
		}
	}
}

func (x *idIndex) double() {
	twice := make([]*indexSegment, 2*len(x.directory))
	for i, s := range x.directory {
		twice[2*i], twice[2*i+1] = s, s
	}
	x.directory = twice
	x.depth++
}
