package bindings

import "github.com/credbroker/credbroker/selector"

// maxAliases is how many ids one binding may have.
const maxAliases = 64

// aliasBit marks the number of an id record that is not the one inside a binding record.
const aliasBit = 1 << 31

// idRecord is one session id.
type idRecord struct {
	key selector.SessionKey
	// used is the number of its last use, and in the lowest byte its source; 0: vacant.
	used  uint64
	owner uint32 // its binding
	next  uint32 // the next id of the same binding
}

func (r *idRecord) link() *uint32 { return &r.next }

// touch notes a use.
func (r *idRecord) touch(use uint64, source uint8) { r.used = use<<8 | uint64(source) }

func (r *idRecord) source() uint8 { return uint8(r.used & 0xff) }

// bindingRecord is one binding with its first id: 64 bytes, so that a hit on that id touches one cache line.
type bindingRecord struct {
	// first may be vacant, but is always where the list of ids begins.
	first    idRecord
	ends     int64  // nanoseconds since 1970
	used     uint64 // number of its last use
	position uint32 // in the log of uses
	group    uint32
	// Neighbours in the group.
	before, after uint32
}

func (r *bindingRecord) link() *uint32 { return &r.after }

// slotGroup is the bindings of one owner to one slot since that was last released. A released group has no slot any more, and
// its bindings are dead.
type slotGroup struct {
	groupKey

	released bool
	members  uint32 // the first of them
	count    int32
	// Neighbours among the released groups.
	before, after uint32
}

func (r *slotGroup) link() *uint32 { return &r.after }

// records are the ids and the bindings by their numbers, and the ids by their keys.
type records struct {
	seq      uint64 // number of uses, of bindings and of ids
	index    idIndex
	aliases  slab[idRecord, *idRecord]
	bindings slab[bindingRecord, *bindingRecord]
}

// id returns the record behind a number that the index holds.
func (r *records) id(number uint32) *idRecord {
	if number&aliasBit != 0 {
		return r.aliases.at(number &^ aliasBit)
	}
	return &r.bindings.at(number).first
}

// lookup returns the binding of a key and the number of its id record, if it is alive. The binding is 0 if there is none,
// dead or alive.
func (t *Table) lookup(key selector.SessionKey, now int64) (id, binding uint32, alive bool) {
	if id = t.findID(key); id == 0 {
		return 0, 0, false
	}
	binding = t.id(id).owner
	b := t.bindings.at(binding)
	return id, binding, now < b.ends && !t.groups.at(b.group).released
}

// createBinding makes a binding without ids. The caller adds one and calls use.
func (t *Table) createBinding(slot selector.Slot, owner uint32) uint32 {
	binding := t.bindings.alloc()
	b := t.bindings.at(binding)
	b.first.owner = binding
	b.position = noPosition
	t.groups.join(binding, groupKey{slot, owner})
	t.owners.list[owner].uses.count++
	return binding
}

// freeBinding frees a binding and all its ids, and returns how many ids it had.
func (t *Table) freeBinding(binding uint32) (ids int) {
	b := t.bindings.at(binding)
	if b.first.used != 0 {
		t.removeID(binding)
		ids++
	}
	for number := b.first.next; number != 0; ids++ {
		next := t.id(number).next
		t.removeID(number)
		t.aliases.recycle(number &^ aliasBit)
		number = next
	}
	owner := t.groups.at(b.group).owner
	t.groups.leave(binding)
	uses := &t.owners.list[owner].uses
	if b.position != noPosition { // one that is being restored may have none yet
		uses.remove(b.position)
	}
	uses.count--
	t.owners.release(owner)
	t.bindings.recycle(binding)
	if t.bindings.used == 0 && len(t.bindings.chunks)+len(t.aliases.chunks) > 2 {
		t.reset()
	}
	return ids
}

// attach gives a binding an id that the index does not hold.
func (t *Table) attach(binding uint32, s *selector.Session) {
	b := t.bindings.at(binding)
	count, oldest := t.leastUsedID(binding)
	if count >= maxAliases || count > 0 && t.aliases.used >= t.maxAliasRecords() {
		t.changes.addEnd(t.id(oldest).key, true)
		t.detach(oldest)
	}
	number, r := binding, &b.first
	if b.first.used != 0 {
		number = t.aliases.alloc()
		r = t.aliases.at(number)
		number |= aliasBit
		r.owner, r.next, b.first.next = binding, b.first.next, number
	}
	t.seq++
	r.key = s.Key
	r.touch(t.seq, s.Source)
	t.addID(number)
}

// detach takes an id from its binding and reports whether that was the last one; the caller then drops the binding.
func (t *Table) detach(number uint32) (last bool) {
	r := t.id(number)
	t.removeID(number)
	t.changes.markChanged(r.owner) // the others may be a group by another name now
	b := t.bindings.at(r.owner)
	if number&aliasBit == 0 {
		r.key, r.used = selector.SessionKey{}, 0
	} else {
		before := &b.first
		for before.next != number {
			before = t.id(before.next)
		}
		before.next = r.next
		t.aliases.recycle(number &^ aliasBit)
	}
	return b.first.used == 0 && b.first.next == 0
}

// eachID calls f for the ids of a binding.
func (r *records) eachID(binding uint32, f func(id *idRecord)) {
	for number := binding; number != 0; {
		id := r.id(number)
		if id.used != 0 {
			f(id)
		}
		number = id.next
	}
}

// leastUsedID counts the ids of a binding and returns the number of the one whose last use is longest ago.
func (r *records) leastUsedID(binding uint32) (count int, oldest uint32) {
	var least uint64
	for number := binding; number != 0; {
		id := r.id(number)
		if id.used != 0 {
			if count++; oldest == 0 || id.used < least {
				oldest, least = number, id.used
			}
		}
		number = id.next
	}
	return count, oldest
}

// lastUsedID counts the ids of a binding and returns the one that was used last.
func (r *records) lastUsedID(binding uint32) (count int, latest idRecord) {
	for number := binding; number != 0; {
		id := r.id(number)
		if id.used != 0 {
			if count++; id.used > latest.used {
				latest = *id
			}
		}
		number = id.next
	}
	return count, latest
}

// maxAliasRecords bounds what ids can cost beyond the first of each binding. With 64 ids in each, a hostile client
// could make the table forty times as large as one id a binding makes it.
func (t *Table) maxAliasRecords() int { return 1<<16 + 4*t.max }
