package bindings

import (
	"encoding/binary"
	"runtime"
	"sync"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// What Config means by zero.
const (
	DefaultTTL = time.Hour
	DefaultMax = 1_000_000
)

const (
	// mostBindings keeps numbers of records and positions in the log within 32 bits.
	mostBindings = 1 << 28
	// upkeep is how many bindings a change frees at most beside the one it needs, so that the table gets rid of them
	// faster than it fills.
	upkeep = 4
	// expireChunk is how many bindings are freed without letting others have the lock.
	expireChunk = 128
	// callWork is how many ids a call frees at most before it leaves the rest to others or lets them have the lock. A
	// binding with more ids than are left is freed whole.
	callWork = 1024
)

// Config is what a Table is made of.
type Config struct {
	// TTL is how long a binding lives after its last use; not above 0: DefaultTTL.
	TTL time.Duration
	// Max is how many bindings there are at most; not above 0: DefaultMax.
	Max int
	// HashKey should be random and secret: who knows it can look for sessions whose keys collide.
	HashKey [16]byte
	// Recording: changes are kept for Changed until it is called.
	Recording bool
}

// Table remembers which slot each session is bound to. It holds keyed hashes, not ids, within a bound; past it the least
// recently used binding goes: with callers, of the one that has the most beyond its share. What is dead, released or over, never takes the
// place of what is alive. Past 65,536 ids and
// four for each binding that there may be, a further id takes the place of one of its own binding.
//
// All methods may be called concurrently. No call holds the lock for long, however many bindings there are: what one
// call would have to do for many of them is left to later calls. Where that can be seen, the method says so.
type Table struct {
	hashKey [2]uint64

	mu    sync.Mutex
	ttl   time.Duration
	max   int
	clock int64 // the latest time that a call gave

	records
	owners  owners
	groups  slotGroups
	changes changeLog
}

var _ selector.Bindings = (*Table)(nil)

// New returns an empty table. It takes memory as it fills.
func New(c Config) *Table {
	t := &Table{hashKey: [2]uint64{
		binary.LittleEndian.Uint64(c.HashKey[:8]),
		binary.LittleEndian.Uint64(c.HashKey[8:]),
	}}
	t.configure(c.TTL, c.Max)
	t.changes.on = c.Recording
	t.owners.init(&t.records)
	t.reset()
	return t
}

func (t *Table) configure(ttl time.Duration, most int) {
	if ttl <= 0 {
		ttl = DefaultTTL
	}
	if most <= 0 {
		most = DefaultMax
	}
	t.ttl, t.max = ttl, min(most, mostBindings)
}

// reset gives the memory of a table back that has no bindings.
func (t *Table) reset() {
	t.records = records{seq: t.seq}
	t.groups = slotGroups{records: &t.records, owners: &t.owners, numbers: make(map[groupKey]uint32)}
	t.owners.reset()
	t.changes.reset()
}

// Find reports the slot that the session is bound to, if the binding is alive. It changes nothing.
func (t *Table) Find(key selector.SessionKey, now time.Time) (selector.Slot, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, binding, alive := t.lookup(key, t.setClock(now))
	if !alive {
		return 0, false
	}
	return t.groups.at(t.bindings.at(binding).group).slot, true
}

// Renew starts the time to live of a live binding anew, for all its ids, and returns its new end; zero if there is none.
func (t *Table) Renew(key selector.SessionKey, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.setClock(now)
	id, binding, alive := t.lookup(key, at)
	if !alive {
		return time.Time{}
	}
	t.renewBinding(binding, at)
	t.id(id).touch(t.seq, t.id(id).source())
	return now.Add(t.ttl)
}

// Join makes primary one more id of the live binding of fallback, whatever it was bound to, and does what Renew does. A
// 65th id takes the place of the one whose last use is longest ago. Zero: fallback has no live binding.
func (t *Table) Join(primary selector.Session, fallback selector.SessionKey, now time.Time) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.setClock(now)
	t.reclaim(at, upkeep)
	id, binding, alive := t.lookup(fallback, at)
	if !alive {
		return time.Time{}
	}
	t.renewBinding(binding, at)
	t.id(id).touch(t.seq, t.id(id).source())
	t.bindID(binding, &primary)
	return now.Add(t.ttl)
}

// Bind binds sessions, primary first, to slot, and returns the end. The live binding of the primary moves with all its
// ids and takes in the further sessions; without one, all of them form a new binding. A binding that loses its last id
// to another one is gone. Of prefixes only the first is bound, and past ones are not any more. Zero: no sessions.
func (t *Table) Bind(sessions []selector.Session, slot selector.Slot, now time.Time) time.Time {
	if len(sessions) == 0 {
		return time.Time{}
	}
	sessions = sessions[:min(len(sessions), maxAliases)]
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.setClock(now)
	t.reclaim(at, upkeep)
	if sessions[0].Role == selector.RolePrefix {
		t.unbindPast(sessions[1:], slot, at)
		sessions = sessions[:1]
	}
	id, binding, alive := t.lookup(sessions[0].Key, at)
	if alive {
		t.moveTo(binding, slot, at)
	} else {
		t.unbindID(id)
		for i := range sessions[1:] {
			t.unbindID(t.findID(sessions[1+i].Key))
		}
		t.makeRoom(sessions[0].Caller, at)
		binding = t.createBinding(slot, t.owners.number(sessions[0].Caller))
		t.changes.setBound(binding, at)
		t.changes.markChanged(binding)
	}
	t.renewBinding(binding, at)
	for i := range sessions {
		t.bindID(binding, &sessions[len(sessions)-1-i]) // the primary is used last
	}
	return now.Add(t.ttl)
}

// unbindPast unbinds the past ones of a conversation's prefixes, as far as they are bound to slot: elsewhere another
// conversation may go on from them.
func (t *Table) unbindPast(prefixes []selector.Session, slot selector.Slot, now int64) {
	for i := range prefixes {
		if prefixes[i].Role != selector.RolePast {
			continue
		}
		id, binding, alive := t.lookup(prefixes[i].Key, now)
		if alive && t.groups.at(t.bindings.at(binding).group).slot == slot {
			t.unbindID(id)
		}
	}
}

// makeRoom frees a binding for one of a caller if there are as many as there may be: a dead one, else the least recently used
// one of who has the most beyond its share.
func (t *Table) makeRoom(caller string, now int64) {
	if t.bindings.used < t.max {
		return
	}
	victim := t.nextDead(now)
	if victim == 0 {
		owner, _ := t.owners.find(caller)
		victim = t.owners.leastRecent(owner, t.max)
	}
	if victim != 0 {
		t.recordEvicted(victim)
		t.freeBinding(victim)
	}
}

// renewBinding makes a binding the most recently used and starts its time to live anew.
func (t *Table) renewBinding(binding uint32, now int64) {
	b := t.bindings.at(binding)
	ends := addSaturated(now, t.ttl)
	if t.changes.on && t.roundedEnd(ends) != t.roundedEnd(b.ends) {
		t.changes.markChanged(binding)
	}
	b.ends = ends
	usesOf(t, b).appendUse(b)
}

// moveTo takes a binding to the group of a slot.
func (t *Table) moveTo(binding uint32, slot selector.Slot, now int64) {
	if g := t.groups.at(t.bindings.at(binding).group); g.slot != slot {
		owner := g.owner
		t.groups.leave(binding)
		t.groups.join(binding, groupKey{slot, owner})
		t.changes.setBound(binding, now)
		t.changes.markChanged(binding)
	}
}

// bindID makes an id the most recently used of a binding, taking it from another one if need be.
func (t *Table) bindID(binding uint32, s *selector.Session) {
	id := t.findID(s.Key)
	if id != 0 && t.id(id).owner == binding {
		t.seq++
		t.id(id).touch(t.seq, s.Source)
		return
	}
	t.unbindID(id)
	t.attach(binding, s)
	t.changes.markChanged(binding)
}

// unbindID takes an id from the binding that it belongs to; 0: there is none.
func (t *Table) unbindID(id uint32) {
	if id == 0 {
		return
	}
	owner := t.id(id).owner
	if t.isEndNews(owner) {
		t.changes.addEnd(t.id(id).key, false)
	}
	if t.detach(id) {
		t.freeBinding(owner)
	}
}

// Release ends every binding to slot and returns how many were alive at the latest time that a call gave. For
// that it frees bindings that were over by then, of about 1,024 ids; if more are left because Expire was not called for
// long, those count.
func (t *Table) Release(slot selector.Slot) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freeEnded()
	return t.groups.release(slot)
}

// Unbind ends the binding of a session, with all its ids, and returns the slot that it was bound to. False: there was
// no live one.
func (t *Table) Unbind(key selector.SessionKey, now time.Time) (selector.Slot, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, binding, alive := t.lookup(key, t.setClock(now))
	if !alive {
		return 0, false
	}
	slot := t.groups.at(t.bindings.at(binding).group).slot
	if t.isEndNews(binding) {
		t.eachID(binding, func(id *idRecord) { t.changes.addUnbound(id.key) })
	}
	t.freeBinding(binding)
	return slot, true
}

// Configure changes the settings; values mean what they mean in Config. A new time to live holds for a binding
// from its next use on. If there are more bindings than the new max, the least recently used go: about 1,024 at once,
// the others a few with each later change, or with Expire.
func (t *Table) Configure(ttl time.Duration, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.ttl
	t.configure(ttl, most)
	if t.ttl < before {
		t.owners.startEpochs(t.seq + 1)
	}
	t.reclaim(t.clock, callWork)
}

// Expire frees at most limit bindings that nobody can find any more, or that are beyond Max, and returns how many. Call
// it every second or so: it keeps memory and counts right while nothing is bound.
func (t *Table) Expire(now time.Time, limit int) (removed int) {
	for removed < limit {
		asked := min(limit-removed, expireChunk)
		t.mu.Lock()
		n := t.reclaim(t.setClock(now), asked)
		t.mu.Unlock()
		if n == 0 {
			break
		}
		removed += n
		runtime.Gosched() // or those who wait for the lock would not get it
	}
	return removed
}

// Len is how many bindings were alive at the latest time that a call gave, as exact as Release.
func (t *Table) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freeEnded()
	return t.bindings.used - t.groups.dead
}

// Max is the bound in force.
func (t *Table) Max() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.max
}

// Count is how many of the bindings that Len counts are to slot.
func (t *Table) Count(slot selector.Slot) (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freeEnded()
	for owner := range t.owners.list {
		count += t.groups.count(groupKey{slot, uint32(owner)})
	}
	return count
}
