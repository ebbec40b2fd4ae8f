package bindings_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// heap is how many bytes are in use once what is garbage is gone.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestABindingTakesAtMostAHundredBytes fills tables of several sizes, as the index grows in steps.
func TestABindingTakesAtMostAHundredBytes(t *testing.T) {
	now := benchmarkTime
	cost := func(n int, recording bool) float64 {
		before := heap()
		table := bindings.New(bindings.Config{Max: n, Recording: recording})
		r := rand.New(rand.NewPCG(4, 4))
		for i := range n {
			if table.Bind([]selector.Session{{Key: randomKey(r)}}, selector.Slot(r.IntN(100)), now); i%1000 == 999 {
				table.Changed(1000)
			}
		}
		defer runtime.KeepAlive(table)
		return float64(heap()-before) / float64(n)
	}
	for _, n := range []int{60_000, 75_000, 90_000, 110_000} {
		silent, recording := cost(n, false), cost(n, true)
		if silent > 100 || recording > 100 {
			t.Errorf("of %d bindings each takes %.1f bytes, and %.1f where changes are recorded; want at most 100", n, silent, recording)
		}
		if recording-silent < 6 {
			t.Errorf("of %d bindings each takes %.1f bytes, and %.1f where changes are recorded: that costs where it is off, too", n, silent, recording)
		}
	}
}

func TestATableThatIsEmptyGivesItsMemoryBack(t *testing.T) {
	now := benchmarkTime
	before := heap()
	table := bindings.New(bindings.Config{})
	r := rand.New(rand.NewPCG(1, 1))
	for range 50_000 {
		table.Bind([]selector.Session{{Key: randomKey(r)}, {Key: randomKey(r)}}, selector.Slot(r.IntN(1000)), now)
	}
	table.Expire(now.Add(bindings.DefaultTTL), math.MaxInt)
	if left := heap() - before; left > 64<<10 {
		t.Errorf("an empty table keeps %d bytes", left)
	}
	runtime.KeepAlive(table)
}

// churn is a way to use a table for ever. None may make it larger than it is after a while.
type churn struct {
	name        string
	config      bindings.Config
	warm, steps int
	step        func(table *bindings.Table, r *rand.Rand, i int, now time.Time)
}

func churns() []churn {
	one := func(r *rand.Rand) []selector.Session { return []selector.Session{{Key: randomKey(r)}} }
	return []churn{
		{"new sessions", bindings.Config{Max: 1000}, 20_000, 100_000, func(table *bindings.Table, r *rand.Rand, _ int, now time.Time) {
			table.Bind(one(r), 1, now)
		}},
		{"sessions that are ended", bindings.Config{}, 20_000, 100_000, func(table *bindings.Table, r *rand.Rand, _ int, now time.Time) {
			id := one(r)
			table.Bind(id, 1, now)
			table.Unbind(id[0].Key, now)
		}},
		{"further ids of one session", bindings.Config{}, 20_000, 100_000, func(table *bindings.Table, r *rand.Rand, i int, now time.Time) {
			if first := (selector.Session{Key: selector.SessionKey{Lo: 1}}); i == 0 {
				table.Bind([]selector.Session{first}, 1, now)
			} else {
				table.Join(selector.Session{Key: randomKey(r)}, first.Key, now)
				table.Renew(first.Key, now)
			}
		}},
		{"ids that move to another session", bindings.Config{}, 20_000, 100_000, func(table *bindings.Table, _ *rand.Rand, i int, now time.Time) {
			table.Bind([]selector.Session{{Key: selector.SessionKey{Hi: 1, Lo: uint64(i % 500)}}, {Key: selector.SessionKey{Hi: 2, Lo: uint64(i % 7)}}}, 1, now)
		}},
		{"new slots", bindings.Config{Max: 1000}, 20_000, 100_000, func(table *bindings.Table, r *rand.Rand, i int, now time.Time) {
			table.Bind(one(r), selector.Slot(i), now)
		}},
		{"sessions that move", bindings.Config{}, 20_000, 100_000, func(table *bindings.Table, _ *rand.Rand, i int, now time.Time) {
			table.Bind([]selector.Session{{Key: selector.SessionKey{Hi: 1, Lo: uint64(i % 500)}}}, selector.Slot(i), now)
		}},
		{"slots that are released", bindings.Config{}, 20_000, 100_000, func(table *bindings.Table, r *rand.Rand, i int, now time.Time) {
			table.Bind(one(r), selector.Slot(i), now)
			table.Release(selector.Slot(i))
		}},
		{"times to live that change", bindings.Config{Max: 100}, 2_000, 5_000, func(table *bindings.Table, r *rand.Rand, i int, now time.Time) {
			table.Configure(time.Duration(1+i%2)*time.Hour, 100)
			table.Bind(one(r), 1, now)
		}},
		{"changes that nobody reads", bindings.Config{Max: 100, Recording: true}, 100_000, 100_000, func(table *bindings.Table, r *rand.Rand, _ int, now time.Time) {
			table.Bind(one(r), 1, now)
		}},
		{"changes that are read a few at a time", bindings.Config{Max: 100, Recording: true}, 100_000, 100_000, func(table *bindings.Table, r *rand.Rand, _ int, now time.Time) {
			table.Bind(one(r), 1, now)
			table.Changed(2)
		}},
	}
}

// TestNoUseMakesATableGrow finds what is not given back, and searches that do not end because their marks stay.
func TestNoUseMakesATableGrow(t *testing.T) {
	for _, c := range churns() {
		t.Run(c.name, func(t *testing.T) {
			table := bindings.New(c.config)
			r := rand.New(rand.NewPCG(1, 1))
			use := func(from, to int) {
				for i := from; i < to; i++ {
					c.step(table, r, i, benchmarkTime)
				}
			}
			done := make(chan string, 1)
			go func() {
				use(0, c.warm)
				before := heap()
				use(c.warm, c.warm+c.steps)
				grown := ""
				if by := heap() - before; by > 128<<10 {
					grown = fmt.Sprintf("after %d more steps it takes %d bytes more", c.steps, by)
				}
				done <- grown
			}()
			select {
			case grown := <-done:
				if grown != "" {
					t.Error(grown)
				}
			case <-time.After(2 * time.Minute):
				t.Fatal("a search in the table does not end")
			}
			if got, most := table.Len(), table.Max(); got > most {
				t.Errorf("Len = %d, want at most %d", got, most)
			}
		})
	}
}
