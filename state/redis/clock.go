package redis

import (
	"sync"
	"time"
)

// clock knows how far the server's clock is from the local one. Of the last few samples of it, the quickest counts: it is off
// by half of the time that it took at most.
type clock struct {
	now func() time.Time

	mu      sync.Mutex
	samples [8]sample
	next    int
	count   int
}

type sample struct{ offset, took time.Duration }

// drift is by how much the two clocks may come apart between samples.
const drift = 5 * time.Millisecond

// contradicts reports whether two samples differ by more than they can be off by: one of the clocks was set meanwhile.
func (s sample) contradicts(o sample) bool {
	return (s.offset - o.offset).Abs() > s.took/2+o.took/2+drift
}

// add takes in what the server's clock said between two local times.
func (c *clock) add(asked, answered, server time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := answered.Sub(asked)
	seen := sample{offset: server.Sub(asked.Add(took / 2)), took: took}
	if c.count > 0 && seen.contradicts(c.best()) {
		c.count, c.next = 0, 0
	}
	c.samples[c.next] = seen
	c.next = (c.next + 1) % len(c.samples)
	c.count = min(c.count+1, len(c.samples))
}

// restart forgets earlier samples: after a failover the clock is another one. The present offset stays until the next sample.
func (c *clock) restart() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count > 0 {
		c.samples[0] = c.best()
		c.samples[0].took = time.Hour // any sample is better
		c.count, c.next = 1, 1
	}
}

func (c *clock) best() sample {
	best := c.samples[0]
	for _, s := range c.samples[1:c.count] {
		if s.took < best.took {
			best = s
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

// Offset is what to add to the local clock to get the server's, as of the last samples; 0 before the first.
func (s *Store) Offset() time.Duration { return s.clock.offset() }
