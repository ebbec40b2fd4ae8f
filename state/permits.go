package state

import (
	"context"
	"time"

	"github.com/credbroker/credbroker/selector"
)

const (
	// permitTimeout is how long one claim of a permit may take.
	permitTimeout = time.Second
	// permitTries is how often a claim is sent that gets no answer before this replica decides alone.
	permitTries = 3
	// permitPause is the time until a permit that another replica has is asked for again.
	permitPause = time.Second
)

// permits are those that the pool wants and those that it has. The goroutine of keepPermits alone uses them.
type permits struct {
	work Notifier
	// wanted are asked for until the pool has them or wants them no longer. alone were granted without the fleet.
	wanted, standalone permitList
	// mute: the fleet gave no answer in this round, so it is not asked again.
	unreachable bool
}

// permitList is a set that keeps its order. All auths of a large pool may be in it at once.
type permitList struct {
	keys []selector.PermitKey // those that were removed are still here, without a place
	at   map[selector.PermitKey]int
}

func (l *permitList) add(key selector.PermitKey) {
	if _, known := l.at[key]; known {
		return
	}
	if l.at == nil {
		l.at = make(map[selector.PermitKey]int)
	}
	l.at[key] = len(l.keys)
	l.keys = append(l.keys, key)
}

// remove reports whether the key was there.
func (l *permitList) remove(key selector.PermitKey) bool {
	_, known := l.at[key]
	delete(l.at, key)
	return known
}

// take empties the set and returns what was in it.
func (l *permitList) drain() []selector.PermitKey {
	left := l.keys[:0]
	for i, key := range l.keys {
		if at, known := l.at[key]; known && at == i {
			left = append(left, key)
		}
	}
	*l = permitList{}
	return left
}

// keepPermits gets the pool the permits that it wants, and gives back those that it does not need, until ctx ends.
func (k *Persister) keepPermits(ctx context.Context) {
	again := time.NewTimer(permitPause)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.permits.work:
		case <-again.C:
		}
		// In this order: a permit that is wanted anew was given back before.
		wanted, returned := k.pool.Wanted(), k.pool.Returned()
		k.giveBackAll(ctx, returned)
		k.confirmPermits(ctx)
		k.claimPermits(ctx, wanted)
		if len(k.permits.wanted.at)+len(k.permits.standalone.at) > 0 {
			again.Reset(permitPause)
		}
	}
}

// giveBackAll gives back what the pool does not need any more. Without an answer permits end by themselves, so the first that
// gets none is the last that is waited for.
func (k *Persister) giveBackAll(ctx context.Context, returned []selector.PermitKey) {
	answered := k.reachable.Load()
	for _, key := range returned {
		if !k.permits.standalone.remove(key) && answered {
			answered = k.giveBack(ctx, key)
		}
	}
}

// giveBack reports whether there was an answer.
func (k *Persister) giveBack(ctx context.Context, key selector.PermitKey) bool {
	ctx, cancel := context.WithTimeout(ctx, permitTimeout)
	defer cancel()
	return k.fleet.GiveBack(ctx, key) == nil
}

// confirmPermits asks for the permits that were granted without the fleet, now that it can be reached. Those that another
// replica has are taken away again.
func (k *Persister) confirmPermits(ctx context.Context) {
	answered := true
	for _, key := range k.permits.standalone.drain() {
		ok := false
		if answered = answered && k.reachable.Load(); answered {
			var err error
			ok, err = k.claim(ctx, key, k.pool.PermitLease())
			answered = err == nil
		}
		switch {
		case !answered:
			k.permits.standalone.add(key)
		case !ok:
			k.pool.Revoke(key, k.Now())
		}
	}
}

// claimPermits asks for what the pool wants now, and for what others had when it was asked for before.
func (k *Persister) claimPermits(ctx context.Context, wanted []selector.PermitKey) {
	for _, key := range wanted {
		k.permits.wanted.add(key)
	}
	k.permits.unreachable = false
	for _, key := range k.permits.wanted.drain() {
		if k.pool.Wants(key) && !k.claimPermit(ctx, key) {
			k.permits.wanted.add(key)
		}
	}
}

// claimPermit asks for one permit. False: another replica has it.
func (k *Persister) claimPermit(ctx context.Context, key selector.PermitKey) bool {
	lease := k.pool.PermitLease()
	// The lease counts from before it was asked for, so that it is over here first.
	until := k.Now().Add(lease)
	for try := 0; try < permitTries && !k.permits.unreachable && k.reachable.Load(); try++ {
		switch ok, err := k.claim(ctx, key, lease); {
		case ctx.Err() != nil:
			return false
		case err != nil:
			continue
		case ok && !k.pool.Grant(key, until, k.Now()):
			k.giveBack(ctx, key)
			return true
		default:
			return ok
		}
	}
	k.permits.unreachable = true
	if k.pool.Grant(key, until, k.Now()) {
		k.permits.standalone.add(key)
	}
	return true
}

func (k *Persister) claim(ctx context.Context, key selector.PermitKey, lease time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, permitTimeout)
	defer cancel()
	return k.fleet.Claim(ctx, key, lease)
}
