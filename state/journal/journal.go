package journal

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/credbroker/credbroker/state"
)

// DefaultLockTimeout is what Config.LockTimeout means by zero: a broker that is told to stop needs a while for it.
const DefaultLockTimeout = 5 * time.Second

// format is the version of the file, raised when an older broker would misread it.
const format = 1

// Config is what a Journal is opened with.
type Config struct {
	// Path of the file, made if there is none. Its folder must be there.
	Path string
	// Now says what is over, in fleet time; nil: time.Now.
	Now func() time.Time
	// LockTimeout is how long to wait for another process that uses the file; 0: DefaultLockTimeout.
	LockTimeout time.Duration
	// Note is told what was repaired, in words for the log; nil: nobody is.
	Note func(words string)
}

// Journal is a store in one file.
type Journal struct {
	path string
	now  func() time.Time
	note func(words string)
	db   *bbolt.DB
	// values is about how much there was when the file was opened.
	values int

	mu sync.Mutex // held by whoever writes
	// numbers are what bindings have instead of the names of identities, counted from 0.
	numbers map[string]uint32
	// swept is where the search for bindings that are over goes on.
	swept []byte

	staleMu sync.Mutex
	stale   [][]byte // keys of records that said nothing any more when they were loaded
}

var _ state.Store = (*Journal)(nil)

// The buckets.
const (
	bucketMeta       = "meta"
	bucketKeys       = "keys"
	bucketRecords    = "records"
	bucketIdentities = "identities"
	bucketBindings   = "bindings"
)

// buckets are all of them.
func buckets() [5]string {
	return [...]string{bucketMeta, bucketKeys, bucketRecords, bucketIdentities, bucketBindings}
}

// What stands in the bucket meta: the format of the file, and how many records there are.
const (
	keyFormat  = "format"
	keyRecords = "records"
)

// Open opens the file, or makes it. Its errors are a *Problem.
func Open(c Config) (*Journal, error) {
	if c.LockTimeout <= 0 {
		c.LockTimeout = DefaultLockTimeout
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Note == nil {
		c.Note = func(string) {}
	}
	if err := create(c.Path); err != nil {
		return nil, problem(c.Path, err)
	}
	found, err := check(c.Path, c.LockTimeout)
	if err != nil {
		return nil, problem(c.Path, err)
	}
	db, err := openDB(c.Path, c.LockTimeout)
	if err != nil {
		return nil, problem(c.Path, err)
	}
	j := &Journal{path: c.Path, now: c.Now, note: c.Note, db: db, values: found.values, numbers: make(map[string]uint32)}
	if err := guarded(func() error { return db.View(j.readHead) }); err != nil {
		_ = db.Close()
		return nil, problem(c.Path, err)
	}
	if found.repair != "" {
		c.Note(found.repair)
	}
	return j, nil
}

func openDB(path string, timeout time.Duration) (db *bbolt.DB, err error) {
	err = guarded(func() error {
		db, err = bbolt.Open(path, fileMode, &bbolt.Options{Timeout: timeout, FreelistType: bbolt.FreelistMapType, NoStatistics: true})
		return err
	})
	return db, err
}

// readHead reads what is kept in memory, and refuses a file that is not of this format.
func (j *Journal) readHead(tx *bbolt.Tx) error {
	for _, name := range buckets() {
		if tx.Bucket([]byte(name)) == nil {
			return errForeign
		}
	}
	version := tx.Bucket([]byte(bucketMeta)).Get([]byte(keyFormat))
	switch {
	case len(version) != 1 || version[0] == 0:
		return errForeign
	case version[0] > format:
		return fmt.Errorf("format %d: %w", version[0], state.ErrNewer)
	}
	identities, err := readIdentities(tx)
	for number, name := range identities {
		j.numbers[name] = uint32(number)
	}
	return err
}

// readIdentities returns the identities that bindings have numbers for.
func readIdentities(tx *bbolt.Tx) (identities []string, err error) {
	err = tx.Bucket([]byte(bucketIdentities)).ForEach(func(number, name []byte) error {
		if len(number) != 4 || int(binary.BigEndian.Uint32(number)) != len(identities) {
			return fmt.Errorf("identities are not counted right: %w", state.ErrDamaged)
		}
		identities = append(identities, string(name))
		return nil
	})
	return identities, err
}

// Keys is as state.Store says.
func (j *Journal) Keys(ctx context.Context, proposed state.Keys) (keys state.Keys, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.update(ctx, func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucketKeys))
		for name, key := range map[string][2][]byte{
			"fingerprint": {keys.Fingerprint[:], proposed.Fingerprint[:]},
			"session":     {keys.Session[:], proposed.Session[:]},
		} {
			kept := b.Get([]byte(name))
			if kept == nil {
				if proposed == (state.Keys{}) {
					continue // who proposes nothing only asks
				}
				kept = key[1]
				if err := b.Put([]byte(name), kept); err != nil {
					return err
				}
			}
			if copy(key[0], kept) != len(key[0]) {
				return fmt.Errorf("the key %s is cut off: %w", name, state.ErrDamaged)
			}
		}
		return nil
	})
	return keys, err
}

// update runs a transaction that writes. After it returned nil, what was written is on disk. The caller has the lock.
func (j *Journal) update(ctx context.Context, f func(tx *bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return j.explain(guarded(func() error { return j.db.Update(f) }))
}

// explain makes an error of the file a Problem.
func (j *Journal) explain(err error) error {
	if err == nil {
		return nil
	}
	return problem(j.path, err)
}

// guarded turns what bbolt does where a file is damaged, or cannot be read, into an error.
func guarded(f func() error) (err error) {
	// A page that the disk does not give back is a fault at its address.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%v: %w", reason, state.ErrDamaged)
		}
	}()
	return f()
}

// Close ends all use of the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.db.Close(); err != nil && !errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return j.explain(err)
	}
	return nil
}
