package deadline

import "math"

// Timer is one instant at which something is over. It is part of what it is about.
type Timer struct {
	// Of is what it is about.
	Of any

	due  int64
	slot int // in the heap, from 1; 0: not in it
}

// Heap is a binary heap of timers by instant. The zero value is empty.
type Heap struct{ heap []*Timer }

// Over reports whether t is due and was not worked off.
func (t *Timer) Over(now int64) bool { return t.slot > 0 && t.due <= now }

// Scheduled reports whether t is in a heap.
func (t *Timer) Scheduled() bool { return t.slot > 0 }

// Due is the instant of a timer that is scheduled.
func (t *Timer) Due() int64 { return t.due }

// Len counts the timers.
func (h *Heap) Len() int { return len(h.heap) }

// Each calls f for each timer.
func (h *Heap) Each(f func(t *Timer)) {
	for _, t := range h.heap {
		f(t)
	}
}

// Next is the timer that is due first; nil: there is none.
func (h *Heap) Next() *Timer {
	if len(h.heap) == 0 {
		return nil
	}
	return h.heap[0]
}

// Schedule moves t to an instant, adding it if needed; never takes it out.
func (h *Heap) Schedule(t *Timer, due int64) {
	if due == math.MaxInt64 {
		h.Cancel(t)
		return
	}
	if t.slot == 0 {
		h.heap = append(h.heap, t)
		t.slot = len(h.heap)
	}
	t.due = due
	h.fix(t.slot - 1)
}

// Cancel takes t out, if it is in.
func (h *Heap) Cancel(t *Timer) {
	if t.slot == 0 {
		return
	}
	i, last := t.slot-1, len(h.heap)-1
	h.put(i, h.heap[last])
	h.heap[last] = nil
	h.heap = h.heap[:last]
	t.slot = 0
	if i < last {
		h.fix(i)
	}
}

func (h *Heap) put(i int, t *Timer) {
	h.heap[i] = t
	t.slot = i + 1
}

// fix restores the order around i, the only slot where it may be broken.
func (h *Heap) fix(i int) {
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
