package selector

import "time"

// Config is what a Pool is made of.
type Config struct {
	// Settings of selection.
	Settings Settings
	// Bindings keep sessions on their auth; nil: sessions are not bound.
	Bindings Bindings
	// Seed makes what is random: backoff jitter and where group cursors start.
	Seed uint64
	// CursorStart is the first value of a rotation's cursor. Replicas of a fleet use different ones.
	CursorStart uint64
}

// Pool knows the auths and their state and decides picks. All methods may be called concurrently.
type Pool struct{}

// New returns a pool without auths.
func New(c Config) *Pool { panic("soon") }

// Configure changes the settings. Cursors, bindings and cooldowns stay.
func (p *Pool) Configure(s Settings) { panic("soon") }

// Update adds or replaces the auths of put, and then removes those named by remove. State belongs to identities: a
// replaced auth keeps it, a removed one gets it back when it returns.
func (p *Pool) Update(put []*Auth, remove []string, now time.Time) { panic("soon") }

// Pick chooses an auth. Its errors are ErrAuthNotFound, *CooldownError and *UnavailableError.
func (p *Pool) Pick(req *Request, now time.Time) (Pick, error) { panic("soon") }

// Cooldown blocks an auth, or one model of it, and returns the block in force afterwards. Its errors are ErrUnknownAuth
// and *FieldError (`model`: the auth does not serve it; `until`: not in the future).
func (p *Pool) Cooldown(id string, c Cooldown, now time.Time) (Block, error) { panic("soon") }

// ClearCooldown ends the blocks of one model, or all blocks of the auth if model is blank, and returns how many were in force.
func (p *Pool) ClearCooldown(id, model string, now time.Time) (int, error) { panic("soon") }

// Enable undoes Disable. ErrManagedByConfig: the configuration disables the auth.
func (p *Pool) Enable(id string, now time.Time) error { panic("soon") }

// Disable takes an auth out of rotation.
func (p *Pool) Disable(id, reason string, now time.Time) error { panic("soon") }

// Release ends every binding to an auth and returns how many there were.
func (p *Pool) Release(id, reason string, now time.Time) (int, error) { panic("soon") }

// Status returns one auth. The error is ErrUnknownAuth.
func (p *Pool) Status(id string, now time.Time) (Status, error) { panic("soon") }

// Filter selects auths for List.
type Filter struct {
	// Provider; empty: all.
	Provider string
	// Model that they serve; blank: any. State is then about this model.
	Model string
	// State; 0: any.
	State State
	// After is the id to go on after.
	After string
	// Limit is how many to return at most; 0: all.
	Limit int
}

// List returns the auths that match, in text order of id, and how many match in all, whatever After and Limit.
func (p *Pool) List(f Filter, now time.Time) (page []Status, total int) { panic("soon") }

// PoolCount is how many auths of a provider are in a state.
type PoolCount struct {
	Provider string
	State    State
	Count    int
}

// Counts returns the pool by provider and state, sorted, without zeros.
func (p *Pool) Counts(now time.Time) []PoolCount { panic("soon") }

// AuthOf returns the id of an auth of the identity behind a slot. False: it left the pool.
func (p *Pool) AuthOf(slot Slot) (id string, ok bool) { panic("soon") }

// Advance works off up to limit ends of cooldowns that are over at now, and returns when to call it next: zero if
// nothing will end. A pick does a little of that work itself, so late calls cost fairness, not correctness.
func (p *Pool) Advance(now time.Time, limit int) (next time.Time) { panic("soon") }

// Watcher collects the ids of auths that changed or went away. Memory is bounded by the number of auths.
type Watcher struct{}

// Watch starts collecting. Close it.
func (p *Pool) Watch() *Watcher { panic("soon") }

// Changed has a value when there is something to take.
func (w *Watcher) Changed() <-chan struct{} { panic("soon") }

// Take returns what changed since it was last called, sorted, each id once.
func (w *Watcher) Take() []string { panic("soon") }

// Close stops collecting.
func (w *Watcher) Close() { panic("soon") }
