package selector

import (
	"slices"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// outbox is what is to be stored, asked for and given back. A subject or set is in each list at most once.
type outbox struct {
	recording bool
	wake      func()

	changes  uint64 // all that were ever to be stored
	dirty    []*subject
	wanted   []*blockSet
	returned []PermitKey
}

// saveSet notes that what is known of a set must be stored.
func (o *outbox) saveSet(set *blockSet) {
	if o.recording && !set.unsaved {
		set.unsaved = true
		set.owner.unsaved = append(set.owner.unsaved, set)
	}
	o.save(set.owner)
}

// save notes that a record of the subject must be stored, with what saveSet was called for.
func (o *outbox) save(s *subject) {
	if !o.recording {
		return
	}
	o.changes++
	s.changedAt = o.changes
	if !s.dirty {
		s.dirty = true
		o.dirty = append(o.dirty, s)
		o.wake()
	}
}

// take returns the next record to store, of what changed. There must be one.
func (o *outbox) take() cooldown.Record {
	s := o.dirty[0]
	o.dirty[0] = nil
	o.dirty = o.dirty[1:]
	s.dirty = false
	sets := s.unsaved
	s.unsaved = nil
	for _, set := range sets {
		set.unsaved = false
	}
	r := s.recordOf(slices.DeleteFunc(sets, func(set *blockSet) bool { return s.set(set.scope) != set }))
	r.SortScopes()
	return r
}

// want asks for a permit.
func (o *outbox) want(s *blockSet) {
	if !s.wanted {
		s.wanted = true
		o.wanted = append(o.wanted, s)
		o.wake()
	}
}

// takeWanted returns the permits that are still wanted.
func (o *outbox) takeWanted() (keys []PermitKey) {
	for _, s := range o.wanted {
		if s.wanted = false; s.halfOpen && s.permit == 0 {
			keys = append(keys, s.permitKey())
		}
	}
	o.wanted = o.wanted[:0]
	return keys
}

// giveBack ends the permit of a set, if it has one.
func (o *outbox) giveBack(s *blockSet) {
	if s.permit != 0 {
		s.permit = 0
		o.returned = append(o.returned, s.permitKey())
		o.wake()
	}
}
