package selector

import "github.com/credbroker/credbroker/selector/cooldown"

// timer is one instant at which something is over. It is part of what it is about: exactly one of set and member.
type timer struct {
	due    cooldown.Instant
	place  int // in the heap, from 1; 0: not in it
	set    *blockSet
	member *member
}

// timers is a binary heap by due. The zero value is empty.
type timers struct{ heap []*timer }

// over reports whether t is due and was not worked off.
func (t *timer) over(now cooldown.Instant) bool { return t.place > 0 && t.due <= now }

func (h *timers) next() *timer {
	if len(h.heap) == 0 {
		return nil
	}
	return h.heap[0]
}

// schedule moves t to due, adding it if needed; never takes it out.
func (h *timers) schedule(t *timer, due cooldown.Instant) {
	if due == cooldown.Never {
		h.cancel(t)
		return
	}
	if t.place == 0 {
		h.heap = append(h.heap, t)
		t.place = len(h.heap)
	}
	t.due = due
	h.settle(t.place - 1)
}

func (h *timers) cancel(t *timer) {
	if t.place == 0 {
		return
	}
	i, last := t.place-1, len(h.heap)-1
	h.put(i, h.heap[last])
	h.heap[last] = nil
	h.heap = h.heap[:last]
	t.place = 0
	if i < last {
		h.settle(i)
	}
}

func (h *timers) put(i int, t *timer) {
	h.heap[i] = t
	t.place = i + 1
}

// settle restores the order around i, the only place where it may be broken.
func (h *timers) settle(i int) {
	t := h.heap[i]
	for i > 0 && t.due < h.heap[(i-1)/2].due {
		h.put(i, h.heap[(i-1)/2])
		i = (i - 1) / 2
	}
	for {
		child := 2*i + 1
		if child >= len(h.heap) {
			break
		}
		if child+1 < len(h.heap) && h.heap[child+1].due < h.heap[child].due {
			child++
		}
		if t.due <= h.heap[child].due {
			break
		}
		h.put(i, h.heap[child])
		i = child
	}
	h.put(i, t)
}
