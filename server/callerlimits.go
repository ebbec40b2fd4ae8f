package server

import (
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/credbroker/credbroker/access"
)

// The limits of a caller, as metadata names them.
const (
	limitInFlight = "in_flight"
	limitPicks    = "picks_per_second"
	limitStreams  = "streams"
	limitWatches  = "watches"
	limitFailures = "failures"
)

// A call ends within milliseconds, a stream perhaps never: that is how long a caller should wait for one.
const (
	inFlightWait = 100 * time.Millisecond
	streamWait   = time.Second
)

// limitedError: a caller is over its limit.
type limitedError struct {
	what, metadata string
	wait           time.Duration
}

func (e *limitedError) Error() string { return "too many " + e.what }

// callKind is what a call counts as.
type callKind uint8

const (
	kindCall callKind = iota
	kindPick
	kindStream
)

func kindOf(c *call, m *methodAccess) callKind {
	switch {
	case c.stream:
		return kindStream
	case m.pick:
		return kindPick
	}
	return kindCall
}

// uses is what each caller has in use. It outlives the policies: a caller of the same name goes on where it was.
type uses struct {
	mu      sync.RWMutex
	callers map[string]*callerUse
}

// of finds or makes what a caller has in use.
func (u *uses) of(c *access.Caller) *callerUse {
	u.mu.RLock()
	used := u.callers[c.Name]
	u.mu.RUnlock()
	if used != nil {
		return used
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if used = u.callers[c.Name]; used == nil {
		if u.callers == nil {
			u.callers = make(map[string]*callerUse)
		}
		used = &callerUse{}
		u.callers[c.Name] = used
	}
	return used
}

// retain drops callers that are not in a policy and have nothing in use.
func (u *uses) retain(known func(name string) bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for name, used := range u.callers {
		if !known(name) && used.idle() {
			delete(u.callers, name)
		}
	}
}

// callerUse is what one caller has in use.
type callerUse struct {
	mu             sync.Mutex
	calls, streams int
	picks          *rate.Limiter
	picksPerSecond int
}

func (u *callerUse) idle() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.calls+u.streams == 0
}

// use is one call of a caller; zero: of nobody in particular.
type use struct {
	of     *callerUse
	stream bool
}

// enter takes what a call counts for, or says how long to wait for it. leave gives it back.
func (u *callerUse) enter(c *access.Caller, kind callKind, now time.Time) (use, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	l := &c.Limits
	switch {
	case kind == kindStream && l.Streams > 0 && u.streams >= l.Streams:
		return use{}, &limitedError{fmt.Sprintf("streams; the caller may have %d", l.Streams), limitStreams, streamWait}
	case kind != kindStream && l.InFlight > 0 && u.calls >= l.InFlight:
		return use{}, &limitedError{fmt.Sprintf("calls at once; the caller may have %d", l.InFlight), limitInFlight, inFlightWait}
	}
	if kind == kindPick && l.PicksPerSecond > 0 {
		if u.picksPerSecond != l.PicksPerSecond {
			u.picks, u.picksPerSecond = rate.NewLimiter(rate.Limit(l.PicksPerSecond), l.PicksPerSecond), l.PicksPerSecond
		}
		if wait := waitFor(u.picks, now); wait > 0 {
			return use{}, &limitedError{fmt.Sprintf("picks; the caller may have %d a second", l.PicksPerSecond), limitPicks, wait}
		}
	}
	if kind == kindStream {
		u.streams++
	} else {
		u.calls++
	}
	return use{of: u, stream: kind == kindStream}, nil
}

func (u use) leave() {
	if u.of == nil {
		return
	}
	u.of.mu.Lock()
	defer u.of.mu.Unlock()
	if u.stream {
		u.of.streams--
	} else {
		u.of.calls--
	}
}
