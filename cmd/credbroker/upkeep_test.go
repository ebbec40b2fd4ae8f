package main

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

func TestUpkeepWorksOffWhatHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := bindings.New(bindings.Config{TTL: time.Minute})
		pool := selector.New(selector.Config{Bindings: table})
		pool.Update([]*selector.Auth{{ID: "a", Provider: "p"}}, nil, time.Now())
		key := table.Key("p", "header:s", "m")
		if _, err := pool.Pick(&selector.Request{Provider: "p", Model: "m", Sessions: []selector.Session{{Key: key}}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := pool.Cooldown("a", selector.Cooldown{Until: time.Now().Add(90 * time.Second)}, time.Now()); err != nil {
			t.Fatal(err)
		}
		watcher := pool.Watch()
		defer watcher.Close()

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			(&upkeep{pool: pool, table: table, now: time.Now}).run(ctx)
		}()
		time.Sleep(time.Minute - 1)
		synctest.Wait()
		if n := table.Len(); n != 1 {
			t.Errorf("bindings just before their end = %d, want 1", n)
		}
		time.Sleep(maxIdle + 1)
		synctest.Wait()
		if n := table.Len(); n != 0 {
			t.Errorf("bindings after their end = %d, want 0", n)
		}
		if ids := watcher.Take(); len(ids) != 0 {
			t.Errorf("changed before the cooldown ended: %v", ids)
		}
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if ids := watcher.Take(); !slices.Equal(ids, []string{"a"}) {
			t.Errorf("changed after the cooldown ended: %v, want a", ids)
		}
		cancel()
		<-done
	})
}
