package selector

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/alike"
	"github.com/credbroker/credbroker/selector/internal/doubt"
	"github.com/credbroker/credbroker/selector/internal/firstturn"
)

// Config is what a Pool is made of.
type Config struct {
	// Settings of selection.
	Settings Settings
	// Bindings keep sessions on their auth; nil: sessions are not bound.
	Bindings Bindings
	// Seed makes what is random: backoff jitter and where group cursors start.
	Seed uint64
	// Recording: changes are kept for Take until it is called.
	Recording bool
	// Permits: what is half-open is probed only with a permit, see Wanted and Grant.
	Permits bool
	// Wake is called when there is something new for Take, Wanted or Returned; nil: nobody is told. The pool calls it under
	// its own lock, so it must not wait and must not call back.
	Wake func()
	// CursorStart is the first value of a rotation's cursor. Replicas of a fleet use different ones.
	CursorStart uint64
}

// Pool knows the auths and their state and decides picks. All methods may be called concurrently.
type Pool struct {
	bindings    Bindings
	seed        uint64
	cursorStart uint64

	// updating serialises changes of the membership; it is taken before mu.
	updating sync.Mutex
	// names is runtime.index, of which readers without a lock see the providers' names alone: those are fixed.
	names atomic.Pointer[index]

	// mu guards everything below.
	mu       sync.Mutex
	settings Settings
	rules    []Rule // of the settings, under the names of the pool
	runtime  runtimeState
	outages  alike.Log[*identity, scope]
	doubts   doubt.Log[*Auth, cooldown.Finding, *subject]
	routes   routes
	random   *rand.Rand
	last     cooldown.Instant // stamp

	uses       uint64 // counts picks
	firstTurns firstturn.Log[SessionKey]

	// Scratch of a pick.
	excluded []*member
	scratch  []int32
}

// New returns a pool without auths.
func New(c Config) *Pool {
	if c.Wake == nil {
		c.Wake = func() {}
	}
	p := &Pool{
		bindings: c.Bindings, seed: c.Seed, cursorStart: c.CursorStart, settings: c.Settings,
		runtime: newRuntime(c), doubts: doubt.Log[*Auth, cooldown.Finding, *subject]{Span: cooldown.AttemptSpan},
		random: rand.New(rand.NewPCG(c.Seed, c.Seed)), //nolint:gosec // jitter is no secret
	}
	x := p.runtime.index
	x.lists, x.parts = x.partition(c.Settings.Lists)
	p.routes.init()
	p.names.Store(p.runtime.index)
	p.setRules()
	return p
}

// Configure changes the settings. Cursors, bindings and cooldowns stay.
func (p *Pool) Configure(s Settings) {
	p.updating.Lock()
	defer p.updating.Unlock()
	// Only Configure writes p.settings, and the index and its parts change under p.updating alone.
	lists, parts := p.runtime.index.partition(slices.Concat(s.Lists, p.settings.Lists))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runtime.setParts(lists, parts)
	p.routes.keep(lists)
	p.settings = s
	p.setRules()
	p.routes.each(func(r *route) { r.strategy = p.strategyFor(r.key) })
}

// Advance works off up to limit ends of cooldowns that are over at now, and returns when to call it next: zero if
// nothing will end. A pick does a little of that work itself, so late calls cost fairness, not correctness.
func (p *Pool) Advance(now time.Time, limit int) (next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runtime.advance(cooldown.InstantOf(now), limit)
	if t := p.runtime.timers.Next(); t != nil {
		return cooldown.Instant(t.Due()).Time()
	}
	return time.Time{}
}

// letPass lets go of a lock for a moment, so that others get it.
func letPass(mu *sync.Mutex) {
	mu.Unlock()
	runtime.Gosched()
	mu.Lock()
}

// stamp is the time at which something is taken in: later than all that was before.
func (p *Pool) stamp(now time.Time) cooldown.Instant {
	p.last = max(cooldown.InstantOf(now), p.last+1)
	return p.last
}
