package state

import (
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// queue holds what waits to be saved: of each record and session id one, in the order in which they came.
type queue struct {
	records  []cooldown.Record
	bindings []BoundSession

	recordAt  map[cooldown.RecordKey]int
	bindingAt map[selector.SessionKey]int
}

func newQueue() queue {
	return queue{recordAt: make(map[cooldown.RecordKey]int), bindingAt: make(map[selector.SessionKey]int)}
}

// add takes in a batch, which stays the caller's. What is said of a record adds to what is there; a binding takes the
// place of the one before.
func (q *queue) add(b Batch) {
	for i := range b.Records {
		q.addRecord(&b.Records[i])
	}
	for i := range b.Bindings {
		q.addBinding(&b.Bindings[i])
	}
}

func (q *queue) addRecord(r *cooldown.Record) {
	at, known := q.recordAt[r.Key]
	if !known {
		at = len(q.records)
		q.recordAt[r.Key] = at
		q.records = append(q.records, cooldown.Record{Key: r.Key})
	}
	q.records[at].Merge(r) // which copies
}

func (q *queue) addBinding(b *BoundSession) {
	if at, known := q.bindingAt[b.Key]; known {
		q.bindings[at] = *b
		return
	}
	q.bindingAt[b.Key] = len(q.bindings)
	q.bindings = append(q.bindings, *b)
}

// drain empties the queue.
func (q *queue) drain() Batch {
	b := Batch{Records: q.records, Bindings: q.bindings}
	*q = newQueue()
	return b
}

// requeue takes in what could not be saved. What came since is newer.
func (q *queue) requeue(b Batch) {
	since := q.drain()
	q.add(b)
	q.add(since)
}
