package journal

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/state"
)

// file is an open state file.
type file struct {
	db *bbolt.DB
	// opened is the file that db has open.
	opened *os.File

	// broken: bbolt was left in the middle of something, perhaps with its locks held. Nothing must be asked of it any more.
	broken bool

	// numbers are what bindings have instead of the names of identities: below next they are in the file, the others, of
	// fresh ones, are written by the transaction that runs.
	numbers map[string]uint32
	next    uint32
	fresh   []string
	// swept is where the search for bindings that are over goes on.
	swept []byte
}

// openFile opens a file that was checked, or that is empty.
func openFile(path string, timeout time.Duration) (*file, error) {
	f := &file{numbers: make(map[string]uint32)}
	err := guarded(func() (err error) {
		f.db, err = bbolt.Open(path, fileMode, &bbolt.Options{
			Timeout: timeout, FreelistType: bbolt.FreelistMapType, NoStatistics: true,
			OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
				f.opened, err = os.OpenFile(name, flag, mode)
				return f.opened, err
			},
		})
		return err
	})
	if err != nil && f.opened != nil {
		_ = f.opened.Close() // after a panic nobody else does
	}
	return f, err
}

// update runs a transaction that writes. After it returned nil, what was written is on disk.
func (f *file) update(do func(tx *bbolt.Tx) error) error {
	err := f.use(func() error { return f.db.Update(do) })
	if err == nil {
		f.next += uint32(len(f.fresh)) //nolint:gosec // there are fewer identities
	} else {
		maps.DeleteFunc(f.numbers, func(_ string, number uint32) bool { return number >= f.next })
	}
	f.fresh = nil
	return err
}

// readNumbers reads what numbers identities have.
func (f *file) readNumbers(tx *bbolt.Tx) error {
	names, next, err := reader{tx, format}.identities()
	for number, name := range names {
		f.numbers[name] = number
	}
	f.next = next
	return err
}

// view runs a transaction that reads.
func (f *file) view(do func(tx *bbolt.Tx) error) error {
	return f.use(func() error { return f.db.View(do) })
}

// use calls f, and notes if bbolt was thrown out of what it did.
func (f *file) use(do func() error) error {
	if f.broken {
		return errFault
	}
	err := guarded(do)
	if errors.Is(err, errFault) {
		f.broken = true
	}
	return err
}

// errFault is a panic of bbolt's, or a fault where it read from memory that the file does not fill any more.
var errFault = fmt.Errorf("it cannot be read: %w", state.ErrDamaged)

// guarded turns what bbolt does where a file is damaged, or cannot be read, into an error.
func guarded(f func() error) (err error) {
	// A page that the disk does not give back is a fault at its address.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("%w: %v", errFault, reason)
		}
	}()
	return f()
}

// close ends all use of the file.
func (f *file) close() error {
	if f.broken {
		// Its place in memory stays taken. Closing the file gives up the lock on it.
		return f.opened.Close()
	}
	return f.db.Close()
}
