package bindings

import "github.com/credbroker/credbroker/selector"

// slotGroups are the groups of bindings by their slot.
type slotGroups struct {
	slab[slotGroup, *slotGroup]
	records  *records
	bySlot   map[selector.Slot]uint32 // groups that are not released
	released uint32                   // the first released group
	dead     int                      // bindings in released groups
}

// join adds a binding to the group of a slot.
func (g *slotGroups) join(binding uint32, slot selector.Slot) {
	number := g.bySlot[slot]
	if number == 0 {
		number = g.alloc()
		g.at(number).slot = slot
		g.bySlot[slot] = number
	}
	group, b := g.at(number), g.records.bindings.at(binding)
	b.group, b.before, b.after = number, 0, group.members
	if group.members != 0 {
		g.records.bindings.at(group.members).before = binding
	}
	group.members = binding
	group.count++
}

// leave takes a binding out of its group, and ends the group if it was the last.
func (g *slotGroups) leave(binding uint32) {
	b := g.records.bindings.at(binding)
	group := g.at(b.group)
	if b.before != 0 {
		g.records.bindings.at(b.before).after = b.after
	} else {
		group.members = b.after
	}
	if b.after != 0 {
		g.records.bindings.at(b.after).before = b.before
	}
	group.count--
	if group.released {
		g.dead--
	}
	if group.count > 0 {
		return
	}
	if group.released {
		g.unlistReleased(group)
	} else {
		delete(g.bySlot, group.slot)
	}
	g.recycle(b.group)
}

// release makes the group of a slot one of the released ones.
func (g *slotGroups) release(slot selector.Slot) int {
	number := g.bySlot[slot]
	if number == 0 {
		return 0
	}
	delete(g.bySlot, slot)
	group := g.at(number)
	group.released = true
	group.after = g.released
	if g.released != 0 {
		g.at(g.released).before = number
	}
	g.released = number
	g.dead += int(group.count)
	return int(group.count)
}

func (g *slotGroups) unlistReleased(group *slotGroup) {
	if group.before != 0 {
		g.at(group.before).after = group.after
	} else {
		g.released = group.after
	}
	if group.after != 0 {
		g.at(group.after).before = group.before
	}
}
