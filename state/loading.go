package state

import (
	"context"
	"fmt"
	"sync"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// loadAhead is how many batches of bindings are read ahead of those that the table takes in.
const loadAhead = 4

// loading is the sink for what was kept on this machine. One goroutine reads it, another fills the table.
type loading struct {
	*Persister

	restorer *bindings.Restorer
	changes  chan []bindings.Change // on their way into the table
	free     chan []bindings.Change // to be used again
}

var _ Expecter = (*loading)(nil)

// loadLocal hands the pool and the table what is kept on this machine.
func (k *Persister) loadLocal(ctx context.Context) error {
	l := loading{
		Persister: k, restorer: k.table.Restore(k.Now()),
		changes: make(chan []bindings.Change, loadAhead), free: make(chan []bindings.Change, loadAhead),
	}
	for range loadAhead {
		l.free <- nil
	}
	var filling sync.WaitGroup
	filling.Go(l.fill)
	err := k.local.store.Load(ctx, &l)
	close(l.changes)
	filling.Wait()
	if err != nil {
		return fmt.Errorf("load state: %w", err)
	}
	l.restorer.Finish()
	if r, ok := k.local.store.(Renewable); ok {
		r.RenewFrom(k.pool.Records, k.table.MarkAllChanged)
	}
	return nil
}

// fill fills the table until there is nothing more.
func (l *loading) fill() {
	for changes := range l.changes {
		l.restorer.Add(changes)
		l.free <- changes[:0]
	}
}

// Expect is part of Expecter.
func (l *loading) Expect(count int) { l.restorer.Expect(count) }

// Records is part of Sink.
func (l *loading) Records(records []cooldown.Record) { l.pool.Merge(records, l.Now()) }

// Bindings is part of Sink.
func (l *loading) Bindings(list []BoundSession) {
	changes := <-l.free
	for i := range list {
		b := &list[i]
		if slot, ok := l.pool.SlotOf(b.Identity, b.Bound); ok {
			changes = append(changes, bindings.Change{
				Key: b.Key, Group: b.Group, Source: b.Source, Caller: b.Caller, Slot: slot, Bound: b.Bound, Ends: b.Ends,
			})
		}
	}
	l.changes <- changes
}
