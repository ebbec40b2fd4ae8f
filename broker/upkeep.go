package broker

import (
	"context"
	"time"
)

const (
	// maxIdle is the longest time between two rounds: a cooldown that was reported meanwhile may end before the next end
	// that the pool knew of.
	maxIdle = time.Second
	// upkeepBatch is how many ends are handled at a time, so that picks get the lock in between.
	upkeepBatch = 1024
)

// upkeep removes cooldowns and bindings that have ended, until ctx ends. Picks are right without it; it bounds listings and
// memory.
func (b *Broker) upkeep(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(b.expire(b.Now()))
	}
}

// expire removes one batch and returns how long to wait for the next; 0: there is more to do.
func (b *Broker) expire(now time.Time) time.Duration {
	removed := b.table.Expire(now, upkeepBatch)
	next := b.pool.Advance(now, upkeepBatch)
	if removed == upkeepBatch {
		return 0
	}
	if next.IsZero() {
		return maxIdle
	}
	return min(max(0, next.Sub(now)), maxIdle)
}
