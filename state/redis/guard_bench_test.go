package redis

import (
	"strconv"
	"testing"
	"time"

	"github.com/redis/rueidis"

	"github.com/credbroker/credbroker/state/redis/redistest"
)

// BenchmarkGuard is what it costs to read replies along: of one text, and of a page of 200 records of 1 KiB. Both connections are asked in
// turns, and the ratio is that of the sums.
func BenchmarkGuard(b *testing.B) {
	for _, bench := range []struct {
		name string
		ask  func(c rueidis.Client) rueidis.Completed
	}{
		{"a text", func(c rueidis.Client) rueidis.Completed { return c.B().Hget().Key("h").Field("1").Build() }},
		{"a page of records", func(c rueidis.Client) rueidis.Completed { return c.B().Hgetall().Key("h").Build() }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			server := redistest.Start(b)
			for i := range fieldsAtOnce {
				server.Do("EVAL", "redis.call('HSET', 'h', ARGV[1], string.rep('x', 1024))", "0", strconv.Itoa(i))
			}
			config := &Config{Addresses: []string{server.Addr}, Namespace: "bench"}
			option := newLink(config).option
			var clients [2]rueidis.Client
			for i, dial := range []func(*rueidis.ClientOption){
				func(o *rueidis.ClientOption) { o.DialCtxFn = nil }, func(*rueidis.ClientOption) {},
			} {
				dialed := option
				dial(&dialed)
				client, err := rueidis.NewClient(dialed)
				if err != nil {
					b.Fatal(err)
				}
				defer client.Close()
				clients[i] = client
			}
			var took [2]time.Duration
			for b.Loop() {
				for i, client := range clients {
					began := time.Now()
					if err := client.Do(b.Context(), bench.ask(client)).Error(); err != nil {
						b.Fatal(err)
					}
					took[i] += time.Since(began)
				}
			}
			b.ReportMetric(float64(took[0].Nanoseconds())/float64(b.N), "ns-without")
			b.ReportMetric(float64(took[1].Nanoseconds())/float64(b.N), "ns-guarded")
			b.ReportMetric(float64(took[1])/float64(took[0]), "ratio")
		})
	}
}
