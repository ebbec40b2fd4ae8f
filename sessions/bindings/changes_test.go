package bindings_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// keptChanges is what somebody knows who keeps what Changed returns.
type keptChanges map[selector.SessionKey]bindings.Change

func (k keptChanges) take(changes []bindings.Change) {
	for _, c := range changes {
		if c.Ended {
			delete(k, c.Key)
		} else {
			k[c.Key] = c
		}
	}
}

func (k keptChanges) takeAll(t *bindings.Table) {
	// A call finds nothing where all that it looked at is dead; ten thousand do not.
	for range 10_000 {
		changes := t.Changed(1 << 20)
		if k.take(changes); len(changes) == 0 {
			return
		}
	}
}

// release does what the record of an identity says whose sessions are being released.
func (k keptChanges) release(t *bindings.Table, slot selector.Slot) {
	k.takeAll(t)
	for key := range k {
		if k[key].Slot == slot {
			delete(k, key)
		}
	}
}

// compare checks that all that is bound is kept, and nothing else but what is over; then, that a table that is filled with
// it is the same.
func (k keptChanges) compare(h *tableHistory) error {
	if h.draw("compare", 4) > 0 { // it takes long
		return nil
	}
	k.takeAll(h.table)
	// The time to live changes in these histories, and with it what ends are rounded to.
	const most = time.Minute / refreshShare
	alive := 0
	for _, b := range h.model.list {
		group := k[b.ids[0].Key].Group
		if !slices.ContainsFunc(b.ids, func(s selector.Session) bool { return s.Key == group }) {
			return fmt.Errorf("%v is reported to be of a group %v that is none of its ids", b.ids[0].Key, group)
		}
		for _, s := range b.ids {
			c, ok := k[s.Key]
			if !ok || c.Slot != b.slot || c.Group != group || time.Unix(0, c.Ends).Sub(b.ends).Abs() > most {
				return fmt.Errorf("%v is bound to %v until %v, and was reported to be %+v", s.Key, b.slot, b.ends, c)
			}
			alive++
		}
	}
	for key, c := range k {
		if time.Unix(0, c.Ends).Before(h.now.Add(-most)) {
			delete(k, key)
		}
	}
	for key, c := range k {
		if h.model.find(key) == nil && time.Unix(0, c.Ends).After(h.now.Add(most)) {
			return fmt.Errorf("%v is bound to nothing, and was reported to be %+v", key, c)
		}
	}
	if h.draw("restore", 4) > 0 {
		return nil
	}
	return k.compareRestored(h)
}

func (k keptChanges) compareRestored(h *tableHistory) error {
	restored := bindings.New(bindings.Config{TTL: h.model.ttl, Max: len(h.keys) + 1, Recording: true})
	r := restored.Restore(h.now)
	r.Expect(h.draw("expect", 3) * len(k))
	all := make([]bindings.Change, 0, len(k))
	for _, c := range k { // in any order
		if h.model.find(c.Key) != nil {
			all = append(all, c)
		}
	}
	r.Add(all)
	r.Add(all)
	r.Finish()
	for _, c := range all {
		slot, ok := restored.Find(c.Key, h.now)
		if want := c.Ends > h.now.UnixNano(); ok != want || want && slot != c.Slot {
			return fmt.Errorf("restored, Find(%v) = %v, %v, want %+v", c.Key, slot, ok, c)
		}
	}
	for _, b := range h.model.list {
		key := b.ids[0].Key
		if k[key].Ends <= h.now.UnixNano() {
			continue
		}
		restored.Unbind(key, h.now)
		for _, s := range b.ids {
			if _, ok := restored.Find(s.Key, h.now); ok {
				return fmt.Errorf("restored, %v and %v are two bindings", key, s.Key)
			}
		}
	}
	if again := restored.Changed(1); len(again) > 0 && !again[0].Ended {
		return fmt.Errorf("restored, %+v is reported once more", again[0])
	}
	return cmp.Or(checkViews(restored, h.now), checkOrder(listAll(restored, bindings.Query{}, h.now)), checkDrained(restored))
}

// checkOrder checks that what ends last was used last, as after a restore.
func checkOrder(list []bindings.Bound) error {
	for i := 1; i < len(list); i++ {
		if list[i].ExpiresAt.After(list[i-1].ExpiresAt) {
			return fmt.Errorf("%+v is listed before %+v", list[i-1], list[i])
		}
	}
	return nil
}

func TestWhatWasUsedLastIsRestoredWhereThereIsNoRoomForAll(t *testing.T) {
	const n, most = 10_000, 1000
	now := benchmarkTime
	table := bindings.New(bindings.Config{Max: most})
	r := table.Restore(now)
	r.Expect(n)
	random := rand.New(rand.NewPCG(1, 1))
	changes := make([]bindings.Change, n)
	for i := range changes {
		key := randomKey(random)
		changes[i] = bindings.Change{Key: key, Group: key, Ends: now.Add(time.Duration(1+i) * time.Second).UnixNano()}
	}
	shuffled := slices.Clone(changes)
	random.Shuffle(n, func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	r.Add(shuffled)
	// One that is used while others are added is the most recently used of all.
	table.Renew(changes[0].Key, now)
	bound := randomKey(random)
	table.Bind([]selector.Session{{Key: bound}}, 7, now)
	r.Finish()
	if got := table.Len(); got != most {
		t.Errorf("Len = %d, want %d", got, most)
	}
	missing := 0
	for _, c := range changes[n-most+2:] {
		if _, ok := table.Find(c.Key, now); !ok {
			missing++
		}
	}
	if missing > 2 {
		t.Errorf("%d of the %d that were used last are not there", missing, most)
	}
	restored := slices.DeleteFunc(listAll(table, bindings.Query{}, now), func(b bindings.Bound) bool { return b.Key == changes[0].Key || b.Key == bound })
	if err := cmp.Or(checkViews(table, now), checkOrder(restored), checkDrained(table)); err != nil {
		t.Error(err)
	}
}

func TestUseOfASessionIsAChangeOnceInAnEighthOfItsTimeToLive(t *testing.T) {
	const ttl = 80 * time.Second
	now := time.Unix(1_800_000_000, 0)
	table := bindings.New(bindings.Config{TTL: ttl, Recording: true})
	key := table.Key("claude", "header:1", "")
	table.Bind([]selector.Session{{Key: key}}, 1, now)
	reported := table.Changed(10)
	if len(reported) != 1 || reported[0].Bound != now.UnixNano() {
		t.Fatalf("Changed = %+v, want one that is bound now", reported)
	}
	count := 0
	for range 100 {
		now = now.Add(time.Second)
		ends := table.Renew(key, now)
		changes := table.Changed(10)
		count += len(changes)
		reported = append(reported, changes...)
		last := reported[len(reported)-1]
		if last.Ends < ends.UnixNano() || last.Ends > ends.Add(ttl/8).UnixNano() || last.Bound != reported[0].Bound {
			t.Fatalf("it ends %v, and was last reported to end %v", ends, time.Unix(0, last.Ends))
		}
	}
	if count != 10 {
		t.Errorf("in ten eighths it was reported %d times", count)
	}
}

func TestAMoveThatWasReleasedBeforeItWasReadIsAnEnd(t *testing.T) {
	table := bindings.New(bindings.Config{Recording: true})
	kept := keptChanges{}
	session := []selector.Session{{Key: table.Key("claude", "header:1", "")}}
	table.Bind(session, 1, benchmarkTime)
	kept.takeAll(table)
	table.Bind(session, 2, benchmarkTime)
	table.Release(2)
	kept.takeAll(table)
	if len(kept) > 0 {
		t.Errorf("%+v is kept", kept)
	}
}

func TestChangesThatNobodyAsksForAreBounded(t *testing.T) {
	table := bindings.New(bindings.Config{Max: 100, Recording: true})
	random := rand.New(rand.NewPCG(1, 1))
	for range 3 * maxEnded {
		table.Bind([]selector.Session{{Key: randomKey(random)}}, 1, benchmarkTime)
	}
	ended := 0
	changes := table.Changed(math.MaxInt)
	for _, c := range changes {
		if c.Ended {
			ended++
		}
	}
	if ended != maxEnded || len(changes)-ended > 101 {
		t.Errorf("%d ends and %d bindings wait to be read, want the bound of %d, and at most 101", ended, len(changes)-ended, maxEnded)
	}
}

func TestTableWithoutRecordingTellsNothing(t *testing.T) {
	table := bindings.New(bindings.Config{Max: 1})
	for i := range 3 {
		table.Bind([]selector.Session{{Key: selector.SessionKey{Lo: uint64(i)}}}, 1, benchmarkTime)
	}
	if changes := table.Changed(10); len(changes) > 0 {
		t.Errorf("Changed = %+v", changes)
	}
}

func TestMarkAllChangedRepeatsEverything(t *testing.T) {
	table := bindings.New(bindings.Config{Recording: true})
	now := time.Unix(1_800_000_000, 0)
	for i := range uint64(2*recordsChunk + 7) {
		ids := []selector.Session{{Key: selector.SessionKey{Lo: i}, Source: 1}, {Key: selector.SessionKey{Hi: 1, Lo: i}, Source: 2}}
		table.Bind(ids[:1+i%2], selector.Slot(i%3), now)
		if i%5 == 0 {
			table.Unbind(ids[0].Key, now)
		}
	}
	first, again := keptChanges{}, keptChanges{}
	first.takeAll(table)
	table.MarkAllChanged()
	again.takeAll(table)
	if !maps.Equal(first, again) || len(again) < recordsChunk {
		t.Errorf("%d ids are repeated, want the %d that were read before", len(again), len(first))
	}
	bindings.New(bindings.Config{Recording: true}).MarkAllChanged() // there may be none
}
