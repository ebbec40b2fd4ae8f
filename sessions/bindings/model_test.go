package bindings_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// What a table promises, and how many records it makes room for at once.
const (
	maxAliases   = 64      // ids of a binding
	maxEnded     = 1 << 16 // ends that wait for Changed
	callWork     = 1024    // ids that one call frees
	refreshShare = 8       // of a time to live: uses within it are one change
	recordsChunk = 1024
)

// tableModel is what Table promises, in the plainest way: a list of bindings in order of use, the oldest first. Dead
// ones are taken out before anything else happens.
type tableModel struct {
	ttl  time.Duration
	max  int
	list []*modelBinding
}

type modelBinding struct {
	ids  []selector.Session // in order of use, the oldest first
	slot selector.Slot
	ends time.Time
}

func (m *tableModel) purge(now time.Time) {
	m.list = slices.DeleteFunc(m.list, func(b *modelBinding) bool { return !now.Before(b.ends) })
}

func (m *tableModel) find(key selector.SessionKey) *modelBinding {
	for _, b := range m.list {
		if slices.ContainsFunc(b.ids, func(s selector.Session) bool { return s.Key == key }) {
			return b
		}
	}
	return nil
}

func (m *tableModel) remove(b *modelBinding) {
	m.list = slices.DeleteFunc(m.list, func(other *modelBinding) bool { return other == b })
}

// use makes b the most recently used.
func (m *tableModel) use(b *modelBinding, now time.Time) {
	m.remove(b)
	m.list = append(m.list, b)
	b.ends = now.Add(m.ttl)
}

// unbind takes an id from the binding that has it.
func (m *tableModel) unbind(key selector.SessionKey) {
	if b := m.find(key); b != nil {
		b.ids = slices.DeleteFunc(b.ids, func(s selector.Session) bool { return s.Key == key })
		if len(b.ids) == 0 {
			m.remove(b)
		}
	}
}

// add makes an id the most recently used of b.
func (m *tableModel) add(b *modelBinding, s selector.Session) {
	s.Role = selector.RoleName // it is not kept
	if m.find(s.Key) == b {
		b.ids = slices.DeleteFunc(b.ids, func(other selector.Session) bool { return other.Key == s.Key })
	} else {
		m.unbind(s.Key)
	}
	b.ids = append(b.ids, s)
	if len(b.ids) > maxAliases {
		b.ids = b.ids[1:]
	}
}

func (m *tableModel) renew(key selector.SessionKey, now time.Time) time.Time {
	b := m.find(key)
	if b == nil {
		return time.Time{}
	}
	m.use(b, now)
	for _, s := range b.ids {
		if s.Key == key {
			m.add(b, s)
			break
		}
	}
	return b.ends
}

func (m *tableModel) join(primary selector.Session, fallback selector.SessionKey, now time.Time) time.Time {
	ends := m.renew(fallback, now)
	if b := m.find(fallback); b != nil {
		m.add(b, primary)
	}
	return ends
}

func (m *tableModel) bind(sessions []selector.Session, slot selector.Slot, now time.Time) time.Time {
	sessions = sessions[:min(len(sessions), maxAliases)]
	if sessions[0].Role == selector.RolePrefix {
		for _, s := range sessions[1:] {
			if b := m.find(s.Key); s.Role == selector.RolePast && b != nil && b.slot == slot {
				m.unbind(s.Key)
			}
		}
		sessions = sessions[:1]
	}
	b := m.find(sessions[0].Key)
	if b == nil {
		for _, s := range sessions {
			m.unbind(s.Key)
		}
		if len(m.list) >= m.max {
			m.list = m.list[1:]
		}
		b = &modelBinding{}
	}
	b.slot = slot
	m.use(b, now)
	for _, s := range slices.Backward(sessions) {
		m.add(b, s)
	}
	return b.ends
}

func (m *tableModel) release(slot selector.Slot) int {
	before := len(m.list)
	m.list = slices.DeleteFunc(m.list, func(b *modelBinding) bool { return b.slot == slot })
	return before - len(m.list)
}

func (m *tableModel) unbindSession(key selector.SessionKey) (selector.Slot, bool) {
	b := m.find(key)
	if b == nil {
		return 0, false
	}
	m.remove(b)
	return b.slot, true
}

func (m *tableModel) configure(ttl time.Duration, most int) {
	m.ttl, m.max = ttl, most
	m.list = m.list[max(0, len(m.list)-most):]
}

func (m *tableModel) bound() []bindings.Bound {
	var list []bindings.Bound
	for _, b := range slices.Backward(m.list) {
		id := b.ids[len(b.ids)-1]
		list = append(list, bindings.Bound{Key: id.Key, Source: id.Source, Slot: b.slot, ExpiresAt: b.ends, Aliases: len(b.ids)})
	}
	return list
}

// tableHistory applies the same random operations to a table and its model.
type tableHistory struct {
	table *bindings.Table
	model tableModel
	kept  keptChanges
	now   time.Time
	keys  []selector.SessionKey
	slots int
	most  int // largest max
	tick  time.Duration
	rare  int // one in so many releases and changes of the settings is done
	// draw returns a number below n; the label is for those who read a failed history.
	draw func(label string, n int) int
	// failf ends the test.
	failf func(format string, args ...any)
}

func newTableHistory(keys, most int) *tableHistory {
	h := &tableHistory{now: time.Unix(1_800_000_000, 0).UTC(), slots: 4, most: most, tick: time.Second / 2, rare: 1}
	h.model = tableModel{ttl: 20 * time.Second, max: most}
	h.table = bindings.New(bindings.Config{TTL: h.model.ttl, Max: most, Recording: true})
	h.kept = keptChanges{}
	for i := range keys {
		h.keys = append(h.keys, h.table.Key("claude", fmt.Sprint("header:", i), ""))
	}
	return h
}

func (h *tableHistory) key() selector.SessionKey { return h.keys[h.draw("key", len(h.keys))] }

func (h *tableHistory) session() selector.Session {
	return selector.Session{Key: h.key(), Source: uint8(h.draw("source", 12))}
}

func (h *tableHistory) slot() selector.Slot { return selector.Slot(h.draw("slot", h.slots)) }

// step is one operation. Configuring is rare, as more than sixteen of them within one lifetime are not exact.
func (h *tableHistory) step() {
	h.model.purge(h.now)
	switch op := h.draw("op", 100); {
	case op < 25:
		h.stepBind()
	case op < 50:
		key := h.key()
		h.equal("Renew", h.table.Renew(key, h.now), h.model.renew(key, h.now))
	case op < 70:
		primary, fallback := h.session(), h.key()
		h.equal("Join", h.table.Join(primary, fallback, h.now), h.model.join(primary, fallback, h.now))
	case (op < 75 || op >= 80 && op < 83) && h.draw("rare", h.rare) > 0:
	case op < 75:
		slot := h.slot()
		h.table.Find(h.key(), h.now) // tells the time
		h.kept.release(h.table, slot)
		h.equal("Release", h.table.Release(slot), h.model.release(slot))
	case op < 80:
		key := h.key()
		slot, ok := h.table.Unbind(key, h.now)
		wantSlot, wantOK := h.model.unbindSession(key)
		h.equal("Unbind", fmt.Sprint(slot, ok), fmt.Sprint(wantSlot, wantOK))
	case op < 83:
		ttls := []time.Duration{3 * time.Second, 10 * time.Second, 20 * time.Second, time.Minute}
		ttl, most := ttls[h.draw("ttl", len(ttls))], 1+h.draw("max", h.most)
		h.table.Find(h.key(), h.now)
		h.table.Configure(ttl, most)
		h.table.Expire(h.now, len(h.keys))
		h.model.configure(ttl, most)
	case op < 86:
		h.table.Expire(h.now, h.draw("limit", 5))
	case op < 88:
		h.kept.take(h.table.Changed(h.draw("changes", 5)))
	default:
		h.now = h.now.Add(time.Duration(h.draw("advance", 12)) * h.tick)
	}
}

func (h *tableHistory) stepBind() {
	count := 1 + h.draw("further", 3)
	if h.draw("many", 20) == 19 {
		count = 60 + h.draw("further", 10)
	}
	var sessions []selector.Session
	prefixes := h.draw("prefixes", 3) == 2
	for i := range count {
		s := h.session()
		if prefixes {
			s.Role = selector.RolePrefix + selector.Role(min(i, h.draw("past", 2)))
		}
		sessions = append(sessions, s)
	}
	slot := h.slot()
	h.equal("Bind", h.table.Bind(sessions, slot, h.now), h.model.bind(sessions, slot, h.now))
}

func (h *tableHistory) equal(what string, got, want any) {
	if got != want {
		h.failf("%s = %v, want %v", what, got, want)
	}
}

// compare compares all that can be seen of the table.
func (h *tableHistory) compare() {
	h.model.purge(h.now)
	bySlot, byKey := make([]int, h.slots), make(map[selector.SessionKey]selector.Slot)
	for _, b := range h.model.list {
		bySlot[b.slot]++
		for _, s := range b.ids {
			byKey[s.Key] = b.slot
		}
	}
	for _, key := range h.keys {
		slot, ok := h.table.Find(key, h.now)
		if want, wantOK := byKey[key]; ok != wantOK || slot != want {
			h.failf("Find(%v) = %v, %v, want %v, %v", key, slot, ok, want, wantOK)
		}
	}
	h.equal("Len", h.table.Len(), len(h.model.list))
	h.equal("Max", h.table.Max(), h.model.max)
	for slot, want := range bySlot {
		h.equal("Count", h.table.Count(selector.Slot(slot)), want)
	}
	if got, want := listAll(h.table, bindings.Query{Size: 1 + len(h.keys)/7}, h.now), h.model.bound(); !slices.Equal(got, want) {
		h.failf("List = %v, want %v", got, want)
	}
	if err := h.kept.compare(h); err != nil {
		h.failf("%v", err)
	}
}

// drain ends every binding, by its time or by a release of its slot, and checks that nothing is left of any.
func (h *tableHistory) drain() {
	if h.draw("drain", 2) == 0 {
		h.now = h.now.Add(2 * time.Minute) // longer than any time to live of step
	} else {
		h.table.Find(h.keys[0], h.now)
		for slot := range h.slots {
			h.kept.release(h.table, selector.Slot(slot))
			h.equal("Release", h.table.Release(selector.Slot(slot)), h.model.release(selector.Slot(slot)))
		}
	}
	h.table.Expire(h.now, math.MaxInt)
	h.compare()
	h.equal("Len of a drained table", h.table.Len(), 0)
	h.equal("Expire of a drained table", h.table.Expire(h.now, 1), 0)
	h.equal("what is left over in a drained table", h.table.Leftover(), "")
}

// checkListed checks that what is listed is bound, and returns it.
func checkListed(t *bindings.Table, now time.Time) ([]bindings.Bound, error) {
	all := listAll(t, bindings.Query{Size: bindings.MaxPage}, now)
	for _, b := range all {
		if slot, ok := t.Find(b.Key, now); !ok || slot != b.Slot {
			return nil, fmt.Errorf("%+v is listed, Find = %v, %v", b, slot, ok)
		}
		if b.Aliases < 1 || b.Aliases > maxAliases || !b.ExpiresAt.After(now) {
			return nil, fmt.Errorf("%+v is listed at %v", b, now)
		}
	}
	return all, nil
}

// checkViews checks that List, Find, Count and Len show the same.
func checkViews(t *bindings.Table, now time.Time) error {
	all, err := checkListed(t, now)
	if err != nil {
		return err
	}
	bySlot := make(map[selector.Slot]int)
	for _, b := range all {
		bySlot[b.Slot]++
	}
	if got := t.Len(); got != len(all) {
		return fmt.Errorf("Len = %d, while %d are listed", got, len(all))
	}
	for slot, want := range bySlot {
		if got := t.Count(slot); got != want {
			return fmt.Errorf("Count(%v) = %d, while %d are listed", slot, got, want)
		}
	}
	return nil
}

// checkDrained ends all that is bound, and checks that nothing is left of it.
func checkDrained(t *bindings.Table) error {
	t.Expire(tableStart.AddDate(100, 0, 0), math.MaxInt)
	if left := t.Leftover(); t.Len() != 0 || left != "" {
		return fmt.Errorf("of a drained table with %d bindings are left %s", t.Len(), left)
	}
	return nil
}

// listAll returns all pages.
func listAll(t *bindings.Table, q bindings.Query, now time.Time) (all []bindings.Bound) {
	for {
		page, next, err := t.List(q, now)
		if err != nil {
			panic(err)
		}
		if all = append(all, page...); next == "" {
			return all
		}
		q.Token = next
	}
}

func TestTableModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := newTableHistory(rapid.IntRange(1, 100).Draw(r, "keys"), rapid.IntRange(1, 30).Draw(r, "most"))
		h.failf = r.Fatalf
		h.draw = func(label string, n int) int { return rapid.IntRange(0, n-1).Draw(r, label) }
		for range rapid.IntRange(1, 60).Draw(r, "steps") {
			h.step()
			h.compare()
		}
		h.drain()
	})
}

// TestTableModelSeeds runs more histories than shrinking allows, and ones that are long enough to fill several chunks.
func TestTableModelSeeds(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out histories")
	}
	tests := []struct {
		name                                 string
		histories, keys, most, steps, stride int
		tick                                 time.Duration
		rare                                 int
	}{
		{"few keys", 1500, 12, 6, 60, 1, time.Second / 2, 1},
		{"many keys", 700, 150, 60, 80, 4, time.Second / 2, 1},
		{"many chunks", 1, 20_000, 5000, 25_000, 2500, time.Millisecond, 200},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for seed := range uint64(test.histories) {
				r := rand.New(rand.NewPCG(seed, 0))
				h := newTableHistory(test.keys, test.most)
				h.tick, h.rare = test.tick, test.rare
				h.failf = func(format string, args ...any) {
					t.Fatalf("seed %d: %s", seed, fmt.Sprintf(format, args...))
				}
				h.draw = func(_ string, n int) int { return r.IntN(n) }
				for i := range test.steps {
					h.step()
					if i%test.stride == 0 {
						h.compare()
					}
				}
				h.compare()
				h.drain()
			}
		})
	}
}
