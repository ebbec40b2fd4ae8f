package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

const (
	// patience is how long a read of the log waits for something new, and lookEvery how often the store is looked at
	// besides: a store that was emptied says nothing new.
	patience  = 500 * time.Millisecond
	lookEvery = time.Second
	// entriesAtOnce bounds one read of the log.
	entriesAtOnce = 512
)

// follower is one run of Follow.
type follower struct {
	store  *Store
	into   state.Sink
	live   func(resync bool)
	place  place
	looked time.Time
	swept  time.Time
	// behind: it has not caught up since it began, or since it read everything, which is what resync says.
	behind, resync bool
}

// Follow hands over what others do, until the context ends or the server cannot be read.
func (s *Store) Follow(ctx context.Context, into state.Sink, live func(resync bool)) error {
	s.mu.Lock()
	f := &follower{store: s, into: into, live: live, place: s.place, behind: true}
	s.mu.Unlock()
	s.clock.restart()
	_, err := f.mend(ctx)
	for err == nil {
		err = f.step(ctx)
	}
	return fmt.Errorf("follow redis: %w", err)
}

// step reads the log once and hands over what it says.
func (f *follower) step(ctx context.Context) error {
	entries, err := f.read(ctx)
	if err != nil {
		return err
	}
	full := len(entries) == entriesAtOnce
	// A reader that is so far behind may have been overtaken by the end of the log. One that is up to date sees a store that
	// lost something when it looks.
	if full || f.store.clock.now().Sub(f.looked) >= lookEvery {
		if mended, err := f.mend(ctx); err != nil || mended {
			return err
		}
		f.sweep(ctx)
	}
	told, mended, err := f.handOver(ctx, entries)
	if err != nil || mended {
		return err
	}
	if !full && (f.behind || told) {
		resync := f.resync
		f.behind, f.resync = false, false
		f.live(resync)
	}
	return nil
}

// mend looks whether the log still tells everything since the place, and reads all records if not.
func (f *follower) mend(ctx context.Context) (mended bool, err error) {
	f.looked = f.store.clock.now()
	gap, err := f.store.gap(ctx, &f.place)
	if err != nil || !gap {
		return false, err
	}
	return true, f.readAll(ctx)
}

func (f *follower) readAll(ctx context.Context) error {
	f.store.mu.Lock()
	f.store.written = start // whatever became of it, who is told so saves it again
	f.store.mu.Unlock()
	place, err := f.store.readAll(ctx, f.into)
	if err != nil {
		return err
	}
	f.behind, f.resync = true, true
	f.advance(place)
	return nil
}

// advance notes the place, for the next run too.
func (f *follower) advance(to place) {
	f.place = to
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	f.store.place = to
}

// read returns the next entries of the log. It waits for some only if there was nothing left the last time.
func (f *follower) read(ctx context.Context) ([]rueidis.XRangeSlice, error) {
	s := f.store
	ctx, cancel := context.WithTimeout(ctx, patience+s.config.timeout())
	defer cancel()
	client, err := s.link.get(ctx)
	if err != nil {
		return nil, err
	}
	query := client.B().Xread().Count(entriesAtOnce)
	var command rueidis.Completed
	if f.behind {
		command = query.Streams().Key(s.layout.log).Id(f.place.entry).Build()
	} else {
		command = query.Block(patience.Milliseconds()).Streams().Key(s.layout.log).Id(f.place.entry).Build()
	}
	streams, err := client.Do(ctx, command).AsXReadSlices()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, err
	}
	return streams[s.layout.log], nil
}

// news is what entries of the log tell.
type news struct {
	fields []string // of records, each once
	moved  []state.BoundSession
}

// handOver hands over what entries of others tell, and moves on. Entries of another epoch mean that everything has to be read.
func (f *follower) handOver(ctx context.Context, entries []rueidis.XRangeSlice) (told, mended bool, err error) {
	if len(entries) == 0 {
		return false, false, nil
	}
	var n news
	known := map[string]bool{}
	for i := range entries {
		if !n.add(&entries[i], f.place.epoch, known, f.store) {
			return false, true, f.readAll(ctx)
		}
	}
	if err := f.tell(ctx, &n); err != nil {
		return false, false, err
	}
	next := f.place
	next.entry = entries[len(entries)-1].ID
	f.advance(next)
	return len(n.fields)+len(n.moved) > 0, false, nil
}

// add takes in an entry, unless it is by this store. It reports whether the entry is of the epoch.
func (n *news) add(entry *rueidis.XRangeSlice, epoch string, known map[string]bool, s *Store) (ours bool) {
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
				n.fields = append(n.fields, pair.Value)
			}
		case "moved":
			b, err := parseMoved(pair.Value)
			if err != nil {
				s.unread.add("log", err)
				continue
			}
			n.moved = append(n.moved, b)
		default: // a later version may say more
		}
	}
	return true
}

// tell hands news over: the bindings, and the records as they are now.
func (f *follower) tell(ctx context.Context, n *news) error {
	for fields := n.fields; len(fields) > 0; {
		page := fields[:min(len(fields), fieldsAtOnce)]
		fields = fields[len(page):]
		values, err := f.present(ctx, page)
		if err != nil {
			return err
		}
		records := make([]cooldown.Record, 0, len(page))
		for _, field := range page {
			if values[field] == "" {
				continue // swept out since
			}
			if record, ok := f.store.readRecord(field, values[field]); ok {
				records = append(records, record)
			}
		}
		f.into.Records(records)
	}
	if len(n.moved) > 0 {
		f.into.Bindings(n.moved)
	}
	return nil
}

// present asks for one page of records. The limit is for each: there may be many pages, and the server may be slow.
func (f *follower) present(ctx context.Context, page []string) (map[string]string, error) {
	ctx, cancel := f.store.limit(ctx)
	defer cancel()
	return f.store.present(ctx, page)
}
