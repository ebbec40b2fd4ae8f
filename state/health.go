package state

import "sync"

// part is one of the things that an engine must do to be healthy.
type part int

const (
	partSave part = iota
	partFollow
	partClaim
	numParts
)

// health is what works of an engine and what does not.
type health struct {
	engine string
	turned func(engine string, err error)

	mu     sync.Mutex
	broken [numParts]error
}

// set notes how a part went, and tells when the engine as a whole begins or ceases to work.
func (h *health) set(p part, err error) {
	h.mu.Lock()
	before := h.first()
	h.broken[p] = err
	now := h.first()
	h.mu.Unlock()
	if (before == nil) != (now == nil) {
		h.turned(h.engine, now)
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
