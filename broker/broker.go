package broker

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/verdict"
)

// Config is what a Broker is made of. Nothing but Settings is needed for one whose state ends with the process and
// whose auths come from Update.
type Config struct {
	// Settings at the start; Configure changes them.
	Settings Settings
	// Local stores state on this machine; nil: nothing does. Fleet shares it with other replicas; nil: there are none.
	Local state.Store
	Fleet state.Fleet
	// Keys are those of the stores, as state.JoinKeys gave them.
	Keys state.Keys
	// PickSecret is what pick ids of callers are sealed with, the same for all replicas; empty: a part of Keys.
	PickSecret []byte
	// Observer of saves and of the health of the stores; nil: there is none.
	Observer state.Observer
	// Auths stores what PutAuth and DeleteAuth write; without it they must not be called.
	Auths AuthStore
	// Configured returns the configuration in force; nil: there is none.
	Configured func() ConfigStatus
	// Clock is that of this machine; nil: time.Now.
	Clock func() time.Time
	// Seed of the pool's generator, and of where rotations of a replica begin.
	Seed uint64
}

// Broker is a running broker.
type Broker struct {
	pool      *selector.Pool
	table     *bindings.Table
	persister *state.Persister
	settings  atomic.Pointer[Settings]
	pickIDs   *pickIDs
	seals     *seals
	ownRules  func() *verdict.Rules

	auths      AuthStore
	configured func() ConfigStatus
}

// New returns a broker without auths that does nothing yet: Update, Load, then Run.
func New(c Config) *Broker {
	if c.Configured == nil {
		c.Configured = func() ConfigStatus { return ConfigStatus{} }
	}
	stored := c.Local != nil || c.Fleet != nil
	notifier := state.NewNotifier()
	secret := c.PickSecret
	if len(secret) == 0 && c.Keys != (state.Keys{}) {
		secret = c.Keys.Session[:]
	}
	b := &Broker{pickIDs: newPickIDs(), seals: newSeals(secret), ownRules: sync.OnceValue(loadRules), auths: c.Auths, configured: c.Configured}
	names := c.Settings.withCallers(nil)
	b.table = bindings.New(bindings.Config{
		TTL: c.Settings.SessionTTL, Max: c.Settings.MaxSessions, HashKey: c.Keys.Session, Recording: stored,
	})
	b.table.SetCallers(names)
	pool := selector.Config{
		Settings: c.Settings.Selection, Bindings: b.table, Seed: c.Seed, Recording: stored, Wake: notifier.Notify,
		Permits: c.Fleet != nil,
	}
	if c.Fleet != nil {
		// Without replicas rotations begin at the first auth, as docs/behaviour.md says; these would all begin with it.
		pool.CursorStart = c.Seed >> 1 // cursors count up from here
	}
	b.pool = selector.New(pool)
	b.persister = state.NewPersister(state.PersisterConfig{
		Pool: b.pool, Table: b.table, Local: c.Local, Fleet: c.Fleet, Keys: c.Keys, Notifier: notifier, Clock: c.Clock,
		TTL: b.sessionTTL, Observer: c.Observer,
	})
	b.settings.Store(&c.Settings)
	return b
}

// loadRules reads the rules of the program, which a test proves to be sound.
func loadRules() *verdict.Rules {
	rules, err := verdict.Load()
	if err != nil {
		panic("the program's own rules: " + err.Error())
	}
	return rules
}

func (b *Broker) sessionTTL() time.Duration {
	return cmp.Or(b.settings.Load().SessionTTL, bindings.DefaultTTL)
}

// Now is fleet time: that of all calls.
func (b *Broker) Now() time.Time { return b.persister.Now() }

// Configure changes the settings for calls that start from now on. Cooldowns, bindings and rotations stay.
func (b *Broker) Configure(settings Settings) {
	names := settings.withCallers(b.settings.Load().Callers)
	b.table.Configure(settings.SessionTTL, settings.MaxSessions)
	b.table.SetCallers(names)
	b.pool.Configure(settings.Selection)
	b.settings.Store(&settings)
}

// Load reads the stored state, and returns how much there is. Call it once, when the auths are there and before any pick.
func (b *Broker) Load(ctx context.Context) (records, bound int, err error) {
	if err := b.persister.Load(ctx); err != nil {
		return 0, 0, err
	}
	return len(b.pool.Records()), b.table.Len(), nil
}

// Run saves what changes and removes what has ended, until ctx ends.
func (b *Broker) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { b.persister.Run(ctx) })
	loops.Go(func() { b.upkeep(ctx) })
	loops.Wait()
}

// Flush saves what is not saved yet. Call it after Run, when nothing changes any more.
func (b *Broker) Flush(ctx context.Context) error { return b.persister.Flush(ctx) }
