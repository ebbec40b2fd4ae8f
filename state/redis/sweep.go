package redis

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// sweepEvery is how often one replica of the fleet sweeps out records that say nothing any more.
const sweepEvery = time.Hour

// sweep removes old records, if it is time and no other replica does. What fails waits for the next time: it is only room.
func (f *follower) sweep(ctx context.Context) {
	s := f.store
	if f.checked.Sub(f.swept) < sweepEvery {
		return
	}
	f.swept = f.checked
	claimed, err := s.claimSweep(ctx)
	if err != nil || !claimed {
		return
	}
	_ = s.removeOld(ctx)
}

func (s *Store) claimSweep(ctx context.Context) (bool, error) {
	err := s.do(ctx, func(ctx context.Context, c rueidis.Client) rueidis.RedisResult {
		return c.Do(ctx, c.B().Set().Key(s.layout.sweep).Value(s.name).Nx().Px(sweepEvery).Build())
	}).Error()
	if rueidis.IsRedisNil(err) {
		return false, nil
	}
	return err == nil, err
}

// removeOld removes the records that say nothing any more. One that changes meanwhile stays.
func (s *Store) removeOld(ctx context.Context) error {
	var old []*change
	now := s.clock.now().Add(s.Offset()).UnixNano()
	err := s.scan(ctx, func(field, value string) {
		if record, err := s.readRecord(field, value); err == nil && !record.Prune(cooldown.Instant(now)) {
			tag, _, _ := strings.Cut(value, " ")
			old = append(old, &change{field: field, present: tag})
		}
	})
	for some := range slices.Chunk(old, recordsAtOnce) {
		if err == nil {
			_, err = s.write(ctx, some)
		}
	}
	return err
}
