package bindings

import "github.com/credbroker/credbroker/selector"

// join adds a binding to the group of a slot.
func (t *Table) join(binding uint32, slot selector.Slot) {
	number := t.bySlot[slot]
	if number == 0 {
		number = t.groups.take()
		t.groups.at(number).slot = slot
		t.bySlot[slot] = number
	}
	g, b := t.groups.at(number), t.bindings.at(binding)
	b.group, b.before, b.after = number, 0, g.members
	if g.members != 0 {
		t.bindings.at(g.members).before = binding
	}
	g.members = binding
	g.count++
}

// leave takes a binding out of its group, and ends the group if it was the last.
func (t *Table) leave(binding uint32) {
	b := t.bindings.at(binding)
	g := t.groups.at(b.group)
	if b.before != 0 {
		t.bindings.at(b.before).after = b.after
	} else {
		g.members = b.after
	}
	if b.after != 0 {
		t.bindings.at(b.after).before = b.before
	}
	g.count--
	if g.released {
		t.deadBindings--
	}
	if g.count > 0 {
		return
	}
	if g.released {
		t.unlistReleased(g)
	} else {
		delete(t.bySlot, g.slot)
	}
	t.groups.put(b.group)
}

// move takes a binding to the group of a slot.
func (t *Table) move(binding uint32, slot selector.Slot, now int64) {
	if t.groups.at(t.bindings.at(binding).group).slot != slot {
		t.leave(binding)
		t.join(binding, slot)
		t.changes.setBound(binding, now)
		t.changes.changed(binding)
	}
}

// release makes the group of a slot one of the released ones.
func (t *Table) release(slot selector.Slot) int {
	number := t.bySlot[slot]
	if number == 0 {
		return 0
	}
	delete(t.bySlot, slot)
	g := t.groups.at(number)
	g.released = true
	g.after = t.released
	if t.released != 0 {
		t.groups.at(t.released).before = number
	}
	t.released = number
	t.deadBindings += int(g.count)
	return int(g.count)
}

func (t *Table) unlistReleased(g *slotGroup) {
	if g.before != 0 {
		t.groups.at(g.before).after = g.after
	} else {
		t.released = g.after
	}
	if g.after != 0 {
		t.groups.at(g.after).before = g.before
	}
}
