package broker

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/verdict"
)

// Config is what a Broker is made of.
type Config struct {
	// Pool decides picks. Required.
	Pool *selector.Pool
	// Table is what the pool keeps its bindings in. Required.
	Table *bindings.Table
	// State keeps what calls change; nil: it is kept in the process alone.
	State State
	// Auths keeps what PutAuth and DeleteAuth write. Required.
	Auths AuthStore
	// Configured tells about the configuration in force. Required.
	Configured func() ConfigStatus
	// Clock is that of the fleet. Required.
	Clock func() time.Time
	// Settings at the start; Configure changes them.
	Settings Settings
}

// Broker is a running broker.
type Broker struct {
	pool     *selector.Pool
	table    *bindings.Table
	state    State
	settings atomic.Pointer[Settings]
	pickIDs  *pickIDs
	ownRules func() *verdict.Rules

	auths      AuthStore
	configured func() ConfigStatus
	clock      func() time.Time
}

// New returns a broker.
func New(c Config) *Broker {
	b := &Broker{
		pool: c.Pool, table: c.Table, state: c.State, pickIDs: newPickIDs(), ownRules: sync.OnceValue(loadRules),
		auths: c.Auths, configured: c.Configured, clock: c.Clock,
	}
	if b.state == nil {
		b.state = memory{pool: c.Pool, sessions: c.Table}
	}
	b.Configure(c.Settings)
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

// Now is the time of the fleet: that of calls.
func (b *Broker) Now() time.Time { return b.clock() }

// Configure changes the settings for calls that start from now on.
func (b *Broker) Configure(settings Settings) { b.settings.Store(&settings) }
