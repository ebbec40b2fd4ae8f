package rotation

import "maps"

// RoundRobin is a cursor that goes up by one with each turn; whose turn it is, is the rest of dividing it by how many take
// part. The zero value was not used yet.
type RoundRobin struct {
	used bool
	next uint64
}

// Cursor is where it stands; start if it was not used yet.
func (r *RoundRobin) Cursor(start uint64) uint64 {
	if r.used {
		return r.next
	}
	return start
}

// Used reports whether there was a turn.
func (r *RoundRobin) Used() bool { return r.used }

// Turn moves it on from a cursor.
func (r *RoundRobin) Turn(cursor uint64) { r.used, r.next = true, cursor+1 }

// TwoLevel is round robin over groups, with a round robin in each, by the group's name.
type TwoLevel struct {
	Groups RoundRobin
	inner  map[string]uint64
}

// Inner is the cursor within a group.
func (r *TwoLevel) Inner(group string) uint64 { return r.inner[group] }

// Turn moves it on from a cursor over the groups, and within the group that had the turn.
func (r *TwoLevel) Turn(cursor uint64, group string) {
	r.Groups.Turn(cursor)
	if r.inner == nil {
		r.inner = make(map[string]uint64)
	}
	r.inner[group]++
}

// Len is how many groups it keeps cursors of.
func (r *TwoLevel) Len() int { return len(r.inner) }

// Prune drops the cursors of groups that are gone, if there are more than limit.
func (r *TwoLevel) Prune(limit int, present map[string]bool) {
	if len(r.inner) > limit {
		maps.DeleteFunc(r.inner, func(group string, _ uint64) bool { return !present[group] })
	}
}
