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
		weight := uint32(i%5 + 1)
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
		// Each model cools down for some auth, so that every model has an index of its own.
		c := selector.Cooldown{Model: fmt.Sprintf("model-%d", model), Until: now.Add(1000 * time.Hour)}
		if _, err := pool.Cooldown(fmt.Sprintf("auth-%06d", model%n), c, now); err != nil {
			b.Fatal(err)
		}
		if n > 10 {
			pick(model)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
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
				pool.Update([]*selector.Auth{{ID: "auth-000001", Provider: "claude"}}, nil, now)
				for i := int64(1); b.Loop(); i++ {
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

func benchPicks(b *testing.B, pool *selector.Pool, n int, request func(i int) *selector.Request) {
	b.Helper()
	requests := make([]*selector.Request, n)
	for i := range requests {
		requests[i] = request(i)
		if _, err := pool.Pick(requests[i], benchStart()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := pool.Pick(requests[i%n], benchStart()); err != nil {
			b.Fatal(err)
		}
	}
}

func benchCool(b *testing.B, pool *selector.Pool, id string, c selector.Cooldown) {
	b.Helper()
	if _, err := pool.Cooldown(id, c, benchStart()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPickCooling is a pick when 100 models are in use and each of them cools down for some auths.
func BenchmarkPickCooling(b *testing.B) {
	const models = 100
	for s := selector.RoundRobin; s <= selector.WeightedRoundRobin; s++ {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("strategy=%s/auths=%d", s, n), func(b *testing.B) {
				pool := benchPool(b, n, selector.Config{Settings: selector.Settings{Strategy: s}})
				for i := range 3 * models {
					c := selector.Cooldown{Model: fmt.Sprintf("model-%d", i%models), Until: benchStart().Add(time.Hour)}
					benchCool(b, pool, fmt.Sprintf("auth-%06d", i*7%n), c)
				}
				benchPicks(b, pool, models, func(i int) *selector.Request {
					return &selector.Request{Provider: "claude", Model: fmt.Sprintf("model-%d", i)}
				})
			})
		}
	}
}

// BenchmarkPickCoolingElsewhere is a pick of a model that cools down for every auth of another provider.
func BenchmarkPickCoolingElsewhere(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("auths=%d", n), func(b *testing.B) {
			pool := benchPool(b, n, selector.Config{})
			pool.Update([]*selector.Auth{{ID: "other", Provider: "vertex"}}, nil, benchStart())
			for i := range n {
				benchCool(b, pool, fmt.Sprintf("auth-%06d", i), selector.Cooldown{Model: "m", Until: benchStart().Add(time.Hour)})
			}
			benchPicks(b, pool, 1, func(int) *selector.Request { return &selector.Request{Provider: "vertex", Model: "m"} })
		})
	}
}

// BenchmarkPickNewModel is a pick of a model that nobody asked for before.
func BenchmarkPickNewModel(b *testing.B) {
	for s := selector.RoundRobin; s <= selector.WeightedRoundRobin; s++ {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("strategy=%s/auths=%d", s, n), func(b *testing.B) {
				pool := benchPool(b, n, selector.Config{Settings: selector.Settings{Strategy: s}})
				if _, err := pool.Pick(&selector.Request{Provider: "claude"}, benchStart()); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if _, err := pool.Pick(&selector.Request{Provider: "claude", Model: fmt.Sprint("m", i)}, benchStart()); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkPickExclude is a pick that excludes auths.
func BenchmarkPickExclude(b *testing.B) {
	for s := selector.RoundRobin; s <= selector.WeightedRoundRobin; s++ {
		for _, excluded := range []int{1, 16, 1024} {
			b.Run(fmt.Sprintf("strategy=%s/excluded=%d", s, excluded), func(b *testing.B) {
				pool := benchPool(b, 10_000, selector.Config{Settings: selector.Settings{Strategy: s}})
				request := selector.Request{Provider: "claude", Model: "m"}
				for i := range excluded {
					request.Exclude = append(request.Exclude, fmt.Sprintf("auth-%06d", i*9))
				}
				benchPicks(b, pool, 1, func(int) *selector.Request { return &request })
			})
		}
	}
}

// BenchmarkPickTwoLevel is round robin over virtual parents of ten auths each.
func BenchmarkPickTwoLevel(b *testing.B) {
	for _, n := range []int{20, 1000, 100_000} {
		b.Run(fmt.Sprintf("auths=%d", n), func(b *testing.B) {
			auths := make([]*selector.Auth, n)
			for i := range auths {
				auths[i] = &selector.Auth{
					ID: fmt.Sprintf("auth-%06d", i), Provider: "gemini",
					Attributes: map[string]string{"gemini_virtual_parent": fmt.Sprint("project-", i/10)},
				}
			}
			pool := selector.New(selector.Config{})
			pool.Update(auths, nil, benchStart())
			benchPicks(b, pool, 1, func(int) *selector.Request { return &selector.Request{Provider: "gemini", Model: "m"} })
		})
	}
}

// BenchmarkPickExhausted is a refusal: every auth is cooling. Between refusals nothing happens, or one auth of the
// provider or of another changes.
func BenchmarkPickExhausted(b *testing.B) {
	for _, between := range []string{"nothing", "other", "change"} {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("between=%s/auths=%d", between, n), func(b *testing.B) {
				pool := benchPool(b, n, selector.Config{})
				pool.Update([]*selector.Auth{{ID: "other", Provider: "vertex"}}, nil, benchStart())
				for i := range n {
					benchCool(b, pool, fmt.Sprintf("auth-%06d", i), selector.Cooldown{Until: benchStart().Add(time.Hour)})
				}
				changing := map[string]string{"other": "other", "change": "auth-000003"}[between]
				b.ReportAllocs()
				for b.Loop() {
					if changing != "" {
						benchCool(b, pool, changing, selector.Cooldown{Until: benchStart().Add(time.Minute)})
					}
					if _, err := pool.Pick(&selector.Request{Provider: "claude", Model: "m"}, benchStart()); err == nil {
						b.Fatal("somebody is ready")
					}
				}
			})
		}
	}
}

// BenchmarkRefused is a refused pick right after a change: of one auth as a whole, or of the model; or of a request that
// excludes some auths besides.
func BenchmarkRefused(b *testing.B) {
	for _, change := range []string{"auth", "model", "auth-and-exclude"} {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("change=%s/auths=%d", change, n), func(b *testing.B) {
				pool, until := benchPool(b, n, selector.Config{}), benchStart().Add(time.Hour)
				request := selector.Request{Provider: "claude", Model: "m"}
				c := selector.Cooldown{}
				if change == "model" {
					c.Model = "m"
				}
				ids := make([]string, n)
				for i := range ids {
					ids[i] = fmt.Sprintf("auth-%06d", i)
					benchCool(b, pool, ids[i], selector.Cooldown{Model: c.Model, Until: until})
				}
				if change == "auth-and-exclude" {
					request.Exclude = ids[:3]
				}
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					until = until.Add(time.Second)
					c.Until = until
					benchCool(b, pool, ids[i*7%n], c)
					if _, err := pool.Pick(&request, benchStart()); err == nil {
						b.Fatal("somebody is ready")
					}
				}
			})
		}
	}
}

// BenchmarkExplain is a pick that says why, with candidates that come in the order of the answer, and against it.
func BenchmarkExplain(b *testing.B) {
	for order, sign := range map[string]int64{"rising": 1, "falling": -1} {
		for _, n := range []int{10, 1000, 100_000} {
			b.Run(fmt.Sprintf("priorities=%s/auths=%d", order, n), func(b *testing.B) {
				auths := make([]*selector.Auth, n)
				for i := range auths {
					priority := sign * int64(i)
					auths[i] = &selector.Auth{ID: fmt.Sprintf("auth-%06d", i), Provider: "claude", Priority: &priority}
				}
				pool := selector.New(selector.Config{})
				pool.Update(auths, nil, benchStart())
				benchPicks(b, pool, 1, func(int) *selector.Request {
					return &selector.Request{Provider: "claude", Model: "m", Options: selector.Explain}
				})
			})
		}
	}
}
