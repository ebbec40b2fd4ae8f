package redis_test

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
	"github.com/credbroker/credbroker/state/statetest"
)

// spent is what a server did and received between two looks.
type spent struct {
	server           *redistest.Server
	calls, in, total int
}

func newSpent(s *redistest.Server) spent {
	return spent{s, s.Calls("evalsha"), s.Info("total_net_input_bytes"), s.Info("total_net_output_bytes")}
}

// report tells the scripts and the bytes, both ways, of each of n picks. What asking for that itself costs is in it, some
// kilobytes over all.
func (s spent) report(b *testing.B, n int) {
	b.ReportMetric(float64(s.server.Calls("evalsha")-s.calls)/float64(n), "scripts/pick")
	b.ReportMetric(float64(s.server.Info("total_net_input_bytes")-s.in)/float64(n), "B-sent/pick")
	b.ReportMetric(float64(s.server.Info("total_net_output_bytes")-s.total)/float64(n), "B-received/pick")
}

// benchmarkIdentity is as long as those of accounts and keys.
const benchmarkIdentity = "claude:key:0123456789abcdef0123456789abcdef"

func benchmarkBinding(r *rand.Rand, now time.Time) state.BoundSession {
	key := selector.SessionKey{Hi: r.Uint64(), Lo: r.Uint64()}
	return state.BoundSession{
		Key: key, Group: key, Source: 1, Identity: benchmarkIdentity, Bound: now.UnixNano(), Ends: now.Add(time.Hour).UnixNano(),
	}
}

// BenchmarkBind is what the first pick of a session asks of the fleet: by one caller, and by 64 at once.
func BenchmarkBind(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(map[int]string{1: "one caller", 64: "64 callers"}[callers], func(b *testing.B) {
			server := redistest.Start(b)
			store := openStore(b, &redis.Config{Addresses: []string{server.Addr}, Namespace: "bench"})
			if _, err := store.Keys(b.Context(), state.Keys{}); err != nil {
				b.Fatal(err)
			}
			before := newSpent(server)
			b.SetParallelism(max(1, callers/2))
			var seed sync.Mutex
			seeds := rand.New(rand.NewPCG(1, 1))
			b.ResetTimer()
			bind := func(next func() bool) {
				seed.Lock()
				r := rand.New(rand.NewPCG(seeds.Uint64(), 1))
				seed.Unlock()
				for next() {
					if _, err := store.Bind(b.Context(), []state.BoundSession{benchmarkBinding(r, time.Now())}, ""); err != nil {
						b.Error(err)
					}
				}
			}
			if callers == 1 {
				bind(b.Loop)
			} else {
				b.RunParallel(func(p *testing.PB) { bind(p.Next) })
			}
			b.StopTimer()
			before.report(b, b.N)
		})
	}
}

// BenchmarkMillionBindings is what a million bindings take in the server, what keeping them costs, and what prolonging some of
// them does: once in an eighth of their time to live.
func BenchmarkMillionBindings(b *testing.B) {
	const bindings = 1_000_000
	for b.Loop() {
		server := redistest.Start(b)
		store := openStore(b, &redis.Config{Addresses: []string{server.Addr}, Namespace: "bench", Timeout: time.Minute})
		if _, err := store.Keys(b.Context(), state.Keys{}); err != nil {
			b.Fatal(err)
		}
		memory := server.Info("used_memory")
		keep := func(metric string, bindings int) {
			before := newSpent(server)
			r := rand.New(rand.NewPCG(1, 1))
			now := time.Now()
			started := time.Now()
			for n := 0; n < bindings; {
				var batch state.Batch
				for ; len(batch.Bindings) < 5000; n++ {
					batch.Bindings = append(batch.Bindings, benchmarkBinding(r, now))
				}
				if err := store.Save(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(time.Since(started).Nanoseconds())/float64(bindings), "ns/"+metric)
			b.ReportMetric(float64(server.Info("total_net_input_bytes")-before.in)/float64(bindings), "B-sent/"+metric)
		}
		keep("kept", bindings)
		b.ReportMetric(float64(server.Info("used_memory")-memory)/bindings, "B/binding")
		keep("prolonged", bindings/10)
		server.Kill()
	}
}

// BenchmarkDeliver is how long it takes from saving a record until each of four other replicas has it.
func BenchmarkDeliver(b *testing.B) {
	server := redistest.Start(b)
	c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "bench"}
	writer := openStore(b, c)
	const others = 4
	arrived := make(chan time.Time, others)
	for range others {
		r := &replica{store: openStore(b, c), resyncs: make(chan struct{}, 1)}
		r.runs(b, arriving{&r.received, arrived})
		<-r.resyncs
	}
	var delays []time.Duration
	for b.Loop() {
		started := time.Now()
		if err := writer.Save(b.Context(), state.Batch{Records: []cooldown.Record{disabled("a")}}); err != nil {
			b.Fatal(err)
		}
		for range others {
			delays = append(delays, (<-arrived).Sub(started))
		}
	}
	slices.Sort(delays)
	b.ReportMetric(float64(delays[len(delays)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(delays[len(delays)*99/100].Microseconds()), "p99-us")
}

// arriving tells when records arrive.
type arriving struct {
	*statetest.Received

	arrived chan<- time.Time
}

func (a arriving) Records(records []cooldown.Record) {
	if len(records) > 0 {
		a.arrived <- time.Now()
	}
	a.Received.Records(records)
}
