package statetest

import (
	"bytes"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// memoryLog is how many changes a Memory keeps for those who follow it. Who is further behind must begin anew.
const memoryLog = 256

// Memory is a store that replicas share, in memory: what Redis is to a real fleet. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex
	epoch    int // counts the times that everything was lost
	keys     *state.Keys
	records  map[cooldown.RecordKey]cooldown.Record
	bindings map[selector.SessionKey]state.BoundSession
	permits  map[selector.PermitKey]memoryPermit
	log      []memoryChange // the last of all that changed
	changes  int            // since the epoch began
	changed  chan struct{}  // closed at the next change
	replicas int
}

type memoryPermit struct {
	owner int
	until time.Time
}

// memoryChange is one record that changed, or one binding that moved or ended.
type memoryChange struct {
	record  cooldown.RecordKey
	binding state.BoundSession
}

// Replica connects one more replica.
func (m *Memory) Replica() *Replica {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.replicas++
	return &Replica{memory: m, number: m.replicas, epoch: -1, cut: make(chan struct{})}
}

// Restart loses everything, as a server does that keeps nothing on disk.
func (m *Memory) Restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epoch++
	m.keys, m.records, m.bindings, m.permits, m.log, m.changes = nil, nil, nil, nil, nil, 0
	m.wake()
}

// Evict loses the bindings for which lose says so, as a server does that is short of memory.
func (m *Memory) Evict(lose func(key selector.SessionKey) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range slices.SortedFunc(maps.Keys(m.bindings), compareKeys) {
		if lose(key) {
			delete(m.bindings, key)
		}
	}
}

// Records returns all that is kept, in the order of the texts of their keys.
func (m *Memory) Records() []cooldown.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all()
}

func (m *Memory) all() []cooldown.Record {
	all := make([]cooldown.Record, 0, len(m.records))
	for _, r := range m.records {
		all = append(all, copied(&r))
	}
	slices.SortFunc(all, func(a, b cooldown.Record) int { return compareText(a.Key, b.Key) })
	return all
}

// wake tells those who follow. The caller has the lock.
func (m *Memory) wake() {
	if m.changed != nil {
		close(m.changed)
		m.changed = nil
	}
}

// logChange adds a change to the log. The caller has the lock.
func (m *Memory) logChange(c memoryChange) {
	m.changes++
	m.log = append(m.log, c)
	m.log = m.log[max(0, len(m.log)-memoryLog):]
	m.wake()
}

func (m *Memory) save(batch state.Batch, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = map[cooldown.RecordKey]cooldown.Record{}
	}
	for i := range batch.Records {
		r := &batch.Records[i]
		kept, known := m.records[r.Key]
		if !known {
			kept = cooldown.Record{Key: r.Key}
		}
		merged := copied(&kept)
		merged.Merge(r)
		merged = copied(&merged)
		m.records[r.Key] = merged
		if !known || !bytes.Equal(state.FormatRecord(&merged), state.FormatRecord(&kept)) {
			m.logChange(memoryChange{record: r.Key})
		}
	}
	for _, b := range batch.Bindings {
		m.saveBinding(b, now)
	}
}

func (m *Memory) saveBinding(b state.BoundSession, now time.Time) {
	kept, known := m.live(b.Key, now)
	switch {
	case b.Identity == "":
		if known && (b.Bound == 0 || kept.Bound <= b.Bound) {
			delete(m.bindings, b.Key)
			m.logChange(memoryChange{binding: b})
		}
	case !known:
		m.put(b)
	case kept.Identity == b.Identity:
		kept.Ends = max(kept.Ends, b.Ends)
		kept.Bound = max(kept.Bound, b.Bound)
		m.put(kept)
	}
}

// live is the binding of an id, unless it is over.
func (m *Memory) live(key selector.SessionKey, now time.Time) (state.BoundSession, bool) {
	b, ok := m.bindings[key]
	return b, ok && b.Ends > now.UnixNano()
}

func (m *Memory) put(b state.BoundSession) {
	if m.bindings == nil {
		m.bindings = map[selector.SessionKey]state.BoundSession{}
	}
	m.bindings[b.Key] = b
}

// bind is what Fleet.Bind says.
func (m *Memory) bind(sessions []state.BoundSession, from string, now time.Time) state.BoundSession {
	m.mu.Lock()
	defer m.mu.Unlock()
	primary := sessions[0]
	kept, bound := m.live(primary.Key, now)
	if bound && kept.Identity != from {
		if primary.Identity != "" {
			kept.Ends = max(kept.Ends, primary.Ends)
			m.put(kept)
		}
		return kept
	}
	if parent, ok := m.parent(sessions, now); ok && !bound && parent.Identity != from {
		if primary.Identity != "" {
			parent.Ends = max(parent.Ends, primary.Ends)
			m.put(parent)
		}
		parent.Key, parent.Source = primary.Key, primary.Source
		if primary.Identity != "" {
			m.put(parent)
		}
		return parent
	}
	for _, b := range sessions {
		if b.Identity == "" {
			continue
		}
		// Who moves it off something that the store has forgotten may not be the only one who knows that.
		if old, ok := m.live(b.Key, now); ok && old.Identity != b.Identity || !ok && from != "" {
			m.logChange(memoryChange{binding: b})
		}
		m.put(b)
	}
	return primary
}

// parent is the first further id that is bound.
func (m *Memory) parent(sessions []state.BoundSession, now time.Time) (state.BoundSession, bool) {
	for _, further := range sessions[1:] {
		if b, ok := m.live(further.Key, now); ok {
			return b, true
		}
	}
	return state.BoundSession{}, false
}

func (m *Memory) claim(key selector.PermitKey, owner int, lease time.Duration, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p, ok := m.permits[key]; ok && p.owner != owner && p.until.After(now) {
		return false
	}
	if m.permits == nil {
		m.permits = map[selector.PermitKey]memoryPermit{}
	}
	m.permits[key] = memoryPermit{owner, now.Add(lease)}
	return true
}

func (m *Memory) giveBack(key selector.PermitKey, owner int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.permits[key].owner == owner {
		delete(m.permits, key)
	}
}

func (m *Memory) proposeKeys(proposed state.Keys) state.Keys {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.keys == nil && proposed == (state.Keys{}) {
		return proposed
	}
	if m.keys == nil {
		m.keys = &proposed
	}
	return *m.keys
}

// since returns what changed after a cursor in an epoch, and the cursor after it. Gap: that is not known any more, and what is
// returned is everything.
func (m *Memory) since(epoch, cursor int) (records []cooldown.Record, bindings []state.BoundSession, gap bool) {
	missed := m.changes - cursor
	if epoch != m.epoch || missed > len(m.log) {
		return m.all(), nil, true
	}
	seen := map[cooldown.RecordKey]bool{}
	for _, c := range m.log[len(m.log)-missed:] {
		switch r, ok := m.records[c.record]; {
		case c.record == cooldown.RecordKey{}:
			bindings = append(bindings, c.binding)
		case ok && !seen[c.record]:
			seen[c.record] = true
			records = append(records, copied(&r))
		}
	}
	return records, bindings, false
}
