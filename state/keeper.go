package state

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// The engines, as they are called in listings, metrics and the log.
const (
	EngineJournal = "journal"
	EngineRedis   = "redis"
)

// takeLimit is how many records are taken from the pool under one hold of its lock.
const takeLimit = 256

// KeeperConfig is what a Keeper is made of.
type KeeperConfig struct {
	// Pool that records its changes, and that raises Signal when it has some. Required.
	Pool *selector.Pool
	// Table that the pool keeps its bindings in, and that notes what changes. Required.
	Table *bindings.Table
	// Local keeps state on this machine; nil: nothing does.
	Local Store
	// Fleet shares state with other replicas; nil: there are none. The pool then needs Permits.
	Fleet Fleet
	// Keys are those of the pool and the table, as JoinKeys gave them.
	Keys Keys
	// Signal that the pool raises. Required.
	Signal Signal
	// Clock is that of this machine; nil: time.Now.
	Clock func() time.Time
	// TTL of a binding now; nil: bindings.DefaultTTL.
	TTL func() time.Duration
	// Observer is told what happens; nil: nobody is.
	Observer Observer
}

// Observer is told what a keeper does, for metrics and the log. Its methods are called concurrently and must not wait.
type Observer interface {
	// Saved: a batch was saved, or could not be.
	Saved(engine string, records, bindings int, took time.Duration, err error)
	// Turned: an engine does not work any more, or has worked again for a while (nil); once for each outage.
	Turned(engine string, err error)
	// Heard: another replica's change arrived, this long after it was made.
	Heard(after time.Duration)
	// Claimed: the fleet was asked what a session is bound to. Moved: to something else than this replica chose.
	Claimed(took time.Duration, moved bool, err error)
	// Decided: this replica bound a session without asking the fleet, because that has not answered in time.
	Decided()
}

// Keeper keeps the state of a pool and a table in stores: it loads what is kept, saves what changes, and takes in what
// other replicas do.
type Keeper struct {
	pool     *selector.Pool
	table    *bindings.Table
	keys     Keys
	signal   Signal
	clock    func() time.Time
	ttl      func() time.Duration
	observer Observer

	local, shared *saver // nil: there is none
	fleet         Fleet
	healths       []*health
	localHealth   *health
	fleetHealth   *health

	reachable atomic.Bool // as far as is known
	offered   atomic.Bool // all that this replica knows, since it started
	claims    claims
	asked     asked
	permits   permits
	resync    Signal      // all that this replica knows is to be offered to the fleet
	lost      atomic.Bool // the fleet's bindings may be, too

	// collecting is held while changes go from the pool and the table to the savers, so that they get there in order.
	collecting sync.Mutex
}

// NewKeeper returns a keeper that does nothing yet: Load, then Run.
func NewKeeper(c KeeperConfig) *Keeper {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.TTL == nil {
		c.TTL = func() time.Duration { return bindings.DefaultTTL }
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	k := &Keeper{
		pool: c.Pool, table: c.Table, keys: c.Keys, signal: c.Signal, clock: c.Clock, ttl: c.TTL, observer: c.Observer,
		fleet: c.Fleet, resync: NewSignal(),
	}
	k.claims.init()
	k.permits.work = NewSignal()
	if c.Local != nil {
		k.localHealth = k.newHealth(EngineJournal)
		k.local = k.newSaver(c.Local, k.localHealth)
	}
	if c.Fleet != nil {
		k.fleetHealth = k.newHealth(EngineRedis)
		k.shared = k.newSaver(c.Fleet, k.fleetHealth)
	}
	return k
}

func (k *Keeper) newHealth(engine string) *health {
	h := &health{engine: engine, turned: k.observer.Turned}
	k.healths = append(k.healths, h)
	return h
}

func (k *Keeper) newSaver(store Store, h *health) *saver {
	return newSaver(store, func(b Batch, took time.Duration, err error) {
		h.set(partSave, err)
		if err == nil && h == k.fleetHealth && k.lost.Load() {
			k.resync.Raise()
		}
		k.observer.Saved(h.engine, len(b.Records), len(b.Bindings), took, err)
	})
}

// Now is fleet time: what the pool, the table and all that they are told must go by.
func (k *Keeper) Now() time.Time { return FleetTime(k.clock, k.fleet)() }

// FleetTime is a clock that goes by the fleet's; without a fleet it is the local one.
func FleetTime(local func() time.Time, fleet Fleet) func() time.Time {
	if fleet == nil {
		return local
	}
	return func() time.Time { return local().Add(fleet.Offset()) }
}

// Load hands the pool and the table what is kept. Call it once, when the pool has its auths and before anything is picked.
// What the fleet knows is waited for if nothing is kept here; else Run takes it in when it is there.
func (k *Keeper) Load(ctx context.Context) error {
	if k.local != nil {
		if err := k.loadLocal(ctx); err != nil {
			return err
		}
	}
	if k.fleet == nil {
		return nil
	}
	limited, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	err := k.fleet.Load(limited, k.following())
	if err != nil && k.local == nil {
		return fmt.Errorf("load state of the fleet: %w", err)
	}
	k.fleetHealth.set(partFollow, err)
	k.reachable.Store(err == nil)
	return nil
}

// Run keeps state until ctx ends. What it has not saved by then is left for Flush.
func (k *Keeper) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { k.collectAll(ctx) })
	if k.local != nil {
		loops.Go(func() { k.local.run(ctx) })
		loops.Go(func() { k.watchLocal(ctx) })
	}
	if k.local != nil || k.fleet != nil {
		loops.Go(func() { k.collectBindings(ctx) })
	}
	if k.fleet != nil {
		loops.Go(func() { k.shared.run(ctx) })
		loops.Go(func() { k.follow(ctx) })
		loops.Go(func() { k.keepPermits(ctx) })
		loops.Go(func() { k.watchClaims(ctx) })
		loops.Go(func() { k.offerAll(ctx) })
	}
	loops.Wait()
}

// Flush saves what is not saved yet. Call it after Run, when nothing changes any more.
func (k *Keeper) Flush(ctx context.Context) error {
	s := k.keeping()
	if s == nil {
		return nil
	}
	k.collect()
	// Noticed now, it is mended now: the next start would find nothing.
	if k.checkLocal(ctx) != nil {
		_ = k.checkLocal(ctx)
	}
	for more := true; more; {
		more = k.takeBindings(bindingsLimit)
		if err := s.save(ctx); err != nil {
			return fmt.Errorf("save state: %w", err)
		}
	}
	if k.shared != nil && s != k.shared {
		// What is on disk the fleet is offered at the next start, if it does not hear of it now.
		_ = k.shared.save(ctx)
	}
	return nil
}

// ErrNotKept is what Durable's errors are.
var ErrNotKept = errors.New("what was changed could not be kept")

// Durable returns once what was changed so far of an auth is kept: on disk, or else by the fleet.
func (k *Keeper) Durable(ctx context.Context, authID string) error {
	s := k.keeping()
	if s == nil {
		return nil
	}
	return kept(s.wait(ctx, mark{changes: k.pool.ChangedAt(authID)}))
}

// savers are those that there are.
func (k *Keeper) savers() []*saver {
	all := make([]*saver, 0, 2)
	for _, s := range []*saver{k.local, k.shared} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// keeping is what an acknowledgement waits for; nil: nothing is kept.
func (k *Keeper) keeping() *saver {
	if k.local != nil {
		return k.local
	}
	return k.shared
}

func kept(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return nil
}

// collectAll collects whenever the pool says that it has something, until ctx ends.
func (k *Keeper) collectAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.signal:
			k.collect()
			k.permits.work.Raise()
		}
	}
}

// collect hands what the pool has changed to the savers.
func (k *Keeper) collect() {
	k.collecting.Lock()
	defer k.collecting.Unlock()
	for more := true; more; {
		var (
			records []cooldown.Record
			changes uint64
		)
		if records, changes, more = k.pool.Take(takeLimit); more {
			changes = 0 // it counts what is still to come
		}
		k.put(Batch{Records: records}, changes)
	}
}

func (k *Keeper) put(b Batch, changes uint64) {
	for _, s := range k.savers() {
		s.add(b, changes)
	}
}

// Engine is how one engine is doing.
type Engine struct {
	Name string
	// Failure is why it does not work; nil: it does.
	Failure error
	// Records and Bindings wait to be saved.
	Records, Bindings int
}

// Detail says what is wrong, and what that leaves behind; empty: nothing is.
func (e *Engine) Detail() string {
	if e.Failure == nil {
		return ""
	}
	return fmt.Sprintf("%v; %d records and %d bindings wait", e.Failure, e.Records, e.Bindings)
}

// Engines are the engines that there are.
func (k *Keeper) Engines() []Engine {
	engines := make([]Engine, 0, len(k.healths))
	for _, h := range k.healths {
		s := k.local
		if h == k.fleetHealth {
			s = k.shared
		}
		e := Engine{Name: h.engine, Failure: h.failure()}
		e.Records, e.Bindings = s.pending()
		engines = append(engines, e)
	}
	return engines
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Saved(string, int, int, time.Duration, error) {}
func (nobody) Turned(string, error)                         {}
func (nobody) Heard(time.Duration)                          {}
func (nobody) Claimed(time.Duration, bool, error)           {}
func (nobody) Decided()                                     {}
