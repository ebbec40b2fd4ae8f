package selector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// Counted in allocations: what looks for auths that cool down needs room for them.
func TestPickDoesNotVisitAuthsThatCoolDownElsewhere(t *testing.T) {
	auths := numbered(500, func(i int, a *selector.Auth) {
		if a.Provider = "other"; i%2 == 0 {
			a.Prefix = "team"
		}
	})
	p := newPlayer(t, selector.Config{}, append(auths, auth("a"), auth("b", func(a *selector.Auth) { a.Prefix = "mine" }))...)
	for _, a := range auths {
		p.cool(a.ID, "m", time.Hour)
	}
	for _, model := range []string{"m", "unrelated", "mine/m", "team/m", "a/b/m"} {
		req := selector.Request{Provider: "p", Model: model}
		p.pick(req)
		if n := testing.AllocsPerRun(100, func() { _, _ = p.Pick(&req, p.now) }); n > 0 {
			t.Errorf("Pick(%q) allocates %v times", model, n)
		}
	}
}

func TestModelCoolsUnderEveryNameThatMeansIt(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", func(a *selector.Auth) { a.Prefix = "team" }), auth("z", priority(-1)))
	p.pick(selector.Request{Provider: "p", Model: "m"})
	for _, reported := range []string{"m", "m(high)", " m ", "team/m", "team/m(low)"} {
		p.cool("a", reported, time.Minute)
		for model, want := range map[string]string{
			"m": "z", "m(high)": "z", "team/m": "z", "team/m (x)": "z", "team/team/m": "a", "other/m": "a", "team/": "a", "m/": "a", "n": "a", "": "a",
		} {
			if got := p.pick(selector.Request{Provider: "p", Model: model}); got != want {
				t.Errorf("after a cooldown of %q: Pick(%q) = %s, want %s", reported, model, got, want)
			}
		}
		p.now = p.now.Add(time.Minute)
		if got := p.pick(selector.Request{Provider: "p", Model: "team/m"}); got != "a" {
			t.Errorf("after the cooldown: Pick = %s, want a", got)
		}
	}
}

func TestMasksOfManyModelsStayRightWhenSomeAreForgotten(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("z", priority(-1)))
	auths := numbered(6, func(_ int, a *selector.Auth) { a.Priority = new(int64) })
	p.put(auths...)
	for i := range 6 * 1000 {
		p.cool(auths[i%6].ID, fmt.Sprint("m", i/6), time.Hour)
	}
	p.cool("a", "", time.Hour)
	for round := range 2 {
		for i := range 6 * 1000 {
			// All six cool down for the first 1,000 models, so only the lower tier is left.
			model, want := fmt.Sprint("m", i), "z"
			got := p.pick(selector.Request{Provider: "p", Model: model})
			if (got == want) != (i < 1000) {
				t.Fatalf("round %d: Pick(%s) = %s", round, model, got)
			}
		}
	}
}
