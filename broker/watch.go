package broker

import (
	"context"
	"errors"

	"github.com/credbroker/credbroker/selector"
)

// watchPage is how many auths of a snapshot are held at a time.
const watchPage = 4096

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
// change, until ctx ends or send fails. What changes while send does not return is collected as a set of ids, so a slow reader costs
// no more than the ids of the pool.
func (b *Broker) Watch(ctx context.Context, by Caller, provider string, send func(Event) error) error {
	// Before the snapshot, so that no change falls between the two.
	changes := b.pool.Watch()
	defer changes.Close()
	w := &watch{broker: b, by: by, provider: provider, send: send, sent: make(map[string]struct{})}
	if err := w.snapshot(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changes.Changed():
		}
		for _, id := range changes.Take() {
			if err := w.change(id); err != nil {
				return err
			}
		}
	}
}

// watch is one call of Watch.
type watch struct {
	broker   *Broker
	by       Caller
	provider string
	send     func(Event) error
	// sent are the ids that the reader knows, so that it gets no removal of others.
	sent map[string]struct{}
}

func (w *watch) snapshot(ctx context.Context) error {
	filter := selector.Filter{Provider: w.provider, Limit: watchPage}
	for ctx.Err() == nil {
		page, _ := w.broker.Auths(w.by, filter, w.broker.Now())
		for i := range page {
			if err := w.auth(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < watchPage {
			return w.send(Event{SnapshotSize: len(w.sent)})
		}
		filter.After = page[len(page)-1].Auth.ID
	}
	return ctx.Err()
}

// change sends the auth as it is now, or that it is gone.
func (w *watch) change(id string) error {
	if w.by.isNamed() {
		w.by = w.broker.Caller(w.by.Name) // what it may use may have changed
	}
	auth, err := w.broker.Auth(w.by, id, w.broker.Now())
	switch {
	case err == nil && (w.provider == "" || auth.Auth.Provider == w.broker.Provider(w.provider)):
		return w.auth(&auth)
	case err != nil && !errors.Is(err, selector.ErrUnknownAuth):
		return err
	}
	if _, known := w.sent[id]; !known {
		return nil
	}
	delete(w.sent, id)
	return w.send(Event{Removed: id})
}

func (w *watch) auth(a *Auth) error {
	w.sent[a.Auth.ID] = struct{}{}
	return w.send(Event{Auth: a})
}
