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

// loadChunk is how many bindings are handed over at once.
const loadChunk = 1024

// Load is as state.Store says. Records come first.
func (j *Journal) Load(ctx context.Context, into state.Sink) error {
	return j.explain(guarded(func() error {
		return j.db.View(func(tx *bbolt.Tx) error {
			if err := j.loadRecords(ctx, tx, into); err != nil {
				return err
			}
			return j.loadBindings(ctx, tx, into)
		})
	}))
}

func (j *Journal) loadRecords(ctx context.Context, tx *bbolt.Tx, into state.Sink) error {
	want, got := recordCount(tx.Bucket([]byte(bucketMeta))), uint64(0)
	now := j.now().UnixNano()
	var stale [][]byte
	var chunk []cooldown.Record
	hand := func() error {
		if len(chunk) > 0 {
			into.Records(chunk)
		}
		chunk = chunk[:0]
		return ctx.Err()
	}
	err := tx.Bucket([]byte(bucketRecords)).ForEach(func(key, value []byte) error {
		r, err := parseRecord(key, value)
		if err != nil {
			return err
		}
		if got++; isStale(&r, now) {
			stale = append(stale, slices.Clone(key))
			return nil
		}
		if chunk = append(chunk, r); len(chunk) == loadChunk {
			return hand()
		}
		return nil
	})
	if err == nil && got != want {
		err = fmt.Errorf("%d records are there of %d: %w", got, want, state.ErrDamaged)
	}
	j.forget(stale)
	return errors.Join(err, hand())
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
	return !left.Prune(now)
}

// forget leaves it to the next Save to remove records.
func (j *Journal) forget(stale [][]byte) {
	j.staleMu.Lock()
	defer j.staleMu.Unlock()
	j.stale = stale
}

func (j *Journal) loadBindings(ctx context.Context, tx *bbolt.Tx, into state.Sink) error {
	identities, err := readIdentities(tx)
	if err != nil {
		return err
	}
	if e, ok := into.(state.Expecter); ok {
		e.Expect(j.values)
	}
	now := j.now().UnixNano()
	chunk := make([]state.BoundSession, 0, loadChunk)
	hand := func() error {
		if len(chunk) > 0 {
			into.Bindings(chunk)
		}
		chunk = chunk[:0]
		return ctx.Err()
	}
	unread := 0
	err = tx.Bucket([]byte(bucketBindings)).ForEach(func(key, value []byte) error {
		b, ok := parseBinding(key, value, identities)
		if !ok {
			unread++
		}
		if !ok || b.Ends <= now {
			return nil
		}
		if chunk = append(chunk, b); len(chunk) == loadChunk {
			return hand()
		}
		return nil
	})
	if unread > 0 {
		j.note(fmt.Sprintf("%d bindings in %s could not be read; their sessions are bound anew", unread, j.path))
	}
	return errors.Join(err, hand())
}
