package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis/internal/guard"
)

const (
	// recordsAtOnce bounds what one script does while the server does nothing else.
	recordsAtOnce = 128
	// maxRounds is how often a write is tried again because others wrote first. In each round somebody succeeds.
	maxRounds = 64
)

// change is a record on its way into the store.
type change struct {
	field   string
	record  *cooldown.Record
	present string // value in the store that record was merged into
	value   string // to write
}

// Save merges a batch into what is kept, records first. Parts of it may be kept if it fails. The error is state.ErrPassedOver
// where all is kept but records that are there and cannot be read here.
func (s *Store) Save(ctx context.Context, batch state.Batch) error {
	var passed error
	for some := range slices.Chunk(batch.Records, recordsAtOnce) {
		switch err := s.saveRecords(ctx, some); {
		case errors.Is(err, state.ErrPassedOver):
			passed = fmt.Errorf("save records to redis: %w", err)
		case err != nil:
			return fmt.Errorf("save records to redis: %w", err)
		}
	}
	for some := range slices.Chunk(batch.Bindings, bindingsAtOnce) {
		if err := s.saveBindings(ctx, some); err != nil {
			return fmt.Errorf("save bindings to redis: %w", err)
		}
	}
	return passed
}

func (s *Store) saveRecords(ctx context.Context, records []cooldown.Record) error {
	changes := make([]*change, len(records))
	fields := make([]string, len(records))
	for i := range records {
		fields[i] = state.FormatKey(records[i].Key)
		changes[i] = &change{field: fields[i], record: &records[i]}
	}
	present, err := s.present(ctx, fields)
	if err != nil {
		return err
	}
	var passed error
	for range maxRounds {
		if changes, err = s.merge(changes, present); err != nil {
			passed = err
		}
		if len(changes) == 0 {
			return passed
		}
		if present, err = s.write(ctx, changes); err != nil {
			return err
		}
		if len(present) == 0 {
			return passed
		}
	}
	return errors.New("others kept writing the same records")
}

// present values of fields; empty: it is not there. Where they are too long for one reply, each half is asked for.
func (s *Store) present(ctx context.Context, fields []string) (map[string]string, error) {
	values, err := s.presentAtOnce(ctx, fields)
	if !errors.Is(err, guard.ErrTooLarge) || len(fields) == 1 {
		return values, err
	}
	values, err = s.present(ctx, fields[:len(fields)/2])
	if err != nil {
		return nil, err
	}
	rest, err := s.present(ctx, fields[len(fields)/2:])
	maps.Copy(values, rest)
	return values, err
}

func (s *Store) presentAtOnce(ctx context.Context, fields []string) (map[string]string, error) {
	answer, err := s.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return c.Do(ctx, c.B().Hmget().Key(s.layout.records).Field(fields...).Build())
	}).ToArray()
	if err != nil {
		return nil, err
	}
	if len(answer) != len(fields) {
		return nil, fmt.Errorf("HMGET of %d fields answers with %d", len(fields), len(answer))
	}
	values := make(map[string]string, len(fields))
	for i, field := range fields {
		if values[field], err = answer[i].ToString(); err != nil && !rueidis.IsRedisNil(err) {
			return nil, err
		}
	}
	return values, nil
}

// merge takes what is present into the changes concerned, and returns those that have to be written. What is damaged, or
// carries no MAC of the fleet's, helps nobody and is replaced; what a newer version wrote, or is too long, is passed over, and the error says so.
func (s *Store) merge(changes []*change, present map[string]string) (left []*change, passed error) {
	for _, c := range changes {
		value, asked := present[c.field]
		if !asked {
			continue
		}
		tag, body, _ := strings.Cut(value, " ")
		merged := cooldown.Record{Key: c.record.Key}
		var err error
		if value != "" {
			merged, err = s.readRecord(c.field, value)
			if errors.Is(err, state.ErrNewer) || errors.Is(err, errTooLong) {
				passed = fmt.Errorf("%w: %w", state.ErrPassedOver, err)
				continue
			}
			merged.Key = c.record.Key
		}
		merged.Merge(c.record)
		text := string(state.FormatRecord(&merged))
		if text == body && err == nil {
			continue
		}
		c.present, c.value = tag, s.macs.signRecord(c.field, s.tag(), text)
		if err := checkLength(c.field, c.value); err != nil { // nobody could read it
			s.unread.add(c.field, err)
			passed = fmt.Errorf("%w: %w", state.ErrPassedOver, err)
			continue
		}
		left = append(left, c)
	}
	return left, passed
}

// write writes changes and returns the present values of those that others wrote first.
func (s *Store) write(ctx context.Context, changes []*change) (map[string]string, error) {
	args := make([]string, 0, 3*len(changes))
	for _, c := range changes {
		args = append(args, c.field, c.present, c.value)
	}
	answer, err := s.run(ctx, s.scripts.write, []string{s.layout.records, s.layout.log}, args...).AsStrSlice()
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return nil, errors.New("write.lua answers with nothing")
	}
	s.wrote(answer[0])
	late := map[string]string{}
	for i := 1; i+1 < len(answer); i += 2 {
		late[answer[i]] = answer[i+1]
	}
	return late, nil
}
