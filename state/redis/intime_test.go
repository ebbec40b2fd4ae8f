package redis_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
	"github.com/credbroker/credbroker/state/statetest"
)

// A call ends in time however many are under way: the library waits for room among them without looking at the clock.
func TestManyCallsEndInTime(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	s := openStore(t, &redis.Config{Addresses: []string{proxy.Addr}, Namespace: "many"})
	if err := s.Load(t.Context(), &statetest.Received{}); err != nil {
		t.Fatal(err)
	}
	proxy.Stick()
	const calls, limit = 1000, 20 * time.Millisecond
	took := make([]time.Duration, calls)
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			began := time.Now()
			_, _ = s.Bind(ctx, session(i, "a"), "")
			took[i] = time.Since(began)
		})
	}
	all.Wait()
	t.Logf("Bind with a limit of %v: %s", limit, quantiles(took))
	if slowest := slices.Max(took); slowest > 500*time.Millisecond {
		t.Errorf("one call took %v, want about %v", slowest, limit)
	}
}
