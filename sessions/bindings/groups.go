package bindings

import "github.com/credbroker/credbroker/selector"

// groupKey is what the bindings of a group have in common, as long as it is not released.
type groupKey struct {
	slot  selector.Slot
	owner uint32
}

// slotGroups are the groups of bindings by their slot and owner.
type slotGroups struct {
	slab[slotGroup, *slotGroup]
	records  *records
	owners   *owners
	numbers  map[groupKey]uint32 // of groups that are not released
	released uint32              // the first released group
	dead     int                 // bindings in released groups
}

// join adds a binding to a group.
func (g *slotGroups) join(binding uint32, key groupKey) {
	number := g.numbers[key]
	if number == 0 {
		number = g.alloc()
		g.at(number).groupKey = key
		g.numbers[key] = number
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
		g.owners.list[group.owner].dead--
	}
	if group.count > 0 {
		return
	}
	if group.released {
		g.unlistReleased(group)
	} else {
		delete(g.numbers, group.groupKey)
	}
	g.recycle(b.group)
}

// count is how many bindings a group has.
func (g *slotGroups) count(key groupKey) int {
	if number := g.numbers[key]; number != 0 {
		return int(g.at(number).count)
	}
	return 0
}

// release makes the groups of a slot released ones.
func (g *slotGroups) release(slot selector.Slot) (count int) {
	for owner := range g.owners.list {
		count += g.releaseGroup(groupKey{slot, uint32(owner)})
	}
	return count
}

func (g *slotGroups) releaseGroup(key groupKey) int {
	number := g.numbers[key]
	if number == 0 {
		return 0
	}
	delete(g.numbers, key)
	group := g.at(number)
	group.released = true
	group.after = g.released
	if g.released != 0 {
		g.at(g.released).before = number
	}
	g.released = number
	g.dead += int(group.count)
	g.owners.list[key.owner].dead += int(group.count)
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
