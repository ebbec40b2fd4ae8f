package state

import (
	"context"
	"sync/atomic"
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

// permits are the probe permits that the pool wants and those that it has. The goroutine of run alone uses the lists.
type permits struct {
	pool      *selector.Pool
	fleet     Fleet
	now       func() time.Time
	reachable *atomic.Bool

	work Notifier
	// wanted are asked for until the pool has them or wants them no longer. standalone were granted without the fleet.
	wanted, standalone permitList
	// unreachable: the fleet gave no answer in this round, so it is not asked again.
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

// drain empties the set and returns what was in it.
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

// run gets the pool the permits that it wants, and gives back those that it does not need, until ctx ends.
func (p *permits) run(ctx context.Context) {
	again := time.NewTimer(permitPause)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.work:
		case <-again.C:
		}
		// In this order: a permit that is wanted anew was given back before.
		wanted, returned := p.pool.Wanted(), p.pool.Returned()
		p.giveBackAll(ctx, returned)
		p.confirm(ctx)
		p.claimWanted(ctx, wanted)
		if len(p.wanted.at)+len(p.standalone.at) > 0 {
			again.Reset(permitPause)
		}
	}
}

// giveBackAll gives back what the pool does not need any more. Without an answer permits end by themselves, so the first that
// gets none is the last that is waited for.
func (p *permits) giveBackAll(ctx context.Context, returned []selector.PermitKey) {
	answered := p.reachable.Load()
	for _, key := range returned {
		if !p.standalone.remove(key) && answered {
			answered = p.giveBack(ctx, key)
		}
	}
}

// giveBack reports whether there was an answer.
func (p *permits) giveBack(ctx context.Context, key selector.PermitKey) bool {
	ctx, cancel := context.WithTimeout(ctx, permitTimeout)
	defer cancel()
	return p.fleet.GiveBack(ctx, key) == nil
}

// confirm asks for the permits that were granted without the fleet, now that it can be reached. Those that another
// replica has are taken away again.
func (p *permits) confirm(ctx context.Context) {
	answered := true
	for _, key := range p.standalone.drain() {
		ok := false
		if answered = answered && p.reachable.Load(); answered {
			var err error
			ok, err = p.claim(ctx, key, p.pool.PermitLease())
			answered = err == nil
		}
		switch {
		case !answered:
			p.standalone.add(key)
		case !ok:
			p.pool.Revoke(key, p.now())
		}
	}
}

// claimWanted asks for what the pool wants now, and for what others had when it was asked for before.
func (p *permits) claimWanted(ctx context.Context, wanted []selector.PermitKey) {
	for _, key := range wanted {
		p.wanted.add(key)
	}
	p.unreachable = false
	for _, key := range p.wanted.drain() {
		if p.pool.Wants(key) && !p.claimOne(ctx, key) {
			p.wanted.add(key)
		}
	}
}

// claimOne asks for one permit. False: another replica has it.
func (p *permits) claimOne(ctx context.Context, key selector.PermitKey) bool {
	lease := p.pool.PermitLease()
	// The lease counts from before it was asked for, so that it is over here first.
	until := p.now().Add(lease)
	for try := 0; try < permitTries && !p.unreachable && p.reachable.Load(); try++ {
		switch ok, err := p.claim(ctx, key, lease); {
		case ctx.Err() != nil:
			return false
		case err != nil:
			continue
		case ok && !p.pool.Grant(key, until, p.now()):
			p.giveBack(ctx, key)
			return true
		default:
			return ok
		}
	}
	p.unreachable = true
	if p.pool.Grant(key, until, p.now()) {
		p.standalone.add(key)
	}
	return true
}

func (p *permits) claim(ctx context.Context, key selector.PermitKey, lease time.Duration) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, permitTimeout)
	defer cancel()
	return p.fleet.Claim(ctx, key, lease)
}
