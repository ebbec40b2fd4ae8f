package state

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

const (
	// claimTimeout is how long a pick waits for the fleet to say what its session is bound to.
	claimTimeout = 20 * time.Millisecond
	// maxClaimFailures in a row let picks decide without the fleet, until a check every checkPause finds the fleet quick enough again.
	maxClaimFailures = 3
	checkPause       = 250 * time.Millisecond
	// claimTries bounds how often one pick asks: what the fleet names may be of no use here.
	claimTries = 3
	// maxUnconfirmed bounds the sessions that are asked about later because they were bound without the fleet.
	maxUnconfirmed = 1 << 16
)

// claims agree with the fleet on what sessions are bound to: they hold the sessions that the fleet is being
// asked about, and those that it could not be asked about.
type claims struct {
	pool     *selector.Pool
	table    *bindings.Table
	fleet    Fleet
	keys     Keys
	clock    func() time.Time // of this machine
	now      func() time.Time // of the fleet
	ttl      func() time.Duration
	observer Observer
	health   *health
	lookups  lookups

	check Notifier
	// standalone: picks do not ask.
	standalone atomic.Bool
	failures   atomic.Int32 // in a row
	// asking counts what is under way, so that picks of known sessions need no lock.
	asking atomic.Int32

	mu          sync.Mutex
	underWay    map[selector.SessionKey]*claim
	unconfirmed [][]selector.Session
	confirmed   map[selector.SessionKey]struct{} // with the fleet, since changes of bindings were last taken
}

// claim is a pick that asks the fleet, or may have to.
type claim struct {
	ids  []selector.Session
	done chan struct{} // closed when it has its answer
}

// find returns what is under way for a session; nil: nothing is.
func (c *claims) find(key selector.SessionKey) *claim {
	if c.asking.Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.underWay[key]
}

// begin notes that the fleet is being asked about a session. False: somebody else asks already.
func (c *claims) begin(ids []selector.Session) (one *claim, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.underWay[ids[0].Key]; other != nil {
		return other, false
	}
	one = &claim{ids: ids, done: make(chan struct{})}
	c.underWay[ids[0].Key] = one
	c.asking.Add(1)
	return one, true
}

// end lets those go on who wait for the answer.
func (c *claims) end(one *claim) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.underWay, one.ids[0].Key)
	c.asking.Add(-1)
	close(one.done)
}

// claimed returns the ids of sessions that the fleet is being asked about.
func (c *claims) claimed() map[selector.SessionKey]bool {
	ids := make(map[selector.SessionKey]bool)
	if c.asking.Load() == 0 {
		return ids
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.underWay {
		for i := range one.ids {
			ids[one.ids[i].Key] = true
		}
	}
	return ids
}

// addUnconfirmed notes a session that was bound without the fleet.
func (c *claims) addUnconfirmed(ids []selector.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.unconfirmed) < maxUnconfirmed {
		c.unconfirmed = append(c.unconfirmed, slices.Clone(ids))
	}
}

// takeUnconfirmed returns the sessions that were bound without the fleet.
func (c *claims) takeUnconfirmed() [][]selector.Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	unconfirmed := c.unconfirmed
	c.unconfirmed = nil
	return unconfirmed
}

// confirm notes that the fleet has what a session is bound to.
func (c *claims) confirm(ids []selector.Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.confirmed) >= maxUnconfirmed {
		return // it is asked once more than needed
	}
	for i := range ids {
		c.confirmed[ids[i].Key] = struct{}{}
	}
}

// withdraw notes that the fleet must be sent a session all the same.
func (c *claims) withdraw(key selector.SessionKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.confirmed, key)
}

// takeConfirmed returns the ids of sessions that the fleet has.
func (c *claims) takeConfirmed() map[selector.SessionKey]struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	confirmed := c.confirmed
	c.confirmed = make(map[selector.SessionKey]struct{})
	return confirmed
}
