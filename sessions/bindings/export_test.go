package bindings

import (
	"fmt"

	"github.com/credbroker/credbroker/selector"
)

// Leftover says what a table without bindings has not given back, which no method shows; empty: all of it.
func (t *Table) Leftover() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	indexed, passed := 0, 0
	for _, s := range t.index.directory {
		indexed += s.used
		for i := range s.buckets {
			passed += int(s.buckets[i].passed)
		}
	}
	if t.bindings.used+t.aliases.used+t.groups.used+t.groups.dead+len(t.groups.numbers)+indexed+passed == 0 {
		return ""
	}
	return fmt.Sprintf("%d bindings, %d aliases, %d groups (%d dead, %d of slots), %d ids in its index, %d marks of others",
		t.bindings.used, t.aliases.used, t.groups.used, t.groups.dead, len(t.groups.numbers), indexed, passed)
}

// UndoRelease brings back what was released last.
func (t *Table) UndoRelease(slot selector.Slot) {
	number := t.groups.released
	t.groups.unlistReleased(t.groups.at(number))
	t.groups.at(number).released = false
	t.groups.numbers[groupKey{slot: slot}] = number
	t.groups.dead, t.owners.list[0].dead = 0, 0
}

// Epochs is how many times to live, one after the other, the table distinguishes.
func (t *Table) Epochs() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.owners.list[0].uses.epochs)
}

// Owners is for how many callers there is room, and KnownOwners how many are known; nobody is one.
func (t *Table) Owners() int { return len(t.owners.list) }

// KnownOwners is told by Owners.
func (t *Table) KnownOwners() int { return len(t.owners.numbers) }
