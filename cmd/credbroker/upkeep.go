package main

import (
	"context"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

const (
	// maxIdle is the longest time between two looks: a cooldown that was reported meanwhile may end before the next end
	// that the pool knew of.
	maxIdle = time.Second
	// upkeepBatch is how many ends are worked off at a time, so that picks get the lock in between.
	upkeepBatch = 1024
)

// upkeep works off what time has ended: cooldowns in the pool, and bindings in the table. Picks are right without it;
// it keeps listings and memory small.
type upkeep struct {
	pool  *selector.Pool
	table *bindings.Table
	now   func() time.Time
}

// run goes on until ctx is cancelled.
func (u *upkeep) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(u.step())
	}
}

// step works off one batch and returns how long to wait for the next; 0: there is more to do.
func (u *upkeep) step() time.Duration {
	now := u.now()
	removed := u.table.Expire(now, upkeepBatch)
	next := u.pool.Advance(now, upkeepBatch)
	if removed == upkeepBatch {
		return 0
	}
	if next.IsZero() {
		return maxIdle
	}
	return min(max(0, next.Sub(now)), maxIdle)
}
