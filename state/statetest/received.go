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

// Received is a sink that merges what it is handed, as a pool does. The zero value has received nothing.
type Received struct {
	mu       sync.Mutex
	records  map[cooldown.RecordKey]cooldown.Record
	bindings map[selector.SessionKey]state.BoundSession
	changed  chan struct{}
}

var _ state.Sink = (*Received)(nil)

// Records takes records in.
func (r *Received) Records(records []cooldown.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.records == nil {
		r.records = map[cooldown.RecordKey]cooldown.Record{}
	}
	for i := range records {
		kept := r.records[records[i].Key]
		merged := copied(&kept)
		merged.Key = records[i].Key
		merged.Merge(&records[i])
		r.records[merged.Key] = copied(&merged)
	}
	r.wake()
}

// Bindings takes bindings in, the last of each id.
func (r *Received) Bindings(bindings []state.BoundSession) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bindings == nil {
		r.bindings = map[selector.SessionKey]state.BoundSession{}
	}
	for _, b := range bindings {
		r.bindings[b.Key] = b
	}
	r.wake()
}

func (r *Received) wake() {
	if r.changed != nil {
		close(r.changed)
		r.changed = nil
	}
}

// Record returns what was received of a key.
func (r *Received) Record(key cooldown.RecordKey) cooldown.Record {
	r.mu.Lock()
	defer r.mu.Unlock()
	record := r.records[key]
	return copied(&record)
}

// Binding returns what was received last of a session id.
func (r *Received) Binding(key selector.SessionKey) (state.BoundSession, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.bindings[key]
	return b, ok
}

// String is one line for each record and binding, in order, the same for sinks that received the same.
func (r *Received) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, record := range r.records {
		lines = append(lines, show(record))
	}
	for _, b := range r.bindings {
		lines = append(lines, showBinding(b))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// Until waits until something that was received makes a condition true.
func (r *Received) Until(t *testing.T, condition func() bool, what string) {
	t.Helper()
	deadline := time.NewTimer(waitAtMost)
	defer deadline.Stop()
	for {
		r.mu.Lock()
		if r.changed == nil {
			r.changed = make(chan struct{})
		}
		changed := r.changed
		r.mu.Unlock()
		if condition() {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("after %v: %s", waitAtMost, what)
		}
	}
}

// waitAtMost is far beyond what any engine needs.
const waitAtMost = 20 * time.Second
