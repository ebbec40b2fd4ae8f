package selector_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// BenchmarkPickBound is a pick of a session that is bound, out of many, in random order and in the order of binding.
func BenchmarkPickBound(b *testing.B) {
	for _, order := range []string{"random", "bound"} {
		for _, n := range []int{1000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("order=%s/bindings=%d", order, n), func(b *testing.B) { benchBound(b, n, order == "random") })
		}
	}
}

func benchBound(b *testing.B, n int, shuffled bool) {
	b.Helper()
	table := sessions.NewTable(sessions.TableConfig{Max: n})
	pool := benchPool(b, 1000, selector.Config{Bindings: table})
	keys := make([]selector.SessionKey, n)
	session := make([]selector.Session, 1)
	request := selector.Request{Provider: "claude", Model: "claude-opus-4-5", Sessions: session}
	now := benchStart()
	for i := range keys {
		keys[i] = table.Key("claude", fmt.Sprintf("header:%d", i), "claude-opus-4-5")
		session[0].Key = keys[i]
		if _, err := pool.Pick(&request, now); err != nil {
			b.Fatal(err)
		}
	}
	if shuffled {
		random := rand.New(rand.NewPCG(1, 2))
		random.Shuffle(n, func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		session[0].Key = keys[i%n]
		pick, err := pool.Pick(&request, now)
		if err != nil || pick.Binding != selector.BindingHit {
			b.Fatalf("Pick = %v, %v, want a hit", pick.Binding, err)
		}
	}
}
