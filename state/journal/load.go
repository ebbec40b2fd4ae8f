package journal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// loadChunk is how many bindings are delivered at once.
const loadChunk = 1024

// findings are what a load found beside what it delivered.
type findings struct {
	// stale are the keys of records that say nothing any more.
	stale [][]byte
	// unread counts bindings that cannot be read.
	unread uint64
}

// Load is as state.Store says. Records come first.
func (j *Journal) Load(ctx context.Context, into state.Sink) error {
	j.mu.Lock()
	f := j.file
	j.mu.Unlock()
	var found findings
	err := f.view(func(tx *bbolt.Tx) (err error) {
		found, err = j.load(reader{tx, format}, into, ctx.Err)
		return err
	})
	j.mu.Lock()
	defer j.mu.Unlock()
	if f == j.file { // else it was written anew meanwhile
		j.stale, j.worn = found.stale, found.unread > 0
	}
	return j.explain(err)
}

// load delivers what a reader finds, until stop has an error.
func (j *Journal) load(r reader, into state.Sink, stop func() error) (found findings, err error) {
	if found.stale, err = j.loadRecords(r, into, stop); err != nil {
		return found, err
	}
	if found.unread, err = j.loadBindings(r, into, stop); err == nil && found.unread > 0 {
		j.note(fmt.Sprintf("%d bindings in %s could not be read; their sessions are bound anew", found.unread, j.path))
	}
	return found, err
}

func (j *Journal) loadRecords(r reader, into state.Sink, stop func() error) (stale [][]byte, err error) {
	now := j.now().UnixNano()
	chunk := chunks[cooldown.Record]{deliver: into.Records, stop: stop}
	lost, err := r.each(bucketRecords, func(key, value []byte, ok bool) error {
		if !ok {
			return errRecord(key)
		}
		record, err := parseRecord(key, value)
		if err != nil {
			return err
		}
		if isStale(&record, now) {
			stale = append(stale, slices.Clone(key))
			return nil
		}
		return chunk.add(record)
	})
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d records are not there as they were written: %w", lost, state.ErrDamaged)
	}
	return stale, errors.Join(err, chunk.flush())
}

// shownFor is how long what is only shown to people is kept.
const shownFor = 24 * time.Hour

// isStale reports whether a record says nothing any more that counts, or that people would want to see, at a time.
func isStale(r *cooldown.Record, now int64) bool {
	since := time.Unix(0, now).Add(-shownFor)
	if r.LastReport.ReceivedAt.After(since) || slices.ContainsFunc(r.Windows, func(w cooldown.Window) bool { return w.SeenAt.After(since) }) {
		return false
	}
	left := cooldown.Record{Key: r.Key}
	left.Merge(r)
	return !left.Prune(cooldown.Instant(now))
}

func (j *Journal) loadBindings(r reader, into state.Sink, stop func() error) (unread uint64, err error) {
	identities, _, err := r.identities()
	if err != nil {
		return 0, err
	}
	if e, ok := into.(state.Expecter); ok {
		if t, err := r.tally(bucketBindings); err == nil {
			e.Expect(int(min(t.count, mostExpected)))
		}
	}
	now := j.now().UnixNano()
	chunk := chunks[state.BoundSession]{deliver: into.Bindings, stop: stop}
	lost, err := r.each(bucketBindings, func(key, value []byte, ok bool) error {
		var b state.BoundSession
		if ok {
			b, ok = parseBinding(key, value, identities)
		}
		if !ok {
			unread++
			return nil
		}
		if b.Ends <= now {
			return nil
		}
		return chunk.add(b)
	})
	return max(unread, lost), errors.Join(err, chunk.flush())
}

// mostExpected is how many bindings room is made for at most before they are seen.
const mostExpected = 1 << 24

// chunks gathers what is delivered together.
type chunks[T any] struct {
	deliver func([]T)
	stop    func() error
	waiting []T
}

func (c *chunks[T]) add(one T) error {
	if c.waiting = append(c.waiting, one); len(c.waiting) < loadChunk {
		return nil
	}
	return c.flush()
}

func (c *chunks[T]) flush() error {
	if len(c.waiting) > 0 {
		c.deliver(c.waiting)
	}
	c.waiting = c.waiting[:0]
	return c.stop()
}
