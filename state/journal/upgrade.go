package journal

import (
	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// upgrade puts a file of this format in the place of one of an older one, with all that was in it.
func (j *Journal) upgrade(from byte) error {
	old := j.file
	next, err := write(j.path, func(f *file) error {
		return old.view(func(tx *bbolt.Tx) error { return j.copyTo(f, reader{tx, from}) })
	})
	if err != nil {
		return err
	}
	if err := next.replace(j.path); err != nil {
		_ = next.close()
		return err
	}
	j.file = next
	return old.close()
}

// copyTo writes all that counts of one file to another.
func (j *Journal) copyTo(f *file, r reader) error {
	var err error
	if j.keys, err = r.keys(); err != nil {
		return err
	}
	if err := f.update(func(tx *bbolt.Tx) error { return writeKeys(tx, j.keys) }); err != nil {
		return err
	}
	c := copier{file: f, now: j.now().UnixNano()}
	_, err = j.load(r, &c, func() error { return c.err })
	return err
}

// copier is a sink that writes to a file.
type copier struct {
	file *file
	now  int64
	err  error
}

// Records is part of state.Sink.
func (c *copier) Records(records []cooldown.Record) {
	c.update(func(tx *bbolt.Tx) error { return c.file.saveRecords(tx, records, nil, c.now) })
}

// Bindings is part of state.Sink.
func (c *copier) Bindings(bindings []state.BoundSession) {
	c.update(func(tx *bbolt.Tx) error { return c.file.saveBindings(tx, bindings, c.now) })
}

func (c *copier) update(f func(tx *bbolt.Tx) error) {
	if c.err == nil {
		c.err = c.file.update(f)
	}
}
