package selector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// benchBlocked is a pool in which one auth is blocked for as many models as are kept.
func benchBlocked(b *testing.B) *selector.Pool {
	b.Helper()
	pool := selector.New(selector.Config{Recording: true})
	pool.Update([]*selector.Auth{{ID: "a", Provider: "p"}}, nil, benchStart())
	for i := range 1024 {
		benchCool(b, pool, "a", selector.Cooldown{Model: fmt.Sprint("model-", i*7919%1024), Until: benchStart().Add(time.Hour)})
	}
	return pool
}

// BenchmarkTake is what is to be stored of an auth that is blocked for 1,024 models, after a change of it.
func BenchmarkTake(b *testing.B) {
	pool := benchBlocked(b)
	if records, _, _ := pool.Take(10); len(records) != 1 || len(records[0].Scopes) != 1024 {
		b.Fatalf("Take = %d records", len(records))
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := pool.Disable("a", "", benchStart()); err != nil {
			b.Fatal(err)
		}
		if records, _, _ := pool.Take(10); len(records) != 1 || len(records[0].Scopes) != 0 {
			b.Fatalf("Take = %d records", len(records))
		}
	}
}

// BenchmarkMerge is a record of the same that says nothing new.
func BenchmarkMerge(b *testing.B) {
	pool := benchBlocked(b)
	records := pool.Records()
	b.ReportAllocs()
	for b.Loop() {
		if news := pool.Merge(records, benchStart()); len(news) > 0 {
			b.Fatal("the pool's own record is news")
		}
	}
}

// BenchmarkReportInOutage is one more failure while the provider is out already, and the refused pick after it.
func BenchmarkReportInOutage(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprintf("auths=%d", n), func(b *testing.B) {
			pool, now := benchPool(b, n, selector.Config{}), benchStart()
			failed := cooldown.Finding{
				Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Transient, Reason: "unreachable",
				Ladder: cooldown.LadderEgress, Shared: true,
			}
			report := func(i int) bool {
				a := selector.Attempt{AuthID: fmt.Sprintf("auth-%06d", i%n), Model: "m", Started: benchStart()}
				c, err := pool.Report(a, failed, now)
				if err != nil {
					b.Fatal(err)
				}
				return c.Outage
			}
			for i := 0; !report(i); i++ {
				now = now.Add(time.Millisecond)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				now = now.Add(time.Microsecond)
				report(i)
				if _, err := pool.Pick(&selector.Request{Provider: "claude", Model: "m"}, now); err == nil {
					b.Fatal("somebody is ready")
				}
			}
		})
	}
}
