package state_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

// benchPersister runs a persister over a pool of auths until the benchmark ends.
func benchPersister(b *testing.B, auths int, local state.Store, fleet state.Fleet) (*selector.Pool, *state.Persister) {
	b.Helper()
	table := bindings.New(bindings.Config{Recording: true})
	notifier := state.NewNotifier()
	pool := selector.New(selector.Config{Bindings: table, Recording: true, Permits: fleet != nil, Wake: notifier.Notify})
	list := make([]*selector.Auth, auths)
	for i := range list {
		list[i] = &selector.Auth{ID: fmt.Sprint("auth-", i), Provider: "p"}
	}
	pool.Update(list, nil, time.Now())
	persister := state.NewPersister(state.PersisterConfig{Pool: pool, Table: table, Local: local, Fleet: fleet, Notifier: notifier})
	if err := persister.Load(b.Context()); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		persister.Run(ctx)
	}()
	b.Cleanup(func() { cancel(); <-done })
	return pool, persister
}

// What a fleet adds to the pick of a session that this replica knows.
func BenchmarkPickOfAKnownSession(b *testing.B) {
	for _, test := range []struct {
		name  string
		fleet state.Fleet
	}{
		{"alone", nil},
		{"fleet", (&statetest.Memory{}).Replica()},
	} {
		b.Run(test.name, func(b *testing.B) {
			_, persister := benchPersister(b, 100, nil, test.fleet)
			req := request(1)
			now := time.Now()
			if _, err := persister.Pick(b.Context(), req, now); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := persister.Pick(b.Context(), req, now); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// countedSaves counts how often a store is asked to save.
type countedSaves struct {
	state.Store

	saves atomic.Int64
}

func (c *countedSaves) Save(ctx context.Context, batch state.Batch) error {
	c.saves.Add(1)
	return c.Store.Save(ctx, batch)
}

// How long a change takes until it is on disk, for so many callers at once, and how many share a write.
func BenchmarkDurable(b *testing.B) {
	for _, callers := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			file, err := journal.Open(journal.Config{Path: filepath.Join(b.TempDir(), "state.db")})
			if err != nil {
				b.Fatal(err)
			}
			counted := &countedSaves{Store: file}
			b.Cleanup(func() { _ = file.Close() })
			pool, persister := benchPersister(b, callers, counted, nil)
			var next atomic.Int64
			b.SetParallelism(callers) // of each processor
			before := counted.saves.Load()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				id := fmt.Sprint("auth-", int(next.Add(1))%callers)
				for pb.Next() {
					if err := pool.Disable(id, "", time.Now()); err != nil {
						b.Error(err)
						return
					}
					if err := persister.Durable(b.Context(), id); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/float64(counted.saves.Load()-before), "changes/save")
		})
	}
}
