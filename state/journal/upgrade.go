package journal

import (
	"cmp"
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/state"
)

// copiedAtOnce is how many values one transaction copies.
const copiedAtOnce = 1 << 14

// addScopes makes a file of format 2 one of this format. A broker that knows format 2 refuses it from then on.
func (f *file) addScopes() error {
	return f.update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucket([]byte(bucketScopes)); err != nil {
			return err
		}
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFormat), []byte{format})
	})
}

// upgrade puts a file of this format in the place of one of format 1, with all that was in it. In format 1 only records have a
// checksum, and only records are counted.
func (j *Journal) upgrade() error {
	old := j.file
	next, err := write(j.path, func(f *file) error { return old.view(f.copyFormat1) })
	if err != nil {
		return err
	}
	if err := next.replace(j.path); err != nil {
		next.discard()
		return err
	}
	j.file = next
	return old.close()
}

func (f *file) copyFormat1(old *bbolt.Tx) error {
	for _, name := range buckets() {
		if name == bucketMeta || name == bucketScopes {
			continue
		}
		copied, err := f.copyBucket(old, name)
		if err != nil {
			return err
		}
		count := old.Bucket([]byte(bucketMeta)).Get([]byte(name))
		if len(count) == 8 && binary.BigEndian.Uint64(count) != copied {
			return fmt.Errorf("%d %s are there of %d: %w", copied, name, binary.BigEndian.Uint64(count), state.ErrDamaged)
		}
	}
	return nil
}

func (f *file) copyBucket(old *bbolt.Tx, name string) (copied uint64, err error) {
	cursor := old.Bucket([]byte(name)).Cursor()
	for key, value := cursor.First(); err == nil && key != nil; {
		err = f.update(func(tx *bbolt.Tx) error {
			to := openTallied(tx, name)
			for n := 0; key != nil && n < copiedAtOnce; n++ {
				to.putFormat1(key, value)
				key, value = cursor.Next()
			}
			copied = to.tally.count
			return to.done(tx)
		})
	}
	return copied, err
}

// putFormat1 writes a value of format 1.
func (t *tallied) putFormat1(key, value []byte) {
	ok := true
	if t.name == bucketRecords {
		value, ok = unseal(key, value)
	}
	if !ok {
		t.err = cmp.Or(t.err, errRecord(key))
		return
	}
	t.put(key, value)
}
