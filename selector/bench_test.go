package selector_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

func benchPool(b *testing.B, n int, c selector.Config) *selector.Pool {
	b.Helper()
	auths := make([]*selector.Auth, n)
	for i := range auths {
		weight := uint32(i%5 + 1) //nolint:gosec // at most 5
		auths[i] = &selector.Auth{
			ID: fmt.Sprintf("auth-%06d", i), Provider: "claude", Weight: &weight,
			Attributes: map[string]string{"priority": fmt.Sprint(i % 3 / 2)},
		}
	}
	pool := selector.New(c)
	pool.Update(auths, nil, benchStart())
	return pool
}

func benchStart() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// BenchmarkPick is a pick without a session.
func BenchmarkPick(b *testing.B) {
	for s := selector.RoundRobin; s <= selector.WeightedRoundRobin; s++ {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("strategy=%s/auths=%d", s, n), func(b *testing.B) {
				pool := benchPool(b, n, selector.Config{Settings: selector.Settings{Strategy: s}})
				request := selector.Request{Provider: "claude", Model: "claude-opus-4-5(high)"}
				now := benchStart()
				if _, err := pool.Pick(&request, now); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := pool.Pick(&request, now); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkCooldown is a cooldown of one auth as a whole and its return, with 100 models in use.
func BenchmarkCooldown(b *testing.B) {
	for _, scope := range []string{"auth", "model"} {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("scope=%s/auths=%d", scope, n), func(b *testing.B) { benchCooldown(b, n, scope) })
		}
	}
}

func benchCooldown(b *testing.B, n int, scope string) {
	b.Helper()
	const models = 100
	pool := benchPool(b, n, selector.Config{})
	now := benchStart()
	pick := func(model int) {
		if _, err := pool.Pick(&selector.Request{Provider: "claude", Model: fmt.Sprintf("model-%d", model)}, now); err != nil {
			b.Fatal(err)
		}
	}
	for model := range models {
		pick(model)
		// Each model rests for some auth, so that every model has an index of its own.
		c := selector.Cooldown{Model: fmt.Sprintf("model-%d", model), Until: now.Add(1000 * time.Hour)}
		if _, err := pool.Cooldown(fmt.Sprintf("auth-%06d", model%n), c, now); err != nil {
			b.Fatal(err)
		}
		if n > 10 {
			pick(model)
		}
	}
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a benchmark
	ids := make([]string, 1024)
	names := make([]string, len(ids))
	for i := range ids {
		ids[i] = fmt.Sprintf("auth-%06d", random.IntN(n))
		names[i] = fmt.Sprintf("model-%d", random.IntN(models))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c := selector.Cooldown{Until: now.Add(time.Second)}
		if scope == "model" {
			c.Model = names[i%len(names)]
		}
		if _, err := pool.Cooldown(ids[i%len(ids)], c, now); err != nil {
			b.Fatal(err)
		}
		now = now.Add(time.Second)
		pool.Advance(now, 64)
	}
}

// BenchmarkUpdate is a change of one auth: of its secret only, and of its priority.
func BenchmarkUpdate(b *testing.B) {
	for _, what := range []string{"secret", "priority"} {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("what=%s/auths=%d", what, n), func(b *testing.B) {
				pool := benchPool(b, n, selector.Config{})
				now := benchStart()
				for i := int64(0); b.Loop(); i++ {
					a := &selector.Auth{ID: "auth-000001", Provider: "claude", Label: fmt.Sprint(i)}
					if what == "priority" {
						a.Priority = &i
					}
					pool.Update([]*selector.Auth{a}, nil, now)
				}
			})
		}
	}
}
