package journal

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// loadChunk is how many bindings are delivered at once.
const loadChunk = 1024

// Load is as state.Store says. Records come first.
func (j *Journal) Load(ctx context.Context, into state.Sink) error {
	j.mu.Lock()
	f := j.file
	j.mu.Unlock()
	var (
		stale  [][]byte
		unread uint64
	)
	err := f.view(func(tx *bbolt.Tx) (err error) {
		if stale, err = j.loadRecords(tx, into); err == nil {
			unread, err = j.loadBindings(ctx, tx, into)
		}
		return err
	})
	if err == nil && unread > 0 {
		j.note(fmt.Sprintf("%d bindings in %s could not be read; their sessions are bound anew", unread, j.path))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if f == j.file { // else it was written anew meanwhile
		j.stale, j.worn = stale, unread > 0
	}
	return j.explain(err)
}

// loadRecords delivers the records, and returns the keys of those that say nothing any more.
func (j *Journal) loadRecords(tx *bbolt.Tx, into state.Sink) (stale [][]byte, err error) {
	now := j.now().UnixNano()
	records, err := readRecords(tx)
	if err != nil {
		return nil, err
	}
	records = slices.DeleteFunc(records, func(r cooldown.Record) bool {
		over := isStale(&r, now)
		if over {
			stale = append(stale, []byte(state.FormatKey(r.Key)))
		}
		return over
	})
	into.Records(records)
	return stale, nil
}

// readRecords reads all records with their scopes.
func readRecords(tx *bbolt.Tx) (records []cooldown.Record, err error) {
	at := make(map[string]int)
	lost, err := each(tx, bucketRecords, func(key, value []byte, ok bool) error {
		if !ok {
			return errRecord(key)
		}
		record, err := parseRecord(key, value)
		at[string(key)] = len(records)
		records = append(records, record)
		return err
	})
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d records are not there as they were written: %w", lost, state.ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	split := make(map[int]bool)
	lost, err = each(tx, bucketScopes, func(key, value []byte, ok bool) error {
		name, named := recordOfScope(key)
		i, known := at[string(name)]
		if !ok || !named || !known {
			return errRecord(key)
		}
		one, err := state.ParseRecord(records[i].Key, value)
		records[i].Scopes = append(records[i].Scopes, one.Scopes...)
		split[i] = true
		return err
	})
	if err == nil && lost > 0 {
		err = fmt.Errorf("%d scopes of records are not there as they were written: %w", lost, state.ErrDamaged)
	}
	for i := range split {
		records[i] = together(&records[i])
	}
	return records, err
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

// loadBindings delivers the bindings, and returns how many cannot be read.
func (j *Journal) loadBindings(ctx context.Context, tx *bbolt.Tx, into state.Sink) (unread uint64, err error) {
	identities, err := readIdentities(tx)
	if err != nil {
		return 0, err
	}
	if e, ok := into.(state.Expecter); ok {
		if t, err := readTally(tx, bucketBindings); err == nil {
			e.Expect(int(min(t.count, maxRoom)))
		}
	}
	now := j.now().UnixNano()
	chunk := make([]state.BoundSession, 0, loadChunk)
	lost, err := each(tx, bucketBindings, func(key, value []byte, ok bool) error {
		var b state.BoundSession
		if ok {
			b, ok = parseBinding(key, value, identities)
		}
		switch {
		case !ok:
			unread++
		case b.Ends > now:
			chunk = append(chunk, b)
		}
		if len(chunk) < loadChunk {
			return nil
		}
		into.Bindings(chunk)
		chunk = chunk[:0]
		return ctx.Err()
	})
	into.Bindings(chunk)
	return max(unread, lost), cmp.Or(err, ctx.Err())
}
