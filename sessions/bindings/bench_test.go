package bindings_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

var benchmarkTime = time.Unix(1_800_000_000, 0)

// randomKey is as well spread as a hash.
func randomKey(r *rand.Rand) selector.SessionKey {
	return selector.SessionKey{Hi: r.Uint64(), Lo: r.Uint64()}
}

// filledTable holds n bindings of one id to 1,000 slots. The keys are in random order.
func filledTable(n int) (*bindings.Table, []selector.SessionKey) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	t := bindings.New(bindings.Config{Max: n})
	keys := make([]selector.SessionKey, n)
	for i := range keys {
		keys[i] = randomKey(r)
		t.Bind([]selector.Session{{Key: keys[i]}}, selector.Slot(i%1000), benchmarkTime)
	}
	r.Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	return t, keys
}

var benchmarkSizes = []int{1_000, 100_000, 1_000_000}

// BenchmarkTableHit is what a pick of a known session asks of the table: Find and Renew.
func BenchmarkTableHit(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("bindings=%d", n), func(b *testing.B) {
			t, keys := filledTable(n)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, ok := t.Find(keys[i], benchmarkTime); !ok {
					b.Fatal("a bound session is not found")
				}
				t.Renew(keys[i], benchmarkTime)
				if i++; i == n {
					i = 0
				}
			}
		})
	}
}

// BenchmarkTableChanged is what recording adds to a binding: it is noted, and read.
func BenchmarkTableChanged(b *testing.B) {
	r := rand.New(rand.NewPCG(6, 6))
	t := bindings.New(bindings.Config{Recording: true})
	sessions := make([]selector.Session, 1)
	b.ReportAllocs()
	changes := 0
	for i := 0; b.Loop(); i++ {
		sessions[0].Key = randomKey(r)
		t.Bind(sessions, 7, benchmarkTime)
		if i%1000 == 999 {
			changes += len(t.Changed(1000))
		}
	}
	b.ReportMetric(float64(changes)/float64(b.N), "changes/op")
}

// BenchmarkTableRestore fills a table with 1,000,000 bindings that were kept.
func BenchmarkTableRestore(b *testing.B) {
	const n = 1_000_000
	random := rand.New(rand.NewPCG(7, 7))
	changes := make([]bindings.Change, n)
	for i := range changes {
		key := randomKey(random)
		changes[i] = bindings.Change{Key: key, Group: key, Slot: 7, Bound: 1, Ends: benchmarkTime.Add(time.Duration(1 + random.IntN(int(time.Hour)))).UnixNano()}
	}
	for b.Loop() {
		t := bindings.New(bindings.Config{Max: n, Recording: true})
		r := t.Restore(benchmarkTime)
		r.Expect(n)
		for part := range slices.Chunk(changes, 1000) {
			r.Add(part)
		}
		r.Finish()
		if t.Len() != n {
			b.Fatalf("Len = %d, want %d", t.Len(), n)
		}
	}
}

// BenchmarkTableBind binds new sessions in a full table, so each takes the place of the least recently used one.
func BenchmarkTableBind(b *testing.B) {
	for _, n := range benchmarkSizes {
		b.Run(fmt.Sprintf("bindings=%d", n), func(b *testing.B) {
			t, _ := filledTable(n)
			r := rand.New(rand.NewPCG(2, 2))
			sessions := make([]selector.Session, 1)
			b.ReportAllocs()
			for b.Loop() {
				sessions[0].Key = randomKey(r)
				t.Bind(sessions, selector.Slot(sessions[0].Key.Lo%1000), benchmarkTime)
			}
		})
	}
}

// BenchmarkTableRelease ends 1,000,000 bindings of one slot, and brings them back in a way that only a test can.
func BenchmarkTableRelease(b *testing.B) {
	const n = 1_000_000
	b.Run(fmt.Sprintf("bindings=%d", n), func(b *testing.B) {
		r := rand.New(rand.NewPCG(3, 3))
		t := bindings.New(bindings.Config{Max: n})
		for range n {
			t.Bind([]selector.Session{{Key: randomKey(r)}}, 7, benchmarkTime)
		}
		b.ReportAllocs()
		for b.Loop() {
			if got := t.Release(7); got != n {
				b.Fatalf("Release = %d, want %d", got, n)
			}
			t.UndoRelease(7)
		}
	})
}

// BenchmarkTableMemory reports what a binding of one id costs in the heap of a table that records changes, when it was just
// filled and after each binding was used about twice.
func BenchmarkTableMemory(b *testing.B) {
	const n = 1_000_000
	b.Run(fmt.Sprintf("bindings=%d", n), func(b *testing.B) {
		for b.Loop() {
			keys := make([]selector.SessionKey, n)
			before := heapInUse()
			t := bindings.New(bindings.Config{Max: n, Recording: true})
			r := rand.New(rand.NewPCG(4, 4))
			for i := range keys {
				keys[i] = randomKey(r)
				t.Bind([]selector.Session{{Key: keys[i]}}, selector.Slot(r.Uint64()%1000), benchmarkTime)
				if i%1000 == 999 {
					t.Changed(1000)
				}
			}
			b.ReportMetric(float64(heapInUse()-before)/n, "bytes/binding")
			for range 2 * n {
				t.Renew(keys[r.IntN(n)], benchmarkTime)
			}
			b.ReportMetric(float64(heapInUse()-before)/n, "bytes/binding-used")
			runtime.KeepAlive(t)
			runtime.KeepAlive(keys)
		}
	})
}

// heapInUse counts whole spans, so also what the allocator loses.
func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse
}

// BenchmarkTablePause reports the longest single call over a life of 1,000,000 bindings: filled, used, released at once,
// filled again.
func BenchmarkTablePause(b *testing.B) {
	const n = 1_000_000
	b.Run(fmt.Sprintf("bindings=%d", n), func(b *testing.B) {
		for b.Loop() {
			t := bindings.New(bindings.Config{Max: n})
			r := rand.New(rand.NewPCG(5, 5))
			var worst [3]time.Duration
			timed := func(phase int, call func()) {
				start := time.Now()
				call()
				worst[phase] = max(worst[phase], time.Since(start))
			}
			keys := make([]selector.SessionKey, n)
			bind := func(i int) func() {
				keys[i] = randomKey(r)
				return func() { t.Bind([]selector.Session{{Key: keys[i]}}, 7, benchmarkTime) }
			}
			for i := range n {
				timed(0, bind(i))
			}
			for range 2 * n {
				key := keys[r.IntN(n)]
				timed(1, func() { t.Renew(key, benchmarkTime) })
			}
			timed(2, func() { t.Release(7) })
			for i := range n {
				timed(2, bind(i))
			}
			for i, name := range []string{"fill-max-ns", "use-max-ns", "refill-max-ns"} {
				b.ReportMetric(float64(worst[i].Nanoseconds()), name)
			}
		}
	})
}

func BenchmarkKey(b *testing.B) {
	t := bindings.New(bindings.Config{})
	const id = "claude:b2f3f2a0-1f0e-4e53-9a4c-2f60d3c1a9d7"
	b.ReportAllocs()
	for b.Loop() {
		t.Key("claude", id, "claude-opus-4-6")
	}
}
