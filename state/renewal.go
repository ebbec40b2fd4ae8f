package state

import (
	"context"
	"time"
)

// localCheckPause is how often a store that can lose what it keeps is asked for it.
const localCheckPause = time.Second

// watchLocal has the store on this machine look whether it still has what was saved, until ctx ends.
func (k *Persister) watchLocal(ctx context.Context) {
	for failed := minPause; ctx.Err() == nil; {
		pause := localCheckPause
		if k.checkLocal(ctx) == nil {
			failed = minPause
		} else {
			pause = failed
			failed = min(2*failed, localCheckPause)
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
