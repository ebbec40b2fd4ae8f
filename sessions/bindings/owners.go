package bindings

import (
	"math"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// maxOwners bounds the callers that bindings are kept apart for: twice as many as there may be, and more, for those whose
// bindings outlive them. Bindings of further ones are nobody's, and the first to go.
const maxOwners = 1024

// owner is a caller and its bindings. Nobody, number 0, has those that are no caller's.
type owner struct {
	name       string
	configured bool
	dead       int // bindings in released groups
	uses       useOrder
}

// owners are the callers that have bindings, or may have.
type owners struct {
	records *records
	list    []owner // by number
	numbers map[string]uint32
	free    []uint32
	// entitled counts those that are configured: each has an equal share.
	entitled int
}

func (o *owners) init(r *records) {
	o.records, o.list, o.numbers = r, make([]owner, 1), map[string]uint32{"": 0}
}

// reset gives the memory of their logs back. None has a binding.
func (o *owners) reset() {
	for i := range o.list {
		o.list[i].uses, o.list[i].dead = newUseOrder(o.records), 0
	}
}

func newUseOrder(r *records) useOrder {
	return useOrder{useLog: useLog{newest: noPosition}, records: r, epochs: []endEpoch{newEpoch(0)}}
}

// find the number of a name. False: it has none.
func (o *owners) find(name string) (uint32, bool) {
	if name == "" {
		return 0, true
	}
	number, ok := o.numbers[name]
	return number, ok
}

// number finds or gives the number of a name.
func (o *owners) number(name string) uint32 {
	number, ok := o.find(name)
	switch n := len(o.free); {
	case ok:
		return number
	case n > 0:
		number, o.free = o.free[n-1], o.free[:n-1]
	case len(o.list) < maxOwners:
		number = uint32(len(o.list)) //nolint:gosec // below maxOwners
		o.list = append(o.list, owner{})
	default:
		return 0
	}
	o.list[number] = owner{name: name, uses: newUseOrder(o.records)}
	o.numbers[name] = number
	return number
}

// release forgets an owner that has no bindings and need not be known, and gives memory back.
func (o *owners) release(number uint32) {
	w := &o.list[number]
	switch {
	case w.uses.count > 0 || number == 0:
	case !w.configured:
		delete(o.numbers, w.name)
		*w = owner{uses: newUseOrder(o.records)}
		o.free = append(o.free, number)
	case len(w.uses.chunks) > 2:
		w.uses = newUseOrder(o.records)
	}
}

// configure says which callers have a share.
func (o *owners) configure(names []string) {
	for i := range o.list {
		o.list[i].configured = false
	}
	o.entitled = 0
	for _, name := range names {
		if w := &o.list[o.number(name)]; w.name != "" && !w.configured {
			w.configured = true
			o.entitled++
		}
	}
	for i := 1; i < len(o.list); i++ {
		if o.list[i].name != "" {
			o.release(uint32(i))
		}
	}
}

// beyond is how many bindings an owner has beyond its share of all that there may be.
func (o *owners) beyond(number uint32, most int) int {
	w := &o.list[number]
	if !w.configured {
		return w.uses.count
	}
	// One is nobody's, so that somebody has more than its share wherever there is no room.
	return w.uses.count - (most-1)/o.entitled
}

// leastRecent returns the binding whose last use is longest ago, of the owner that has the most beyond its share, of equal ones
// this one; 0: there is none.
func (o *owners) leastRecent(number uint32, most int) uint32 {
	victim, greatest := uint32(0), math.MinInt
	consider := func(number uint32) {
		if o.list[number].uses.count == 0 || o.beyond(number, most) <= greatest {
			return
		}
		if binding := o.list[number].uses.leastRecent(); binding != 0 {
			victim, greatest = binding, o.beyond(number, most)
		}
	}
	consider(number)
	for other := range o.list {
		consider(uint32(other))
	}
	return victim
}

// nextEnded returns a binding that is over; 0: none.
func (o *owners) nextEnded(now int64) uint32 {
	for i := range o.list {
		if binding := o.list[i].uses.nextEnded(now); binding != 0 {
			return binding
		}
	}
	return 0
}

// startEpochs begins an epoch of each with a use.
func (o *owners) startEpochs(use uint64) {
	for i := range o.list {
		o.list[i].uses.startEpoch(use)
	}
}

// usesOf is the log that a binding is in.
func usesOf(t *Table, b *bindingRecord) *useOrder {
	return &t.owners.list[t.groups.at(b.group).owner].uses
}

// SetCallers says which callers there are: each is sure of an equal part of Max, and may have what others do not use. Bindings of
// one that is gone stay until they end, or somebody needs the room.
func (t *Table) SetCallers(names []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owners.configure(names)
}

// CallerOf returns whose a session is. False: it is not bound.
func (t *Table) CallerOf(key selector.SessionKey, now time.Time) (caller string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, binding, alive := t.lookup(key, t.setClock(now))
	if !alive {
		return "", false
	}
	return t.owners.list[t.groups.at(t.bindings.at(binding).group).owner].name, true
}

// CountOf is how many of the bindings that Len counts are a caller's, and how many of those are to slot.
func (t *Table) CountOf(caller string, slot selector.Slot) (all, toSlot int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.freeEnded()
	number, ok := t.owners.find(caller)
	if !ok {
		return 0, 0
	}
	return t.owners.list[number].uses.count - t.owners.list[number].dead, t.groups.count(groupKey{slot, number})
}
