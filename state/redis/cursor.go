package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis/internal/guard"
)

// cursor is how far the log was delivered.
type cursor struct {
	// known: everything up to here was delivered.
	known bool
	epoch string
	// entry that was delivered last.
	entry string
}

// start is before the first entry.
const start = "0-0"

// fieldsAtOnce is how many records are asked for at once. More would keep picks that bind waiting behind the answer.
const fieldsAtOnce = 200

// logState is what a check of the store shows.
type logState struct {
	epoch  string
	newest string // entry of the log
	has    bool   // the log holds the entry that was asked for, and what this store wrote last
}

// check asks the store, and its clock. Whether the log holds an entry tells whether something is missing: whatever
// takes entries away, be it a failover, an eviction or the bound of the log, takes the old ones with it or the new ones.
func (s *Store) check(ctx context.Context, entry string) (logState, error) {
	s.mu.Lock()
	written := s.written
	s.mu.Unlock()
	var asked, answered time.Time // both are set when there are answers
	answers, err := inTime(ctx, s, s.config.timeout(), func(ctx context.Context, c rueidis.Client) []rueidis.RedisResult {
		commands := rueidis.Commands{
			c.B().Time().Build(),
			c.B().Hget().Key(s.layout.records).Field("epoch").Build(),
			c.B().Xrevrange().Key(s.layout.log).End("+").Start("-").Count(1).Build(),
			c.B().Xrange().Key(s.layout.log).Start(entry).End(entry).Count(1).Build(),
		}
		if after(written, entry) {
			commands = append(commands, c.B().Xrange().Key(s.layout.log).Start(written).End(written).Count(1).Build())
		}
		asked = s.clock.now()
		defer func() { answered = s.clock.now() }()
		return c.DoMulti(ctx, commands...)
	})
	if err == nil {
		err = s.readClock(answers[0], asked, answered)
	}
	if err != nil {
		return logState{}, err
	}
	return parseLogState(answers[1:], entry)
}

func parseLogState(answers []rueidis.RedisResult, entry string) (seen logState, err error) {
	if seen.epoch, err = answers[0].ToString(); err != nil && !rueidis.IsRedisNil(err) {
		return logState{}, err
	}
	seen.newest, seen.has = start, true
	for i, answer := range answers[1:] {
		entries, err := answer.AsXRangeSlices()
		if err != nil {
			return logState{}, err
		}
		switch {
		case i == 0 && len(entries) > 0:
			seen.newest = entries[0].ID
		case i > 0 && len(entries) == 0:
			// Where there is no log, the start is all there is to hold.
			seen.has = seen.has && i == 1 && entry == start && seen.newest == start
		}
	}
	return seen, nil
}

func (s *Store) readClock(answer rueidis.RedisResult, asked, answered time.Time) error {
	parts, err := answer.AsIntSlice()
	if err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("TIME answers with %d values", len(parts))
	}
	s.clock.add(asked, answered, time.Unix(parts[0], parts[1]*int64(time.Microsecond)))
	return nil
}

// gap reports whether something may have been said since a cursor that the log does not have any more.
func (s *Store) gap(ctx context.Context, c *cursor) (bool, error) {
	if !c.known {
		return true, nil
	}
	seen, err := s.check(ctx, c.entry)
	return err == nil && (seen.epoch != c.epoch || !seen.has), err
}

// readAll delivers all records and returns the cursor that they are of.
func (s *Store) readAll(ctx context.Context, into state.Sink) (cursor, error) {
	if err := s.restoreKeys(ctx); err != nil {
		return cursor{}, err
	}
	seen, err := s.check(ctx, start)
	if err != nil {
		return cursor{}, err
	}
	err = s.scan(ctx, func(field, value string) {
		if record, err := s.readRecord(field, value); err == nil {
			into.Records([]cooldown.Record{record})
		}
	})
	return cursor{known: true, epoch: seen.epoch, entry: seen.newest}, err
}

// restoreKeys puts the keys back if the store lost them. Where memory is full it cannot, which is no reason not to read.
func (s *Store) restoreKeys(ctx context.Context) error {
	s.mu.Lock()
	keys := s.keys
	s.mu.Unlock()
	kept, err := s.ensure(ctx, keys)
	if _, refused := rueidis.IsRedisErr(err); refused {
		return nil
	}
	if err == nil && keys != "" && kept != keys {
		return state.ErrOtherKeys
	}
	return err
}

// scan calls each for every record that is there all the time, as text.
func (s *Store) scan(ctx context.Context, each func(field, value string)) error {
	count := int64(fieldsAtOnce)
	for from := uint64(0); ; {
		page, err := s.scanPage(ctx, from, count)
		if errors.Is(err, guard.ErrTooLarge) && count > 1 {
			count = max(1, count/8)
			continue
		}
		if err != nil {
			return err
		}
		for i := 0; i+1 < len(page.Elements); i += 2 {
			if field := page.Elements[i]; field == "epoch" || field == "keys" {
				continue
			}
			each(page.Elements[i], page.Elements[i+1])
		}
		if from = page.Cursor; from == 0 {
			return nil
		}
	}
}

func (s *Store) scanPage(ctx context.Context, from uint64, count int64) (rueidis.ScanEntry, error) {
	return s.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return c.Do(ctx, c.B().Hscan().Key(s.layout.records).Cursor(from).Count(count).Build())
	}).AsScanEntry()
}

// wrote notes what this store announced last. As long as the log has not been read that far, it is watched for: a failover
// that loses it must be seen.
func (s *Store) wrote(entry string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry != "" && after(entry, s.written) {
		s.written = entry
	}
}

// after reports whether entry a of the log stands after entry b.
func after(a, b string) bool {
	aTime, aNumber := splitEntry(a)
	bTime, bNumber := splitEntry(b)
	return aTime > bTime || aTime == bTime && aNumber > bNumber
}

func splitEntry(id string) (millis, number uint64) {
	before, behind, _ := strings.Cut(id, "-")
	// The server made it; what is no number is 0.
	millis, _ = strconv.ParseUint(before, 10, 64)
	number, _ = strconv.ParseUint(behind, 10, 64)
	return millis, number
}
