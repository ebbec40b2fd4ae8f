package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/state"
)

// sumSize is the length of the checksum in front of a value.
const sumSize = 4

// seal puts a checksum of a key and its value in front of the value.
func seal(key, value []byte) []byte {
	sealed := make([]byte, 0, sumSize+len(value))
	return append(binary.BigEndian.AppendUint32(sealed, checksum(key, value)), value...)
}

// unseal returns the value that was sealed. False: it is not what was written.
func unseal(key, sealed []byte) (value []byte, ok bool) {
	if len(sealed) < sumSize || sumOf(sealed) != checksum(key, sealed[sumSize:]) {
		return nil, false
	}
	return sealed[sumSize:], true
}

func checksum(key, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum(key, table), table, value)
}

// sumOf a sealed value.
func sumOf(sealed []byte) uint32 {
	if len(sealed) < sumSize {
		return 0
	}
	return binary.BigEndian.Uint32(sealed)
}

// tally is how many values a bucket holds and the sum of their checksums: nothing goes missing unseen, and no old value
// comes back.
type tally struct{ count, sum uint64 }

func (t *tally) add(sealed []byte) {
	t.count++
	t.sum += uint64(sumOf(sealed))
}

// remove takes a value out; nil: there is none.
func (t *tally) remove(sealed []byte) {
	if sealed != nil {
		t.count--
		t.sum -= uint64(sumOf(sealed))
	}
}

// readTally reads what is kept in the head under the name of a bucket. Without a word there are no values.
func readTally(tx *bbolt.Tx, bucket string) (t tally, err error) {
	kept := tx.Bucket([]byte(bucketMeta)).Get([]byte(bucket))
	if kept == nil {
		return t, nil
	}
	value, ok := unseal([]byte(bucket), kept)
	if !ok || len(value) != 16 {
		return t, fmt.Errorf("the count of %s is not what was written: %w", bucket, state.ErrDamaged)
	}
	return tally{binary.BigEndian.Uint64(value), binary.BigEndian.Uint64(value[8:])}, nil
}

// tallied is a bucket whose values are sealed and counted.
type tallied struct {
	name         string
	bucket       *bbolt.Bucket
	tally, begin tally
	err          error // the first one; nothing is written after it
}

func openTallied(tx *bbolt.Tx, name string) *tallied {
	t, err := readTally(tx, name)
	return &tallied{name, tx.Bucket([]byte(name)), t, t, err}
}

// put seals and writes a value.
func (t *tallied) put(key, value []byte) { t.replace(key, t.bucket.Get(key), value) }

// change is replace that writes only what is another value.
func (t *tallied) change(key, kept, value []byte) {
	if kept == nil || !bytes.Equal(value, kept[sumSize:]) {
		t.replace(key, kept, value)
	}
}

// replace is put where it is known what is kept; nil: nothing is.
func (t *tallied) replace(key, kept, value []byte) {
	sealed := seal(key, value)
	t.tally.remove(kept)
	t.tally.add(sealed)
	if t.err == nil {
		t.err = t.bucket.Put(key, sealed)
	}
}

// remove removes a value, if there is one.
func (t *tallied) remove(key []byte) {
	if kept := t.bucket.Get(key); kept != nil && t.err == nil {
		t.tally.remove(kept)
		t.err = t.bucket.Delete(key)
	}
}

// done writes the tally down if it changed, and returns what went wrong so far. Call it when all is written.
func (t *tallied) done(tx *bbolt.Tx) error {
	if t.err != nil || t.tally == t.begin {
		return t.err
	}
	value := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, t.tally.count), t.tally.sum)
	return tx.Bucket([]byte(bucketMeta)).Put([]byte(t.name), seal([]byte(t.name), value))
}
