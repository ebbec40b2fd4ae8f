package state

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

var errCutOff = errors.New("the connection was lost")

// mergeLimit is how many records are merged under one hold of the pool's lock.
const mergeLimit = 64

// checkTimeout is how long the fleet's store may take to say whether it is there.
const checkTimeout = 2 * time.Second

// follow takes in what others do, and goes on after every loss of the connection, until ctx ends.
func (k *Persister) follow(ctx context.Context) {
	pause := minPause
	for ctx.Err() == nil {
		err := k.checkKeys(ctx)
		if err == nil {
			err = k.fleet.Follow(ctx, k.following(), func(resync bool) {
				pause = minPause
				k.caughtUp(resync)
			})
			k.reachable.Store(false)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errCutOff
		}
		k.shared.health.set(partFollow, err)
		sleep(ctx, pause)
		pause = min(2*pause, maxPause)
	}
}

// checkKeys makes sure that the fleet uses the keys of this replica, which it may have lost.
func (k *Persister) checkKeys(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	keys, err := k.fleet.Keys(ctx, k.keys)
	if err == nil && keys != k.keys {
		return ErrOtherKeys
	}
	return err
}

// caughtUp is called when all that the fleet knew has been taken in.
func (k *Persister) caughtUp(resync bool) {
	k.reachable.Store(true)
	k.shared.health.set(partFollow, nil)
	first := !k.offered.Swap(true)
	if resync && !first {
		k.bindingsLost.Store(true)
	}
	if resync || first {
		k.resync.Notify()
	}
	k.shared.work.Notify()
	k.permits.work.Notify()
	k.claims.check.Notify()
}

// resyncFleet offers all that this replica knows whenever the fleet may lack some of it, until ctx ends.
func (k *Persister) resyncFleet(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.resync:
		}
		// A store that lost everything has lost the keys too. If they are taken by now, follow finds out.
		_ = k.checkKeys(ctx)
		k.shared.add(Batch{Records: k.pool.Records()}, 0)
		if k.bindingsLost.Swap(false) {
			k.offerBindings(ctx)
		}
		k.claims.recheck(ctx)
	}
}

// following is the sink for what others do.
func (k *Persister) following() Sink { return following{k} }

type following struct{ *Persister }

// Records is part of Sink. What is news is kept here too, so that a start without the fleet knows it.
func (f following) Records(records []cooldown.Record) {
	// A few at a time, so that picks get the pool's lock in between.
	for some := range slices.Chunk(records, mergeLimit) {
		f.merge(some)
	}
}

func (f following) merge(records []cooldown.Record) {
	now := f.Now()
	news := f.pool.Merge(records, now)
	for i := range news {
		if after := now.Sub(news[i].Latest().Time()); f.reachable.Load() {
			f.observer.ReplicationLag(max(after, 0))
		}
	}
	if f.local != nil && len(news) > 0 {
		f.local.add(Batch{Records: news}, 0)
	}
}

// Bindings is part of Sink.
func (f following) Bindings(bindings []BoundSession) {
	for i := range bindings {
		f.applyBinding(&bindings[i])
	}
}

// sleep waits for a while, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
