package statetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// Heard is a sink that merges what it is handed, as a pool does. The zero value has heard nothing.
type Heard struct {
	mu       sync.Mutex
	records  map[cooldown.RecordKey]cooldown.Record
	bindings map[selector.SessionKey]state.BoundSession
	news     chan struct{}
}

var _ state.Sink = (*Heard)(nil)

// Records takes records in.
func (h *Heard) Records(records []cooldown.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.records == nil {
		h.records = map[cooldown.RecordKey]cooldown.Record{}
	}
	for i := range records {
		kept := h.records[records[i].Key]
		merged := copied(&kept)
		merged.Key = records[i].Key
		merged.Merge(&records[i])
		h.records[merged.Key] = copied(&merged)
	}
	h.wake()
}

// Bindings takes bindings in, the last of each id.
func (h *Heard) Bindings(bindings []state.BoundSession) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.bindings == nil {
		h.bindings = map[selector.SessionKey]state.BoundSession{}
	}
	for _, b := range bindings {
		h.bindings[b.Key] = b
	}
	h.wake()
}

func (h *Heard) wake() {
	if h.news != nil {
		close(h.news)
		h.news = nil
	}
}

// Record returns what was heard of a key.
func (h *Heard) Record(key cooldown.RecordKey) cooldown.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.records[key]
	return copied(&r)
}

// Binding returns what was heard last of a session id.
func (h *Heard) Binding(key selector.SessionKey) (state.BoundSession, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, ok := h.bindings[key]
	return b, ok
}

// String is one line for each record and binding, in order, the same for sinks that heard the same.
func (h *Heard) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var lines []string
	for _, r := range h.records {
		lines = append(lines, show(r))
	}
	for _, b := range h.bindings {
		lines = append(lines, showBinding(b))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Until waits until something that was heard makes a condition true.
func (h *Heard) Until(t *testing.T, condition func() bool, what string) {
	t.Helper()
	deadline := time.NewTimer(waitAtMost)
	defer deadline.Stop()
	for {
		h.mu.Lock()
		if h.news == nil {
			h.news = make(chan struct{})
		}
		news := h.news
		h.mu.Unlock()
		if condition() {
			return
		}
		select {
		case <-news:
		case <-deadline.C:
			t.Fatalf("after %v: %s", waitAtMost, what)
		}
	}
}

// waitAtMost is far beyond what any engine needs.
const waitAtMost = 20 * time.Second
