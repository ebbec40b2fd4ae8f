package state

import (
	"context"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// localCheckPause is how often a store that can lose what it keeps is asked for it.
const localCheckPause = time.Second

// watchLocal has the store on this machine look whether it still has what was saved, until ctx ends.
func (k *Persister) watchLocal(ctx context.Context) {
	for ctx.Err() == nil {
		pause := localCheckPause
		if k.checkLocal(ctx) != nil {
			pause = minPause
		}
		sleep(ctx, pause)
	}
}

func (k *Persister) checkLocal(ctx context.Context) error {
	if k.local == nil {
		return nil
	}
	r, ok := k.local.store.(Renewable)
	if !ok {
		return nil
	}
	err := r.Check(ctx)
	if ctx.Err() == nil {
		k.local.health.set(partCheck, err)
	}
	return err
}

// memory is what a store on this machine begins anew from.
type memory struct{ *Persister }

var _ Memory = memory{}

// Records is part of Memory.
func (m memory) Records() []cooldown.Record { return m.pool.Records() }

// Renewed is part of Memory. Bindings are saved behind, as ever.
func (m memory) Renewed() { m.table.MarkAllChanged() }
