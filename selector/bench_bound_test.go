package selector_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
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
	table := bindings.New(bindings.Config{Max: n})
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

// BenchmarkPickTurn is the next turn of a conversation that is identified by its messages: it lists what it continues, is
// bound for itself, and lets go of its oldest prefix. Conversations take turns; the number is that of bindings.
func BenchmarkPickTurn(b *testing.B) {
	for _, n := range []int{1000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("bindings=%d", n), func(b *testing.B) { benchTurn(b, n) })
	}
}

func benchTurn(b *testing.B, n int) {
	b.Helper()
	const kept, listed = 4, 8
	table := bindings.New(bindings.Config{Max: 2 * n})
	pool := benchPool(b, 1000, selector.Config{Bindings: table})
	request := selector.Request{Provider: "claude", Model: "claude-opus-4-5", Sessions: make([]selector.Session, listed)}
	now, conversations := benchStart(), n/kept
	turn := func(i int) {
		conversation, length := uint64(i%conversations), uint64(i/conversations)
		for j := range request.Sessions {
			s := selector.Session{Key: selector.SessionKey{Hi: conversation * 0x9e3779b97f4a7c15, Lo: length - uint64(j) + listed}, Role: selector.RolePrefix}
			if j >= kept {
				s.Role = selector.RolePast
			}
			request.Sessions[j] = s
		}
		pick, err := pool.Pick(&request, now)
		if want := selector.BindingInherited; err != nil || length > 0 && pick.Binding != want {
			b.Fatalf("Pick = %v, %v, want %v", pick.Binding, err, want)
		}
	}
	i := 0
	for ; i < n; i++ {
		turn(i)
	}
	b.ReportAllocs()
	for ; b.Loop(); i++ {
		turn(i)
	}
	if got := table.Len(); got != n {
		b.Errorf("%d bindings, want %d", got, n)
	}
}
