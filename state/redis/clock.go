package redis

import (
	"sync"
	"time"
)

// clock knows how far the server's clock is from the local one. Of the last few looks at it, the quickest counts: it is off
// by half of the time that it took at most.
type clock struct {
	now func() time.Time

	mu    sync.Mutex
	looks [8]look
	next  int
	count int
}

type look struct{ offset, took time.Duration }

// drift is by how much the two clocks may come apart between looks.
const drift = 5 * time.Millisecond

// contradicts reports whether two looks differ by more than they can be off by: one of the clocks was set meanwhile.
func (l look) contradicts(o look) bool { return (l.offset - o.offset).Abs() > l.took/2+o.took/2+drift }

// add takes in what the server's clock said between two local times.
func (c *clock) add(asked, answered, server time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := answered.Sub(asked)
	seen := look{offset: server.Sub(asked.Add(took / 2)), took: took}
	if c.count > 0 && seen.contradicts(c.best()) {
		c.count, c.next = 0, 0
	}
	c.looks[c.next] = seen
	c.next = (c.next + 1) % len(c.looks)
	c.count = min(c.count+1, len(c.looks))
}

// restart forgets earlier looks: after a failover the clock is another one. The present offset stays until the next look.
func (c *clock) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count > 0 {
		c.looks[0] = c.best()
		c.looks[0].took = time.Hour // any look is better
		c.count, c.next = 1, 1
	}
}

func (c *clock) best() look {
	best := c.looks[0]
	for _, l := range c.looks[1:c.count] {
		if l.took < best.took {
			best = l
		}
	}
	return best
}

func (c *clock) offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == 0 {
		return 0
	}
	return c.best().offset
}

// Offset is what to add to the local clock to get the server's, as of the last looks; 0 before the first.
func (s *Store) Offset() time.Duration { return s.clock.offset() }
