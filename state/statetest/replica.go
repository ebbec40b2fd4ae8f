package statetest

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// ErrLost is what a call returns of which the request or the answer was lost. It does not say which.
var ErrLost = errors.New("no answer")

// patience is how long a call waits for an answer that does not come, if its context lets it.
const patience = time.Second

// Disturbance is what the network does to one call. The zero value does nothing.
type Disturbance struct {
	// Before and After are how long the request and the answer take.
	Before, After time.Duration
	// Lose is what does not arrive.
	Lose Loss
	// Twice: the request arrives a second time, after the first was answered.
	Twice bool
}

// Loss is what is lost of a call.
type Loss uint8

// The losses.
const (
	LoseNothing Loss = iota
	// LoseRequest: the call is not applied.
	LoseRequest
	// LoseAnswer: the call is applied, and nobody hears of it.
	LoseAnswer
)

// Replica is the connection of one replica with a Memory.
type Replica struct {
	memory *Memory
	number int

	mu      sync.Mutex
	disturb func(call string) Disturbance
	cut     chan struct{} // closed while the connection is cut
	isCut   bool
	closed  bool
	offset  time.Duration

	// following is held by the one call of Follow; what is below is what was handed over.
	following     sync.Mutex
	epoch, cursor int
}

var _ state.Fleet = (*Replica)(nil)

// Disturb lets a function decide what happens to each call from now on; nil: nothing does. The function gets the name of
// the method, and is not called for Follow.
func (r *Replica) Disturb(f func(call string) Disturbance) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disturb = f
}

// Cut cuts the connection: every call waits in vain, and Follow ends.
func (r *Replica) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isCut {
		r.isCut = true
		close(r.cut)
	}
}

// Mend undoes Cut.
func (r *Replica) Mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.isCut {
		r.isCut = false
		r.cut = make(chan struct{})
	}
}

// SetOffset is what Offset returns from now on.
func (r *Replica) SetOffset(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset = d
}

// call does what a call does to the store, as the network lets it.
func (r *Replica) call(ctx context.Context, name string, apply func(now time.Time)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	var d Disturbance
	if r.disturb != nil {
		d = r.disturb(name)
	}
	cut, closed := r.isCut, r.closed
	r.mu.Unlock()
	if closed {
		return errors.New("the store is closed")
	}
	if cut || d.Lose == LoseRequest {
		return cmp.Or(wait(ctx, patience), ErrLost)
	}
	if err := wait(ctx, d.Before); err != nil {
		return err
	}
	apply(time.Now())
	if d.Twice {
		defer apply(time.Now())
	}
	if d.Lose == LoseAnswer {
		return cmp.Or(wait(ctx, patience), ErrLost)
	}
	return wait(ctx, d.After)
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Keys is as state.Store says.
func (r *Replica) Keys(ctx context.Context, proposed state.Keys) (keys state.Keys, err error) {
	err = r.call(ctx, "Keys", func(time.Time) { keys = r.memory.proposeKeys(proposed) })
	return keys, err
}

// Load is as state.Store says.
func (r *Replica) Load(ctx context.Context, into state.Sink) error {
	var records []cooldown.Record
	err := r.call(ctx, "Load", func(time.Time) { records = r.memory.Records() })
	if err == nil {
		into.Records(records)
	}
	return err
}

// Save is as state.Fleet says.
func (r *Replica) Save(ctx context.Context, batch state.Batch) error {
	return r.call(ctx, "Save", func(now time.Time) { r.memory.save(batch, now) })
}

// Bind is as state.Fleet says.
func (r *Replica) Bind(ctx context.Context, sessions []state.BoundSession, from string) (b state.BoundSession, err error) {
	var bound state.BoundSession
	if err = r.call(ctx, "Bind", func(now time.Time) { bound = r.memory.bind(sessions, from, now) }); err == nil {
		b = bound
	}
	return b, err
}

// Claim is as state.Permits says.
func (r *Replica) Claim(ctx context.Context, key selector.PermitKey, lease time.Duration) (ok bool, err error) {
	err = r.call(ctx, "Claim", func(now time.Time) { ok = r.memory.claim(key, r.number, lease, now) })
	return ok && err == nil, err
}

// GiveBack is as state.Permits says.
func (r *Replica) GiveBack(ctx context.Context, key selector.PermitKey) error {
	return r.call(ctx, "GiveBack", func(time.Time) { r.memory.giveBack(key, r.number) })
}

// Offset is as state.Fleet says.
func (r *Replica) Offset() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offset
}

// Close ends the connection.
func (r *Replica) Close() error {
	r.Cut()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return nil
}

// Follow is as state.Fleet says.
func (r *Replica) Follow(ctx context.Context, into state.Sink, live func(resync bool)) error {
	r.following.Lock()
	defer r.following.Unlock()
	for first := true; ; first = false {
		r.mu.Lock()
		cut := r.cut
		if r.isCut {
			r.mu.Unlock()
			return ErrLost
		}
		r.mu.Unlock()
		changed := r.catchUp(into, live, first)
		select {
		case <-changed:
		case <-cut:
			return ErrLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// catchUp hands over what is new, and returns what is closed when there is more.
func (r *Replica) catchUp(into state.Sink, live func(resync bool), first bool) <-chan struct{} {
	m := r.memory
	m.mu.Lock()
	records, bindings, gap := m.since(r.epoch, r.cursor)
	r.epoch, r.cursor = m.epoch, m.changes
	if m.changed == nil {
		m.changed = make(chan struct{})
	}
	changed := m.changed
	m.mu.Unlock()
	if len(records) > 0 {
		into.Records(records)
	}
	if len(bindings) > 0 {
		into.Bindings(bindings)
	}
	if first || gap || len(records)+len(bindings) > 0 {
		live(gap)
	}
	return changed
}

// copied shares nothing with r.
func copied(r *cooldown.Record) cooldown.Record {
	c := cooldown.Record{Key: r.Key}
	c.Merge(r)
	return c
}

func compareKeys(a, b selector.SessionKey) int {
	return cmp.Or(cmp.Compare(a.Hi, b.Hi), cmp.Compare(a.Lo, b.Lo))
}

func compareText(a, b cooldown.RecordKey) int {
	return cmp.Compare(state.FormatKey(a), state.FormatKey(b))
}
