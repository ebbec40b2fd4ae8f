package broker

import (
	"context"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// watchPause is how long a watch waits after changes before it takes further ones: those of one auth are then one.
const watchPause = 20 * time.Millisecond

// Event is one message of a watch.
type Event struct {
	// Auth is one of the snapshot, or one that has changed.
	Auth *Auth
	// Removed is the id of an auth that is gone.
	Removed string
	// SnapshotSize is how many auths the snapshot had that ends here, where the other two are empty.
	SnapshotSize int
}

// Watch sends every auth that the caller sees of a provider, by any of its names, or of all for the empty one, and then those that
// change, until ctx ends or send fails. It has a page of auths at a time and asks for the next once that is sent. What changes meanwhile
// is collected for all watches together, so one whose send does not return costs no more than its page.
func (b *Broker) Watch(ctx context.Context, by Caller, provider string, send func(Event) error) error {
	// Before the snapshot, so that no change falls between the two.
	changes := b.pool.Watch()
	defer changes.Close()
	w := &watch{broker: b, by: by, provider: provider, changes: changes, send: send}
	if err := w.snapshot(ctx); err != nil {
		return err
	}
	pause := time.NewTimer(watchPause)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes.Changed():
		}
		if err := w.change(ctx); err != nil {
			return err
		}
		pause.Reset(watchPause)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
		}
	}
}

// watch is one call of Watch.
type watch struct {
	broker   *Broker
	by       Caller
	provider string
	changes  *selector.Watcher
	send     func(Event) error
}

// filter selects what the caller sees now: that may have changed.
func (w *watch) filter() selector.Filter {
	if w.by.isNamed() {
		w.by = w.broker.Caller(w.by.Name)
	}
	return selector.Filter{Allow: w.by.Allow, Provider: w.provider}
}

func (w *watch) snapshot(ctx context.Context) error {
	size := 0
	for after := ""; ctx.Err() == nil; {
		filter := w.filter()
		filter.After = after
		page := w.changes.Snapshot(filter, w.broker.Now())
		if len(page) == 0 {
			return w.send(Event{SnapshotSize: size})
		}
		if err := w.auths(page); err != nil {
			return err
		}
		size += len(page)
		after = page[len(page)-1].Auth.ID
	}
	return ctx.Err()
}

// change sends the auths that changed as they are now, or that they are gone.
func (w *watch) change(ctx context.Context) error {
	for ctx.Err() == nil {
		page, gone, more := w.changes.Next(w.filter(), w.broker.Now())
		if err := w.auths(page); err != nil {
			return err
		}
		for _, id := range gone {
			if err := w.send(Event{Removed: id}); err != nil {
				return err
			}
		}
		if !more {
			return nil
		}
	}
	return ctx.Err()
}

func (w *watch) auths(page []selector.Status) error {
	for i := range page {
		auth := w.broker.withSessions(w.by, page[i])
		if err := w.send(Event{Auth: &auth}); err != nil {
			return err
		}
	}
	return nil
}
