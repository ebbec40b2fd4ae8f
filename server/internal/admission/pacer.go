package admission

import (
	"sync"
	"time"
)

// A call costs callUnits, every other frame one. A wasted call costs more: it was refused, reset by its client, or too late when
// it came.
const (
	callUnits  = 16
	wasteUnits = 8 * callUnits
	// turn is the time in which units are counted.
	turn = 5 * time.Millisecond
	// batch is how many units a connection spends at once.
	batch = 64
	// forgiven is after how many turns nobody remembers that a connection wasted calls.
	forgiven = 20
	// maxTurns bounds a single wait.
	maxTurns = 40
)

// pacer shares the calls of a second among connections. Each has an equal part of a turn's units; half as many again go to
// whoever comes first, but not to those who waste calls.
type pacer struct {
	units int64 // of a turn

	mu           sync.Mutex
	turn         int64
	spare        int64
	active, last int64 // connections that came in this turn, and in the last
}

// pace is what one connection spends, guarded by the pacer's mutex.
type pace struct {
	turn     int64
	credit   int64 // of its parts; below zero it has to wait
	wasteful int64 // the turn in which it last wasted calls
}

func newPacer(callsPerSecond int) *pacer {
	units := int64(callsPerSecond) * callUnits * int64(turn) / int64(time.Second)
	return &pacer{units: max(units, 1)}
}

// spend spends units, or says how long to wait before asking again.
func (p *pacer) spend(c *pace, units int64, wasteful bool, now time.Time) (wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.advance(now.UnixNano() / int64(turn))
	if c.turn != p.turn {
		p.active++
		part := p.part()
		c.credit = min(c.credit+(p.turn-c.turn)*part, part)
		c.turn = p.turn
	}
	if wasteful {
		c.wasteful = p.turn
	}
	wasteful = p.turn-c.wasteful <= forgiven
	turns := int64(1)
	switch {
	case c.credit > 0:
		c.credit -= units
		return 0
	case !wasteful && p.spare >= units:
		p.spare -= units
		return 0
	case wasteful:
		turns = min(1-c.credit/p.part(), maxTurns)
	}
	return time.Duration((p.turn+turns)*int64(turn) - now.UnixNano())
}

// advance begins a turn, if it is a new one.
func (p *pacer) advance(to int64) {
	if to <= p.turn {
		return
	}
	p.last = 0
	if to == p.turn+1 {
		p.last = p.active
	}
	p.turn, p.spare, p.active = to, p.units/2, 0
}

func (p *pacer) part() int64 { return max(p.units/max(p.active, p.last, 1), 1) }
