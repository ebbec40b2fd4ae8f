package selector

import (
	"fmt"
	"testing"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// BenchmarkSwapIndex is the part of a change of the membership that picks wait for, with three models in use.
func BenchmarkSwapIndex(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		for _, strategy := range []Strategy{RoundRobin, WeightedRoundRobin} {
			b.Run(fmt.Sprintf("strategy=%s/auths=%d", strategy, n), func(b *testing.B) {
				p := New(Config{Settings: Settings{Strategy: strategy}})
				auths := make([]*Auth, n)
				for i := range auths {
					auths[i] = &Auth{ID: fmt.Sprintf("auth-%06d", i), Provider: "p"}
				}
				p.Update(auths, nil, start())
				for b.Loop() {
					b.StopTimer()
					for i := range 30 {
						if _, err := p.Pick(&Request{Provider: "p", Model: fmt.Sprint("m", i%3)}, start()); err != nil {
							b.Fatal(err)
						}
					}
					x, now := p.runtime.index, cooldown.InstantOf(start())
					next := newIndex(x.merge(map[string]*Auth{}, x.generation+1, now), x.generation+1)
					for key, kinds := range p.usedOrders() {
						next.prepare(key, kinds)
					}
					b.StartTimer()
					p.swapIndex(next, nil, now)
				}
			})
		}
	}
}
