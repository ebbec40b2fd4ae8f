package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/state"
)

// What becomes of files while a broker has them open.
var (
	errGone        = errors.New("it was removed or moved away while the broker used it")
	errReplaced    = errors.New("another file was put in its place while the broker used it")
	errCutShort    = errors.New("it was cut off while the broker used it")
	errOverwritten = errors.New("it was overwritten while the broker used it")
)

// file is an open state file.
type file struct {
	// opened is the file, which is locked, and info says which one that is.
	opened *os.File
	info   os.FileInfo
	db     *bbolt.DB // nil: it is not attached

	// size and heads are what there was of it after the last transaction, at least; txid is the last one, 0: not known.
	size  int64
	heads int
	txid  uint64
	// broken: bbolt was left in the middle of something, perhaps with its locks held. Nothing must be asked of it any more.
	broken atomic.Bool

	// numbers are what bindings have instead of the names of identities. Below saved they are in the file; the others, up to next,
	// are written by the transaction that runs.
	numbers     map[string]uint32
	saved, next uint32
	// models are how many scopes are kept of records, by their keys, where that is known.
	models map[string]int
	// swept is where the search for bindings that are over goes on.
	swept []byte
}

// openFile waits until no other process has the file that a path leads to. Who had it may have put another one in its place.
func openFile(path string, timeout time.Duration) (*file, error) {
	for deadline := time.Now().Add(timeout); ; {
		opened, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		f, err := hold(opened, time.Until(deadline))
		if err != nil {
			return nil, err
		}
		if err = f.under(path); err == nil {
			return f, nil
		}
		_ = f.close()
		if time.Now().After(deadline) {
			return nil, err
		}
	}
}

// hold keeps other processes from an open file. Nobody uses it before attach.
func hold(opened *os.File, timeout time.Duration) (*file, error) {
	err := lock(opened, timeout)
	if err == nil {
		var info os.FileInfo
		if info, err = opened.Stat(); err == nil {
			return &file{opened: opened, info: info, numbers: make(map[string]uint32), models: make(map[string]int)}, nil
		}
	}
	_ = opened.Close()
	return nil, err
}

// attach has bbolt use a file that was checked, or that is empty.
func (f *file) attach() error {
	return guarded(func() (err error) {
		f.db, err = bbolt.Open(f.opened.Name(), fileMode, &bbolt.Options{
			Timeout: DefaultLockTimeout, FreelistType: bbolt.FreelistMapType, NoStatistics: true,
			OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f.opened, nil },
		})
		return err
	})
}

// update runs a transaction that writes. After it returned nil, what was written is on disk.
func (f *file) update(do func(tx *bbolt.Tx) error) error {
	var txid int
	err := f.use(func() error {
		return f.db.Update(func(tx *bbolt.Tx) error {
			txid = tx.ID()
			return do(tx)
		})
	})
	if err == nil {
		f.txid, f.saved = uint64(txid), f.next //nolint:gosec // they count up from 0
	} else {
		f.txid, f.next = 0, f.saved // it may be on disk, or not
		clear(f.models)
		maps.DeleteFunc(f.numbers, func(_ string, number uint32) bool { return number >= f.saved })
	}
	return err
}

// readNumbers reads what numbers identities have.
func (f *file) readNumbers(tx *bbolt.Tx) error {
	names, err := readIdentities(tx)
	for number, name := range names {
		f.numbers[name] = uint32(number)
	}
	f.saved = uint32(len(names)) //nolint:gosec // there are fewer identities
	f.next = f.saved
	return err
}

// view runs a transaction that reads.
func (f *file) view(do func(tx *bbolt.Tx) error) error {
	return f.use(func() error { return f.db.View(do) })
}

// use calls f, and notes if bbolt was thrown out of what it did.
func (f *file) use(do func() error) error {
	if f.broken.Load() {
		return errFault
	}
	err := guarded(do)
	if errors.Is(err, errFault) {
		f.broken.Store(true)
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

// intact returns nil if a path still leads to this file, and what was written last is in it.
func (f *file) intact(path string) error {
	if err := f.under(path); err != nil {
		return err
	}
	return f.whole()
}

// whole returns nil if what was written last is in the file. It asks for no times of the file: where somebody did, writing
// to it takes longer.
func (f *file) whole() error {
	if n, _ := f.opened.ReadAt(make([]byte, 1), f.size-1); n == 0 {
		return errCutShort
	}
	h, err := readHead(f.opened)
	if err != nil || h.copies < f.heads || f.txid != 0 && h.txid != f.txid || f.size < h.need() {
		return errOverwritten
	}
	f.heads, f.txid = h.copies, h.txid
	return nil
}

// under returns nil if a path still leads to this file, which is not shorter than it was.
func (f *file) under(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errGone
	case err != nil:
		return err
	case !os.SameFile(info, f.info):
		return errReplaced
	case info.Size() < f.size:
		return errCutShort
	}
	f.size = info.Size()
	return nil
}

// close ends all use of the file.
func (f *file) close() error {
	if f.db != nil && !f.broken.Load() {
		return f.db.Close()
	}
	// Bbolt may have left it mapped. As long as it is, only unlocking it ends the lock on it.
	unlock(f.opened)
	return f.opened.Close()
}
