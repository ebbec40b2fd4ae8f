package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// RenewFrom is part of state.Renewable.
func (j *Journal) RenewFrom(records func() []cooldown.Record, renewed func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.records, j.renewed = records, renewed
}

// Check is part of state.Renewable. A file whose bindings cannot be read is written anew too; that is no reason to save nothing.
func (j *Journal) Check(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.ready(ctx, func() error { return j.file.intact(j.path) })
	if err == nil && j.worn && j.records != nil {
		err = j.explain(j.renew())
	}
	return err
}

// ready returns nil if the file can be written to, as check finds. What was lost is said once before the file is written anew, so
// that nothing of that goes unnoticed. The caller has the lock.
func (j *Journal) ready(ctx context.Context, check func() error) error {
	if err := j.usable(ctx); err != nil {
		return err
	}
	switch {
	case j.lost == nil:
		j.lost = check()
		return j.explain(j.lost)
	case j.records == nil:
		return j.explain(j.lost)
	}
	return j.explain(j.renew())
}

// renew writes the file anew, with all records that there are: who was told that something is kept must find it after a
// kill at any moment.
func (j *Journal) renew() error {
	way, err := j.inTheWay()
	if err != nil {
		return err
	}
	defer way.held.Close() //nolint:errcheck // it was only looked at
	now := j.now().UnixNano()
	records := j.records()
	next, err := write(j.path, func(f *file) error {
		return f.update(func(tx *bbolt.Tx) error {
			if err := writeKeys(tx, j.keys); err != nil {
				return err
			}
			return f.saveRecords(tx, records, nil, now)
		})
	})
	if err != nil {
		return err
	}
	if err = way.giveTo(next, j.path); err == nil {
		err = next.intact(j.path)
	}
	if err != nil {
		next.discard()
		return err
	}
	_ = j.file.close() // there is nothing in it any more that counts
	words := fmt.Sprintf("%s was written anew from memory, with %d records", j.path, len(records))
	if way.aside != "" {
		words += "; what stood in its place is " + way.aside + " now"
	}
	j.file, j.lost, j.worn, j.stale = next, nil, false, nil
	j.note(words)
	j.renewed()
	return nil
}

// obstacle is what has the path of a file that is written anew.
type obstacle struct {
	// aside is another name for it, as it is not ours; empty: there is none, or nothing in it that counts.
	aside string
	// held is the file if it has been locked, so that no other process begins to use it.
	held *os.File
	// worthless: it can be replaced.
	worthless bool
}

// inTheWay looks what has the path. What another process uses stays where it is.
func (j *Journal) inTheWay() (o obstacle, err error) {
	info, err := os.Lstat(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return o, nil
	case err != nil:
		return o, err
	case os.SameFile(info, j.file.info), info.Mode().IsRegular() && info.Size() == 0:
		return obstacle{worthless: true}, nil
	}
	o.aside = j.path + ".aside-" + j.now().UTC().Format("20060102T150405.000")
	if !info.Mode().IsRegular() {
		return o, nil
	}
	if o.held, err = os.Open(j.path); err != nil {
		return o, err
	}
	if err = lock(o.held, 0); err != nil {
		_ = o.held.Close()
	}
	return o, err
}

// giveTo gives the path to a file.
func (o *obstacle) giveTo(f *file, path string) error {
	if o.worthless {
		return f.replace(path)
	}
	if o.aside != "" {
		if err := os.Rename(path, o.aside); err != nil {
			return err
		}
	}
	return f.link(path) // unless another process takes the path now
}
