package journal_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/sessions/bindings"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
)

// BenchmarkSave commits batches: one record, as where one caller waits; a thousand, as where a thousand do; bindings
// as they are written behind.
func BenchmarkSave(b *testing.B) {
	for _, size := range []struct{ records, bindings int }{{1, 0}, {1000, 0}, {0, 1000}} {
		b.Run(fmt.Sprintf("records=%d/bindings=%d", size.records, size.bindings), func(b *testing.B) {
			j := open(b, journal.Config{Path: filepath.Join(b.TempDir(), "state.db")})
			r := rand.New(rand.NewPCG(1, 1))
			all := batch(size.records, size.bindings)
			for i := 0; b.Loop(); i++ {
				for n := range all.Records {
					all.Records[n].Switch.At++
				}
				for n := range all.Bindings {
					all.Bindings[n].Key = selector.SessionKey{Hi: r.Uint64(), Lo: r.Uint64()}
				}
				save(b, j, all)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*max(size.records, size.bindings)), "us/item")
		})
	}
}

const (
	manyAuths    = 10_000
	manyBindings = 1_000_000
)

// BenchmarkStart opens a file with 10,000 identities' state and 1,000,000 bindings, and fills a pool and a table with them.
func BenchmarkStart(b *testing.B) {
	path := filepath.Join(b.TempDir(), "state.db")
	fillMany(b, path)
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	now := time.Now()
	auths := make([]*selector.Auth, manyAuths)
	for i := range auths {
		auths[i] = &selector.Auth{ID: identityName(i), Identity: identityName(i), Provider: "claude"}
	}
	var checking time.Duration
	for b.Loop() {
		b.StopTimer()
		table := bindings.New(bindings.Config{Max: manyBindings, Recording: true})
		notifier := state.NewNotifier()
		pool := selector.New(selector.Config{Bindings: table, Recording: true, Wake: notifier.Notify})
		pool.Update(auths, nil, now)
		b.StartTimer()
		began := time.Now()
		j, err := journal.Open(journal.Config{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		checking += time.Since(began)
		persister := state.NewPersister(state.PersisterConfig{Pool: pool, Table: table, Local: j, Notifier: notifier})
		if err := persister.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if table.Len() != manyBindings || len(pool.Records()) != manyAuths {
			b.Fatalf("%d bindings and %d records were loaded", table.Len(), len(pool.Records()))
		}
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(checking.Milliseconds())/float64(b.N), "ms-open/op")
	b.ReportMetric(float64(info.Size())/manyBindings, "file-bytes/binding")
}

func identityName(i int) string {
	return fmt.Sprintf("account:claude:5b1e6c9e-7d0a-4f4e-9a57-%012d", i)
}

func fillMany(b *testing.B, path string) {
	j := open(b, journal.Config{Path: path})
	r := rand.New(rand.NewPCG(1, 1))
	now := time.Now()
	var all state.Batch
	for i := range manyAuths {
		record := cooldown.Record{
			Key:    cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: identityName(i)},
			Scopes: []cooldown.ScopeRecord{{}, {Model: "claude-opus-4-6"}},
		}
		for n := range record.Scopes {
			record.Scopes[n].Ledgers.Quota.Observations = []cooldown.Observation{{
				Received: cooldown.InstantOf(now), Until: cooldown.InstantOf(now.Add(time.Hour)), Probe: cooldown.InstantOf(now.Add(time.Hour)),
				Reason: "rate_limited", Rule: "anthropic/rate-limit",
			}}
		}
		all.Records = append(all.Records, record)
	}
	save(b, j, all)
	for range manyBindings / 10_000 {
		all = state.Batch{}
		for range 10_000 {
			key := selector.SessionKey{Hi: r.Uint64(), Lo: r.Uint64()}
			ends := now.Add(time.Hour + time.Duration(r.IntN(int(time.Hour))))
			all.Bindings = append(all.Bindings, state.BoundSession{
				Key: key, Group: key, Source: 1, Identity: identityName(r.IntN(manyAuths)), Bound: now.UnixNano(), Ends: ends.UnixNano(),
			})
		}
		save(b, j, all)
	}
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}
