package selector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// BenchmarkReport is what a report costs: a success with nothing to change, and with something known of the auth; a limit
// that the ladder answers, and its success; both with none or many auths beside it.
func BenchmarkReport(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		for name, before := range map[string]func(pool *selector.Pool, a selector.Attempt, now time.Time) error{
			"success": nil,
			"success-other-model-cooling": func(pool *selector.Pool, a selector.Attempt, now time.Time) error {
				a.Model = "other"
				_, err := pool.Report(a, rateLimited(), now)
				return err
			},
		} {
			b.Run(fmt.Sprintf("%s/auths=%d", name, n), func(b *testing.B) {
				pool, a, now := benchPool(b, n, selector.Config{}), selector.Attempt{AuthID: "auth-000007", Model: "m"}, benchStart()
				if before != nil {
					if err := before(pool, a, now); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportAllocs()
				for b.Loop() {
					a.Started, now = now, now.Add(time.Millisecond)
					if _, err := pool.Report(a, cooldown.Finding{Success: true}, now); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(fmt.Sprintf("limit-and-success/auths=%d", n), func(b *testing.B) {
			pool, a, now := benchPool(b, n, selector.Config{}), selector.Attempt{AuthID: "auth-000007", Model: "m"}, benchStart()
			b.ReportAllocs()
			for b.Loop() {
				for _, f := range []cooldown.Finding{rateLimited(), {Success: true}} {
					a.Started, now = now, now.Add(time.Millisecond)
					if _, err := pool.Report(a, f, now); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
