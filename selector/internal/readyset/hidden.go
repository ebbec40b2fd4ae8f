package readyset

import "strings"

// Hidden is what is known to be hidden from a key; nil: nobody said anything of it yet.
func (o *Order) Hidden(key string) *Hidden { return o.hidden[key] }

// Blocks counts why something is hidden, or would be if it were ready.
func (h *Hidden) Blocks() int { return h.blocks }

// Hide begins to say what is hidden from a key. Of more keys than limit one is dropped: it is said again when it is needed.
func (o *Order) Hide(key string, limit int) *Hidden {
	if len(o.hidden) >= limit {
		for other := range o.hidden {
			o.Drop(other)
			break
		}
	}
	h := &Hidden{}
	o.hidden[strings.Clone(key)] = h
	return h
}

// Drop forgets what is hidden from a key. Nobody hears of what changes for it from then on, so followers must look everywhere.
func (o *Order) Drop(key string) {
	delete(o.hidden, key)
	o.Changes.Skip()
}

// Keys calls f for each key that something was said of.
func (o *Order) Keys(f func(key string)) {
	for key := range o.hidden {
		f(key)
	}
}

// Block adds a reason why a position is hidden from a key, or takes one away if by is -1. On says whether it is hidden then.
func (o *Order) Block(h *Hidden, position, by int, on bool) {
	h.blocks += by
	if h.set == nil {
		h.set = New(o.ready.Words() * 64)
		if o.Groups != nil {
			h.emptied = New(len(o.Groups))
		}
	}
	if h.set.Put(position, on) {
		o.Changes.Add(position)
		if o.Groups != nil {
			o.updateEmptied(h, int(o.groupOf[position]))
		}
	}
	if h.blocks == 0 {
		h.set, h.emptied = nil, nil
	}
}

// Follow makes a position that is hidden from a key hidden only as long as it is ready.
func (o *Order) Follow(key string, position int) {
	h := o.hidden[key]
	if h != nil && h.blocks > 0 && h.set.Put(position, o.ready.Has(position)) && o.Groups != nil {
		o.updateEmptied(h, int(o.groupOf[position]))
	}
}

func (o *Order) updateEmptied(h *Hidden, g int) {
	all := o.readyIn(g, nil)
	h.emptied.Put(g, all > 0 && o.readyIn(g, h) == 0)
}
