package journal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

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
	if err := ctx.Err(); err != nil {
		return err
	}
	err := j.ready()
	if err == nil && j.worn && j.records != nil {
		err = j.explain(j.renew())
	}
	return err
}

// ready returns nil if the file is there to be written to. What was lost is said once before the file is written anew, so
// that nothing of that goes unnoticed. The caller has the lock.
func (j *Journal) ready() error {
	switch {
	case j.closed:
		return j.explain(bolterrors.ErrDatabaseNotOpen)
	case j.lost == nil:
		j.lost = j.file.intact(j.path)
		return j.explain(j.lost)
	case j.records == nil:
		return j.explain(j.lost)
	}
	return j.explain(j.renew())
}

// renew writes the file anew, with all records that there are: who was told that something is kept must find it after a
// kill at any moment.
func (j *Journal) renew() error {
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
	aside, free, err := j.moveAside()
	switch {
	case err == nil && free: // unless another process takes the path now
		err = next.link(j.path)
	case err == nil:
		err = next.replace(j.path)
	}
	if err == nil {
		err = next.intact(j.path)
	}
	if err != nil {
		_ = next.close()
		return err
	}
	_ = j.file.close() // there is nothing in it any more that counts
	words := fmt.Sprintf("%s was written anew from memory, with %d records", j.path, len(records))
	if aside != "" {
		words += "; what stood in its place is " + aside + " now"
	}
	j.file, j.lost, j.worn, j.stale = next, nil, false, nil
	j.note(words)
	j.renewed()
	return nil
}

// moveAside gives another name to a file in the way that is not ours, unless there is nothing in it. What another process
// uses stays where it is. Free: nothing has the path any more.
func (j *Journal) moveAside() (aside string, free bool, err error) {
	info, err := os.Lstat(j.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", true, nil
	case err != nil:
		return "", false, err
	case os.SameFile(info, j.file.info), info.Mode().IsRegular() && info.Size() == 0:
		return "", false, nil
	case info.Mode().IsRegular():
		f, err := os.Open(j.path)
		if err != nil {
			return "", false, err
		}
		defer f.Close() //nolint:errcheck // it was only looked at
		if err := lock(f, 0); err != nil {
			return "", false, err
		}
		defer unlock(f)
	}
	aside = j.path + ".aside-" + j.now().UTC().Format("20060102T150405.000")
	return aside, true, os.Rename(j.path, aside)
}
