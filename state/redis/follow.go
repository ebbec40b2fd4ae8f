package redis

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

const (
	// patience is how long a read of the log waits for something new, and checkEvery how often the store is checked
	// besides: a store that was emptied says nothing new.
	patience   = 500 * time.Millisecond
	checkEvery = time.Second
	// entriesAtOnce bounds one read of the log.
	entriesAtOnce = 512
)

// follower is one run of Follow.
type follower struct {
	store   *Store
	into    state.Sink
	live    func(resynced bool)
	cursor  cursor
	checked time.Time
	swept   time.Time
	// behind: it has not caught up since it began, or since it read everything, which is what resynced says.
	behind, resynced bool
}

// Follow delivers what others do, until the context ends or the server cannot be read.
func (s *Store) Follow(ctx context.Context, into state.Sink, live func(resynced bool)) error {
	s.mu.Lock()
	f := &follower{store: s, into: into, live: live, cursor: s.cursor, behind: true}
	s.mu.Unlock()
	s.clock.restart()
	_, err := f.resync(ctx)
	for err == nil {
		err = f.step(ctx)
	}
	return fmt.Errorf("follow redis: %w", err)
}

// step reads the log once and delivers what it says.
func (f *follower) step(ctx context.Context) error {
	entries, err := f.read(ctx)
	if err != nil {
		return err
	}
	full := len(entries) == entriesAtOnce
	// A reader that is so far behind may have been overtaken by the end of the log. One that is up to date sees a store that
	// lost something at the next check.
	if full || f.store.clock.now().Sub(f.checked) >= checkEvery {
		if resynced, err := f.resync(ctx); err != nil || resynced {
			return err
		}
		f.sweep(ctx)
	}
	delivered, resynced, err := f.deliver(ctx, entries)
	if err != nil || resynced {
		return err
	}
	if !full && (f.behind || delivered) {
		resynced := f.resynced
		f.behind, f.resynced = false, false
		f.live(resynced)
	}
	return nil
}

// resync checks whether the log still has everything since the cursor, and reads all records if not.
func (f *follower) resync(ctx context.Context) (resynced bool, err error) {
	f.checked = f.store.clock.now()
	gap, err := f.store.gap(ctx, &f.cursor)
	if err != nil || !gap {
		return false, err
	}
	return true, f.readAll(ctx)
}

func (f *follower) readAll(ctx context.Context) error {
	f.store.mu.Lock()
	f.store.written = start // whatever became of it, who is told so saves it again
	f.store.mu.Unlock()
	at, err := f.store.readAll(ctx, f.into)
	if err != nil {
		return err
	}
	f.behind, f.resynced = true, true
	f.advance(at)
	return nil
}

// advance moves the cursor, for the next run too.
func (f *follower) advance(to cursor) {
	f.cursor = to
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.store.cursor = to
}

// read returns the next entries of the log. It waits for some only if there was nothing left the last time.
func (f *follower) read(ctx context.Context) ([]rueidis.XRangeSlice, error) {
	s := f.store
	answer, err := inTime(ctx, s, patience+s.config.timeout(), func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		query := c.B().Xread().Count(entriesAtOnce)
		if f.behind {
			return c.Do(ctx, query.Streams().Key(s.layout.log).Id(f.cursor.entry).Build())
		}
		return c.Do(ctx, query.Block(patience.Milliseconds()).Streams().Key(s.layout.log).Id(f.cursor.entry).Build())
	})
	if err != nil {
		return nil, err
	}
	streams, err := answer.AsXReadSlices()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, err
	}
	return streams[s.layout.log], nil
}

// batch is what entries of the log say.
type batch struct {
	fields []string // of records, each once
	moved  []state.BoundSession
}

// deliver delivers what entries of others say, and moves on. Entries of another epoch mean that everything has to be read.
func (f *follower) deliver(ctx context.Context, entries []rueidis.XRangeSlice) (delivered, resynced bool, err error) {
	if len(entries) == 0 {
		return false, false, nil
	}
	var b batch
	known := map[string]bool{}
	for i := range entries {
		if !b.add(&entries[i], f.cursor.epoch, known, f.store) {
			return false, true, f.readAll(ctx)
		}
	}
	if err := f.deliverBatch(ctx, &b); err != nil {
		return false, false, err
	}
	next := f.cursor
	next.entry = entries[len(entries)-1].ID
	f.advance(next)
	return len(b.fields)+len(b.moved) > 0, false, nil
}

// add takes in an entry, unless it is by this store. It reports whether the entry is of the epoch.
func (b *batch) add(entry *rueidis.XRangeSlice, epoch string, known map[string]bool, s *Store) (ours bool) {
	for _, pair := range entry.FieldValues {
		switch pair.Field {
		case "epoch":
			if pair.Value != epoch {
				return false
			}
		case "by":
			if pair.Value == s.name {
				return true
			}
		case "record":
			if !known[pair.Value] {
				known[pair.Value] = true
				b.fields = append(b.fields, pair.Value)
			}
		case "moved":
			moved, err := s.macs.parseMoved(pair.Value)
			if err != nil {
				s.passOver("log", RefusedBinding, err)
				continue
			}
			b.moved = append(b.moved, moved)
		default: // a later version may say more
		}
	}
	return true
}

// deliverBatch delivers the bindings, and the records as they are now.
func (f *follower) deliverBatch(ctx context.Context, b *batch) error {
	for page := range slices.Chunk(b.fields, fieldsAtOnce) {
		values, err := f.store.present(ctx, page)
		if err != nil {
			return err
		}
		records := make([]cooldown.Record, 0, len(page))
		for _, field := range page {
			if values[field] == "" {
				continue // swept out since
			}
			if record, err := f.store.readRecord(field, values[field]); err == nil {
				records = append(records, record)
			}
		}
		f.into.Records(records)
	}
	if len(b.moved) > 0 {
		f.into.Bindings(b.moved)
	}
	return nil
}
