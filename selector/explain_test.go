package selector_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

func TestExplanationHasTheFirstHundredWhateverTheOrderTheyComeIn(t *testing.T) {
	for name, rank := range map[string]func(i, n int) int{
		"rising": func(i, _ int) int { return i }, "falling": func(i, n int) int { return n - i },
		"mixed": func(i, n int) int { return i * 7919 % n }, "equal": func(int, int) int { return 0 },
	} {
		for _, n := range []int{1, 99, 100, 101, 199, 200, 201, 1000} {
			p := newPlayer(t, selector.Config{}, numbered(n, func(i int, a *selector.Auth) {
				high := int64(rank(i, n))
				a.Priority = &high
			})...)
			got, err := p.Pick(&selector.Request{Provider: "p", Options: selector.Explain}, p.now)
			p.must(err)
			e := got.Explanation
			if len(e.Candidates) != min(n, selector.MaxExplained) || e.Candidates[0].Auth != got.Auth {
				t.Fatalf("%s %d: %d candidates, the first is %s", name, n, len(e.Candidates), e.Candidates[0].Auth.ID)
			}
			if !slices.IsSortedFunc(e.Candidates, explainedOrder) {
				t.Errorf("%s %d: the candidates are not in order", name, n)
			}
			least := e.Candidates[len(e.Candidates)-1]
			before := 0
			for i := range n {
				c := selector.Candidate{Auth: auth(fmt.Sprintf("auth-%06d", i)), Priority: int64(rank(i, n)), Reason: selector.ReasonLowerPriority}
				if c.Priority == got.Explanation.Candidates[0].Priority {
					c.Reason = selector.ReasonReady
				}
				if c.Auth.ID == got.Auth.ID || explainedOrder(c, least) <= 0 {
					before++
				}
			}
			if before != len(e.Candidates) {
				t.Errorf("%s %d: %d auths come no later than the last of %d candidates", name, n, before, len(e.Candidates))
			}
		}
	}
}

// Of the reasons that apply to an auth the first in the order of the contract is given.
func TestReasonsHaveAPrecedence(t *testing.T) {
	worst := func(p *player) {
		p.must(p.Disable("a", "by hand", p.now))
		_, err := p.Cooldown("a", selector.Cooldown{Kind: cooldown.Authentication, Endless: true}, p.now)
		p.must(err)
		p.cool("a", "", time.Minute)
		p.cool("a", "m", time.Hour)
		_, err = p.Cooldown("a", selector.Cooldown{Kind: cooldown.Other, Until: p.now.Add(2 * time.Hour)}, p.now)
		p.must(err)
	}
	spec := func(expires bool, models ...string) *selector.Auth {
		return auth("a", priority(-1), weight(0), secret("old"), func(a *selector.Auth) {
			if a.Models = models; expires {
				a.ExpiresAt = historyStart().Add(time.Second)
			}
		})
	}
	config := byWeight()
	p := newPlayer(t, config, spec(true), auth("b"))
	worst(p)
	req := selector.Request{Provider: "p", Model: "m", Exclude: []string{"a"}}
	for _, step := range []struct {
		undo func()
		want selector.Reason
	}{
		{func() {}, selector.ReasonExcluded},
		{func() { req.Exclude = nil }, selector.ReasonDisabled},
		{func() { p.must(p.Enable("a", p.now)) }, selector.ReasonInvalidated},
		{func() { p.now = p.now.Add(time.Second); p.put(spec(true, "other")) }, selector.ReasonInvalidated},
		{func() {
			p.put(auth("a", priority(-1), weight(0), secret("new"), func(a *selector.Auth) { *a = *spec(true, "other"); secret("new")(a) }))
		}, selector.ReasonTokenExpired},
		{func() { fresh := spec(false, "other"); secret("new")(fresh); p.put(fresh) }, selector.ReasonModelNotServed},
		{func() { fresh := spec(false); secret("new")(fresh); p.put(fresh) }, selector.ReasonBlocked},
		{func() { p.now = p.now.Add(2 * time.Hour); p.cool("a", "", time.Minute) }, selector.ReasonCoolingAuth},
		{func() { p.cool("a", "m", time.Minute) }, selector.ReasonCoolingAuth},
		{func() { p.cool("a", "m", time.Hour) }, selector.ReasonCoolingModel},
		{func() { p.now = p.now.Add(time.Hour) }, selector.ReasonLowerPriority},
		{func() { fresh := spec(false); secret("new")(fresh); fresh.Priority = nil; p.put(fresh) }, selector.ReasonZeroWeight},
		{func() { p.Configure(selector.Settings{Strategy: selector.FillFirst}); req.Exclude = []string{"b"} }, selector.ReasonSelected},
	} {
		step.undo()
		dry := req
		dry.Options = selector.Explain | selector.DryRun
		got, err := p.Pick(&dry, p.now)
		p.must(err)
		i := slices.IndexFunc(got.Explanation.Candidates, func(c selector.Candidate) bool { return c.Auth.ID == "a" })
		if reason := got.Explanation.Candidates[i].Reason; reason != step.want {
			t.Errorf("reason %d, want %d", reason, step.want)
		}
	}
}

func TestFailedPickCountsWhatItsExplanationCounts(t *testing.T) {
	p := newPlayer(t, selector.Config{}, numbered(300, func(i int, a *selector.Auth) { a.Disabled = i%3 == 0 })...)
	for i := range 300 {
		p.cool(fmt.Sprintf("auth-%06d", i), "", time.Minute+time.Duration(i))
	}
	var cooldownErr *selector.CooldownError
	_, err := p.Pick(&selector.Request{Provider: "p", Model: "m(high)", Options: selector.Explain}, p.now)
	if !errors.As(err, &cooldownErr) {
		t.Fatalf("Pick = %v, want a CooldownError: disabled auths are no candidates", err)
	}
	if cooldownErr.Counts != cooldownErr.Explanation.Counts || cooldownErr.Counts[selector.ReasonDisabled] != 100 || cooldownErr.Counts[selector.ReasonCoolingAuth] != 200 {
		t.Errorf("Counts = %v, explained %v", cooldownErr.Counts, cooldownErr.Explanation.Counts)
	}
	if cooldownErr.Wait != time.Minute+1 {
		t.Errorf("Wait = %v, want the earliest end of a candidate", cooldownErr.Wait)
	}
}
