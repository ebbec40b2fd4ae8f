package state

import (
	"context"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

const (
	// bindingsPause is how long a change of a binding waits at most before it is saved.
	bindingsPause = 50 * time.Millisecond
	// bindingsLimit is how many changes are saved at once, so that what somebody waits for is not long in coming.
	bindingsLimit = 4096
	// maxQueuedBindings is how many bindings wait at most for a fleet that is out of reach.
	maxQueuedBindings = 1 << 16
	// refreshShare: stores learn of uses of a binding about once in this share of its time to live.
	refreshShare = 8
)

// collectBindings hands what changed of bindings to the savers, and looks after the health of engines, until ctx ends.
func (k *Persister) collectBindings(ctx context.Context) {
	tick := time.NewTicker(bindingsPause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			k.queueBindings()
			for _, s := range k.savers() {
				s.health.reportRecovery()
			}
		}
	}
}

// queueBindings queues as many changes of bindings as there is room for where they are kept first: what changes again meanwhile
// is saved once.
func (k *Persister) queueBindings() {
	_, waiting := k.durableSaver().pending()
	if room := bindingsLimit - waiting; room > 0 {
		k.queueChangedBindings(room)
	}
}

// queueChangedBindings hands about limit changes of bindings to the savers. False: there are none.
func (k *Persister) queueChangedBindings(limit int) bool {
	k.collecting.Lock()
	defer k.collecting.Unlock()
	return k.queueChanged(limit)
}

// queueChanged is queueChangedBindings for who holds collecting.
func (k *Persister) queueChanged(limit int) bool {
	changed := k.table.Changed(limit)
	if len(changed)+len(k.withheld) == 0 {
		return false
	}
	list := k.boundChanges(changed)
	if k.local != nil {
		k.local.add(Batch{Bindings: list}, 0)
	}
	if k.shared != nil {
		k.queueForFleet(Batch{Bindings: k.forFleet(changed, list)})
	}
	return len(changed) > 0
}

// queueForFleet queues bindings for the fleet. While that is out of reach, the queue does not grow: all are offered when it is back.
func (k *Persister) queueForFleet(b Batch) {
	if _, waiting := k.shared.pending(); k.local != nil && waiting >= maxQueuedBindings {
		k.bindingsLost.Store(true)
		return
	}
	k.shared.add(b, 0)
}

// boundChanges are changes in the table as stores take them.
func (k *Persister) boundChanges(changed []bindings.Change) []BoundSession {
	now := k.Now().UnixNano()
	list := make([]BoundSession, len(changed))
	for i := range changed {
		c := &changed[i]
		list[i] = BoundSession{Key: c.Key, Group: c.Group, Source: c.Source, Caller: c.Caller, Bound: c.Bound, Ends: c.Ends}
		if c.Ended {
			list[i].Bound = now
			continue
		}
		// An identity that is gone has no sessions, so no name means an end here, too.
		list[i].Identity, _ = k.pool.NameOf(c.Slot)
	}
	return list
}

// forFleet leaves out what only this replica has no room for, and what the fleet has confirmed just now. What it is being asked
// about waits for the answer: saved now, what this replica would like to have would be the answer.
func (k *Persister) forFleet(changed []bindings.Change, list []BoundSession) (queued []BoundSession) {
	claimed := k.claims.claimed() // before what is confirmed: who asks notes that first
	confirmed := k.claims.takeConfirmed()
	for i := range list {
		if !changed[i].Evicted {
			k.withheld[list[i].Key] = list[i]
		}
	}
	for key, b := range k.withheld {
		_, known := confirmed[key]
		if !known && claimed[key] && b.Identity != "" { // an end waits for nobody
			continue
		}
		if delete(k.withheld, key); !known {
			queued = append(queued, b)
		}
	}
	return queued
}

// Unbind ends the binding of a session, everywhere, and returns the slot that it was bound to once that is kept. False:
// there was no such binding.
func (k *Persister) Unbind(ctx context.Context, key selector.SessionKey, now time.Time) (selector.Slot, bool, error) {
	slot, ok := k.queueUnbind(key, now)
	if s := k.durableSaver(); ok && s != nil {
		return slot, true, notKept(s.wait(ctx, s.lastQueued()))
	}
	return slot, ok, nil
}

// queueUnbind ends a binding and queues that.
func (k *Persister) queueUnbind(key selector.SessionKey, now time.Time) (selector.Slot, bool) {
	k.collecting.Lock()
	defer k.collecting.Unlock()
	k.queueChanged(0) // so that the table has room to note this one
	slot, ok := k.table.Unbind(key, now)
	if ok && k.durableSaver() != nil {
		k.claims.withdraw(key)
		k.queueChanged(0)
	}
	return slot, ok
}

// applyBinding takes in that another replica moved or ended a binding. One that this replica does not know stays so: it is
// asked for when it is needed.
func (k *Persister) applyBinding(b *BoundSession) {
	k.claims.lookups.update(b)
	now := k.Now()
	slot, known := k.table.Find(b.Key, now)
	if !known {
		return
	}
	moved, ok := k.pool.SlotOf(b.Identity, b.Bound)
	switch {
	case b.Identity == "", !ok && b.Bound <= k.pool.Released(b.Identity):
		// It was ended, or moved to what has been released since.
		k.claims.confirm([]selector.Session{{Key: b.Key}})
		k.table.Unbind(b.Key, now)
	case ok && moved != slot:
		k.claims.confirm([]selector.Session{{Key: b.Key}})
		k.table.Bind([]selector.Session{{Key: b.Key, Caller: b.Caller, Source: b.Source}}, moved, now)
	}
}

// offerBindings gives a store that may lack them the bindings of this replica, the last used ones first.
func (k *Persister) offerBindings(ctx context.Context) {
	query := bindings.Query{Size: bindings.MaxPage}
	for ctx.Err() == nil {
		now := k.Now()
		page, next, err := k.table.List(query, now)
		if err != nil || len(page) == 0 {
			return
		}
		list := make([]BoundSession, 0, len(page))
		for i := range page {
			b := &page[i]
			if identity, ok := k.pool.NameOf(b.Slot); ok {
				list = append(list, BoundSession{
					Key: b.Key, Group: b.Key, Source: b.Source, Caller: b.Caller, Identity: identity,
					Bound: k.pool.Released(identity) + 1, Ends: b.ExpiresAt.UnixNano(),
				})
			}
		}
		k.shared.add(Batch{Bindings: list}, 0)
		if k.shared.wait(ctx, k.shared.lastQueued()) != nil {
			k.bindingsLost.Store(true) // offered again after the next save that goes well
			return
		}
		if next == "" {
			return
		}
		query.Token = next
	}
}
