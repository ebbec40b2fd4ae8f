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

// collectLimit is how many records are taken from the pool under one hold of its lock.
const collectLimit = 256

// PersisterConfig is what a Persister is made of.
type PersisterConfig struct {
	// Pool that records its changes, and that notifies Notifier when it has some. Required.
	Pool *selector.Pool
	// Table that the pool keeps its bindings in, and that notes what changes. Required.
	Table *bindings.Table
	// Local keeps state on this machine; nil: nothing does.
	Local Store
	// Fleet shares state with other replicas; nil: there are none. The pool then needs Permits.
	Fleet Fleet
	// Keys are those of the pool and the table, as JoinKeys gave them.
	Keys Keys
	// Notifier that the pool calls. Required.
	Notifier Notifier
	// Clock is that of this machine; nil: time.Now.
	Clock func() time.Time
	// TTL of a binding now; nil: bindings.DefaultTTL.
	TTL func() time.Duration
	// Observer learns what happens; nil: nobody does.
	Observer Observer
}

// Observer learns what a persister does, for metrics and the log. Its methods are called concurrently and must not wait.
type Observer interface {
	// Saved: a batch was saved, or could not be.
	Saved(engine string, records, bound int, took time.Duration, err error)
	// HealthChanged: an engine does not work any more, or has worked again for a while (nil); once for each outage.
	HealthChanged(engine string, err error)
	// ReplicationLag: another replica's change arrived, this long after it was made.
	ReplicationLag(after time.Duration)
	// Claimed: the fleet was asked what a session is bound to. Moved: to something else than this replica chose.
	Claimed(took time.Duration, moved bool, err error)
	// Unconfirmed: this replica bound a session without asking the fleet, because that has not answered in time.
	Unconfirmed()
}

// Persister keeps the state of a pool and a table in stores: it loads what is kept, saves what changes, and takes in what
// other replicas do.
type Persister struct {
	pool     *selector.Pool
	table    *bindings.Table
	keys     Keys
	notifier Notifier
	clock    func() time.Time
	observer Observer

	local, shared *saver // nil: there is none
	fleet         Fleet

	reachable    atomic.Bool // as far as is known
	offered      atomic.Bool // all that this replica knows, since it started
	claims       claims
	permits      permits
	resync       Notifier    // all that this replica knows is to be offered to the fleet
	bindingsLost atomic.Bool // the fleet's bindings may be, too

	// collecting is held while changes go from the pool and the table to the savers, so that they get there in order.
	collecting sync.Mutex
	// withheld are changes of bindings that the fleet was being asked about when they were taken.
	withheld map[selector.SessionKey]BoundSession
}

// NewPersister returns a persister that does nothing yet: Load, then Run.
func NewPersister(c PersisterConfig) *Persister {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.TTL == nil {
		c.TTL = func() time.Duration { return bindings.DefaultTTL }
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	k := &Persister{
		pool: c.Pool, table: c.Table, keys: c.Keys, notifier: c.Notifier, clock: c.Clock, observer: c.Observer,
		fleet: c.Fleet, resync: NewNotifier(), withheld: make(map[selector.SessionKey]BoundSession),
	}
	if c.Local != nil {
		k.local = k.newSaver(EngineJournal, c.Local)
	}
	if c.Fleet != nil {
		k.shared = k.newSaver(EngineRedis, c.Fleet)
		k.permits = permits{pool: c.Pool, fleet: c.Fleet, now: k.Now, reachable: &k.reachable, work: NewNotifier()}
		k.claims = claims{
			pool: c.Pool, table: c.Table, fleet: c.Fleet, keys: c.Keys, clock: c.Clock, now: k.Now, ttl: c.TTL,
			observer: c.Observer, health: &k.shared.health, check: NewNotifier(),
			underWay: make(map[selector.SessionKey]*claim), confirmed: make(map[selector.SessionKey]struct{}),
		}
	}
	return k
}

func (k *Persister) newSaver(engine string, store Store) *saver {
	s := newSaver(store)
	s.health = health{engine: engine, onChange: k.observer.HealthChanged}
	s.onSaved = func(b Batch, took time.Duration, err error) {
		s.health.set(partSave, err)
		if err == nil && s == k.shared && k.bindingsLost.Load() {
			k.resync.Notify()
		}
		k.observer.Saved(engine, len(b.Records), len(b.Bindings), took, err)
	}
	return s
}

// Pick is Pool.Pick for a replica of a fleet: where a session is bound anew, all replicas come to the same. Picks of a
// session that this replica knows ask nobody, and wait for nobody but another pick that is asking about this very session.
func (k *Persister) Pick(ctx context.Context, req *selector.Request, now time.Time) (selector.Pick, error) {
	if k.fleet == nil || len(req.Sessions)+len(req.Pins) == 0 || req.Options&selector.DryRun != 0 {
		return k.pool.Pick(req, now)
	}
	return k.claims.pick(ctx, req, now)
}

// Now is fleet time: what the pool, the table and all that they are given must go by.
func (k *Persister) Now() time.Time { return FleetTime(k.clock, k.fleet)() }

// FleetTime is a clock that goes by the fleet's; without a fleet it is the local one.
func FleetTime(local func() time.Time, fleet Fleet) func() time.Time {
	if fleet == nil {
		return local
	}
	return func() time.Time { return local().Add(fleet.Offset()) }
}

// Load hands the pool and the table what is kept. Call it once, when the pool has its auths and before anything is picked.
// What the fleet knows is waited for if nothing is kept here; else Run takes it in when it is there.
func (k *Persister) Load(ctx context.Context) error {
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
	k.shared.health.set(partFollow, err)
	k.reachable.Store(err == nil)
	return nil
}

// Run keeps state until ctx ends. What it has not saved by then is left for Flush.
func (k *Persister) Run(ctx context.Context) {
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
		loops.Go(func() { k.permits.run(ctx) })
		loops.Go(func() { k.claims.confirmBehind(ctx) })
		loops.Go(func() { k.resyncFleet(ctx) })
	}
	loops.Wait()
}

// Flush saves what is not saved yet. Call it after Run, when nothing changes any more.
func (k *Persister) Flush(ctx context.Context) error {
	s := k.durableSaver()
	if s == nil {
		return nil
	}
	k.collect()
	// Noticed now, it is mended now: the next start would find nothing.
	if k.checkLocal(ctx) != nil {
		_ = k.checkLocal(ctx)
	}
	for more := true; more; {
		more = k.queueChangedBindings(bindingsLimit)
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
func (k *Persister) Durable(ctx context.Context, authID string) error {
	s := k.durableSaver()
	if s == nil {
		return nil
	}
	return notKept(s.wait(ctx, sequence{changes: k.pool.ChangedAt(authID)}))
}

// savers are those that there are.
func (k *Persister) savers() []*saver {
	all := make([]*saver, 0, 2)
	for _, s := range []*saver{k.local, k.shared} {
		if s != nil {
			all = append(all, s)
		}
	}
	return all
}

// durableSaver is the one that an acknowledgement waits for; nil: nothing is kept.
func (k *Persister) durableSaver() *saver {
	if k.local != nil {
		return k.local
	}
	return k.shared
}

func notKept(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotKept, err)
	}
	return nil
}

// collectAll collects whenever the pool says that it has something, until ctx ends.
func (k *Persister) collectAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.notifier:
			k.collect()
			k.permits.work.Notify()
		}
	}
}

// collect hands what the pool has changed to the savers.
func (k *Persister) collect() {
	k.collecting.Lock()
	defer k.collecting.Unlock()
	for more := true; more; {
		var (
			records []cooldown.Record
			changes uint64
		)
		if records, changes, more = k.pool.Take(collectLimit); more {
			changes = 0 // it counts what is still to come
		}
		k.queue(Batch{Records: records}, changes)
	}
}

func (k *Persister) queue(b Batch, changes uint64) {
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
func (k *Persister) Engines() []Engine {
	savers := k.savers()
	engines := make([]Engine, 0, len(savers))
	for _, s := range savers {
		e := Engine{Name: s.health.engine, Failure: s.health.failure()}
		e.Records, e.Bindings = s.pending()
		engines = append(engines, e)
	}
	return engines
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Saved(string, int, int, time.Duration, error) {}
func (nobody) HealthChanged(string, error)                  {}
func (nobody) ReplicationLag(time.Duration)                 {}
func (nobody) Claimed(time.Duration, bool, error)           {}
func (nobody) Unconfirmed()                                 {}
