package journal

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// DefaultLockTimeout is what Config.LockTimeout means by zero: a broker that is told to stop needs a while for it.
const DefaultLockTimeout = 5 * time.Second

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

	mu   sync.Mutex // held by whoever writes
	file *file
	// closed: it must not come back.
	closed bool
	// keys are those that are kept; zero: none are.
	keys state.Keys
	// records are what the file is written anew from; nil: it cannot be. Renewed is called when it was.
	records func() []cooldown.Record
	renewed func()
	// lost is why the file does not hold any more what was saved; nil: it does.
	lost error
	// worn: bindings in it cannot be read.
	worn bool
	// stale are keys of records that said nothing any more when they were loaded.
	stale [][]byte
}

var (
	_ state.Store     = (*Journal)(nil)
	_ state.Renewable = (*Journal)(nil)
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
	j := &Journal{path: resolve(c.Path), now: c.Now, note: c.Note}
	if err := j.open(c.LockTimeout); err != nil {
		return nil, problem(c.Path, err)
	}
	return j, nil
}

// resolve returns where a path leads that is a link: the file is replaced there, and not the link.
func resolve(path string) string {
	if info, err := os.Lstat(path); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			return target
		}
	}
	return path
}

func (j *Journal) open(timeout time.Duration) error {
	if err := create(j.path); err != nil {
		return err
	}
	var err error
	if j.file, err = openFile(j.path, timeout); err != nil {
		return err
	}
	repair, err := j.file.check()
	if err == nil {
		err = j.file.attach()
	}
	if err == nil {
		err = j.read()
	}
	if err != nil {
		_ = j.file.close()
		return err
	}
	j.file.removeTemporary(j.path)
	if repair != "" {
		j.note(repair)
	}
	return nil
}

// read takes in what is kept in memory, and brings the file to this format.
func (j *Journal) read() error {
	version := byte(0)
	err := j.file.view(func(tx *bbolt.Tx) (err error) {
		version, err = readFormat(tx)
		return err
	})
	switch {
	case err != nil:
	case version == 1:
		err = j.upgrade()
	case version < format:
		err = j.file.addScopes()
	}
	if err == nil {
		err = j.file.view(func(tx *bbolt.Tx) (err error) {
			if j.keys, err = readKeys(tx); err != nil {
				return err
			}
			return j.file.readNumbers(tx)
		})
	}
	if err == nil {
		err = j.file.intact(j.path)
	}
	return err
}

// Keys is as state.Store says.
func (j *Journal) Keys(ctx context.Context, proposed state.Keys) (keys state.Keys, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err = j.update(ctx, func(tx *bbolt.Tx) error {
		keys, err = readKeys(tx)
		if err != nil || keys != (state.Keys{}) || proposed == (state.Keys{}) {
			return err // who proposes nothing only asks
		}
		keys = proposed
		return writeKeys(tx, keys)
	})
	if err == nil {
		j.keys = keys
	}
	return keys, err
}

// Save is as state.Store says. What was saved last of a binding holds.
func (j *Journal) Save(ctx context.Context, batch state.Batch) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.ready(ctx, j.file.whole); err != nil {
		return err
	}
	stale := j.stale
	err := j.update(ctx, func(tx *bbolt.Tx) error {
		now := j.now().UnixNano()
		if err := j.file.saveRecords(tx, batch.Records, stale, now); err != nil || len(batch.Bindings) == 0 {
			return err
		}
		return j.file.saveBindings(tx, batch.Bindings, now)
	})
	if err == nil {
		j.stale = nil
	}
	return err
}

// update runs a transaction that writes. After it returned nil, what was written is on disk, in a file under the path that was
// not cut off meanwhile. The caller has the lock.
func (j *Journal) update(ctx context.Context, f func(tx *bbolt.Tx) error) error {
	if err := j.usable(ctx); err != nil {
		return err
	}
	err := j.file.update(f)
	if lost := j.file.under(j.path); lost != nil {
		j.lost, err = lost, lost
	} else if errors.Is(err, state.ErrDamaged) {
		j.lost = err
	}
	return j.explain(err)
}

// usable returns nil if the file was not closed, and there is time. The caller has the lock.
func (j *Journal) usable(ctx context.Context) error {
	if j.closed {
		return j.explain(bolterrors.ErrDatabaseNotOpen)
	}
	return ctx.Err()
}

// explain makes an error of the file a Problem.
func (j *Journal) explain(err error) error {
	if err == nil {
		return nil
	}
	p := problem(j.path, err)
	if j.records != nil && errors.Is(j.lost, err) {
		p.Advice = "the broker writes it anew from memory; see docs/operations.md"
	}
	return p
}

// Close ends all use of the file.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil
	}
	j.closed = true
	return j.explain(j.file.close())
}
