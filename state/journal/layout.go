package journal

import (
	"encoding/binary"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/state"
)

// format is the version of the file, raised when an older broker would misread it. A file with one record and one binding
// holds, bucket by bucket, where # is the checksum of a key and its value:
//
//	meta        format: 3, records: # 1 and the sum of all #, the same of scopes (1), keys (2), identities (1) and bindings (1)
//	keys        fingerprint: # 32 bytes, session: # 16 bytes
//	records     identity:account:claude:7: # {"v":1,"switch":{"at":"2026-11-30T07:00:00Z","disabled":true}}
//	scopes      25 identity:account:claude:7 0 gpt-5: # {"v":1,"scopes":[{"model":"gpt-5",...}]}
//	identities  0: # account:claude:7
//	bindings    16 bytes of a session key: # version 1, source, bound, ends, identity 0
//
// What is known of single models and families of a record has values of its own, so that a report writes what it changed. A record that was
// kept in format 2 has them in its value until it is written again.
const format = 3

// The buckets. In the head stand the format, and a tally of each bucket that has one, under its name.
const (
	bucketMeta       = "meta"
	bucketKeys       = "keys"
	bucketRecords    = "records"
	bucketScopes     = "scopes"
	bucketIdentities = "identities"
	bucketBindings   = "bindings"

	keyFormat = "format"
)

// buckets are all of them.
func buckets() [6]string {
	return [...]string{bucketMeta, bucketKeys, bucketRecords, bucketIdentities, bucketBindings, bucketScopes}
}

// writeEmpty writes what is in a file that holds nothing.
func writeEmpty(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFormat), []byte{format})
}

// readFormat refuses a file that is not of this format or an older one.
func readFormat(tx *bbolt.Tx) (byte, error) {
	meta := tx.Bucket([]byte(bucketMeta))
	if meta == nil {
		return 0, errForeign
	}
	version := meta.Get([]byte(keyFormat))
	for _, name := range buckets() {
		older := len(version) == 1 && version[0] < format && name == bucketScopes
		if tx.Bucket([]byte(name)) == nil && !older {
			return 0, errForeign
		}
	}
	switch {
	case len(version) != 1 || version[0] == 0:
		return 0, errForeign
	case version[0] > format:
		return 0, fmt.Errorf("format %d: %w", version[0], state.ErrNewer)
	}
	return version[0], nil
}

// each calls f for every value of a bucket; ok: it is what was written. Lost counts those that were written and are not
// there any more, or not as they were.
func each(tx *bbolt.Tx, bucket string, f func(key, value []byte, ok bool) error) (lost uint64, err error) {
	var got tally
	err = tx.Bucket([]byte(bucket)).ForEach(func(key, sealed []byte) error {
		value, ok := unseal(key, sealed)
		if ok {
			got.add(sealed)
		}
		return f(key, value, ok)
	})
	if err != nil {
		return 0, err
	}
	want, err := readTally(tx, bucket)
	switch {
	case err != nil || got == want:
		return 0, err
	case got.count >= want.count: // an old value has come back
		return 1, nil
	}
	return want.count - got.count, nil
}

// namedKeys are the keys by what each is kept under.
func namedKeys(keys *state.Keys) map[string][]byte {
	return map[string][]byte{"fingerprint": keys.Fingerprint[:], "session": keys.Session[:]}
}

// readKeys returns the keys that are kept; zero: none are.
func readKeys(tx *bbolt.Tx) (keys state.Keys, err error) {
	named := namedKeys(&keys)
	lost, err := each(tx, bucketKeys, func(name, value []byte, ok bool) error {
		if key := named[string(name)]; key != nil && (!ok || copy(key, value) != len(key)) {
			return fmt.Errorf("the key %s is not what was written: %w", name, state.ErrDamaged)
		}
		return nil
	})
	if err == nil && lost > 0 {
		err = fmt.Errorf("its keys are gone: %w", state.ErrDamaged)
	}
	return keys, err
}

// writeKeys writes keys down, if there are some.
func writeKeys(tx *bbolt.Tx, keys state.Keys) error {
	if keys == (state.Keys{}) {
		return nil
	}
	bucket := openTallied(tx, bucketKeys)
	for name, key := range namedKeys(&keys) {
		bucket.put([]byte(name), key)
	}
	return bucket.done(tx)
}

// maxRoom is for how many values room is made at most before they are seen.
const maxRoom = 1 << 24

// readIdentities returns the names that bindings have numbers for, by these; one that cannot be read is empty.
func readIdentities(tx *bbolt.Tx) (names []string, err error) {
	t, err := readTally(tx, bucketIdentities)
	if err != nil {
		return nil, err
	}
	names = make([]string, min(t.count, maxRoom))
	_, err = each(tx, bucketIdentities, func(number, name []byte, ok bool) error {
		if ok && len(number) == 4 && int(binary.BigEndian.Uint32(number)) < len(names) {
			names[binary.BigEndian.Uint32(number)] = string(name)
		}
		return nil
	})
	return names, err
}
