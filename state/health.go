package state

import (
	"sync"
	"time"
)

// calm is how long an engine must have worked before it is said to work again: one that is short of something may fail and
// succeed in turns, and that is one piece of news.
const calm = 3 * time.Second

// part is one of the things that an engine must do to be healthy.
type part int

const (
	partSave part = iota
	partCheck
	partFollow
	partClaim
	numParts
)

// health is what works of an engine and what does not.
type health struct {
	engine   string
	onChange func(engine string, err error)

	mu     sync.Mutex
	broken [numParts]error
	// reported: it was said not to work. since is when it began to work after that.
	reported bool
	since    time.Time
}

// set notes how a part went, and tells when the engine as a whole ceases to work.
func (h *health) set(p part, err error) {
	h.mu.Lock()
	defer h.mu.Unlock() // while it is reported too, or one change overtakes another
	before := h.first()
	h.broken[p] = err
	now := h.first()
	if before != nil && now == nil {
		h.since = time.Now()
	}
	if now != nil && !h.reported {
		h.reported = true
		h.onChange(h.engine, now)
	}
}

// reportRecovery tells when the engine has worked again for a while. Call it now and then.
func (h *health) reportRecovery() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reported && h.first() == nil && time.Since(h.since) >= calm {
		h.reported = false
		h.onChange(h.engine, nil)
	}
}

// failure is why the engine does not work; nil: it does.
func (h *health) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.first()
}

func (h *health) first() error {
	for _, err := range h.broken {
		if err != nil {
			return err
		}
	}
	return nil
}
