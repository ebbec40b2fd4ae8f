package feed

import "container/list"

// Feed is what changed: names, and groups of which every member changed. The zero value has no readers.
type Feed[G comparable] struct {
	order   list.List // of items and *Readers; the first is a reader
	items   map[item[G]]*list.Element
	readers int

	numbers map[string]uint32 // of names that some reader knows
	known   []known           // by number
	free    []uint32
}

// item is one thing that changed: a name, or else a group.
type item[G comparable] struct {
	name  string
	group G
}

// known is a name, and how many readers know it.
type known struct {
	name    string
	readers int
}

// Read begins to read. Nothing has changed for the reader yet. Close it.
func (f *Feed[G]) Read() *Reader[G] {
	if f.readers == 0 {
		f.items, f.numbers = make(map[item[G]]*list.Element), make(map[string]uint32)
		f.known, f.free = nil, nil
	}
	f.readers++
	r := &Reader[G]{feed: f, signal: make(chan struct{}, 1)}
	r.at = f.order.PushBack(r)
	return r
}

// Change notes that a name changed.
func (f *Feed[G]) Change(name string) { f.change(item[G]{name: name}) }

// ChangeGroup notes that all of a group changed. The zero group is none.
func (f *Feed[G]) ChangeGroup(group G) { f.change(item[G]{group: group}) }

func (f *Feed[G]) change(i item[G]) {
	if f.readers == 0 {
		return
	}
	for e := f.order.Back(); e != nil; e = e.Prev() {
		r, ok := e.Value.(*Reader[G])
		if !ok {
			break
		}
		r.notify() // it had been given everything
	}
	if e := f.items[i]; e != nil {
		f.order.MoveToBack(e)
	} else {
		f.items[i] = f.order.PushBack(i)
	}
}

// trim drops what every reader was given.
func (f *Feed[G]) trim() {
	for e := f.order.Front(); e != nil; e = f.order.Front() {
		i, ok := e.Value.(item[G])
		if !ok {
			return
		}
		f.order.Remove(e)
		delete(f.items, i)
	}
}

// number finds or makes the number of a name.
func (f *Feed[G]) number(name string) uint32 {
	n, ok := f.numbers[name]
	if ok {
		return n
	}
	if last := len(f.free) - 1; last >= 0 {
		n, f.free = f.free[last], f.free[:last]
	} else {
		n, f.known = uint32(len(f.known)), append(f.known, known{}) //nolint:gosec // there are fewer names
	}
	f.known[n] = known{name: name}
	f.numbers[name] = n
	return n
}

// release ends that a reader knows the name of a number.
func (f *Feed[G]) release(n uint32) {
	k := &f.known[n]
	if k.readers--; k.readers == 0 {
		delete(f.numbers, k.name)
		k.name = ""
		f.free = append(f.free, n)
	}
}
