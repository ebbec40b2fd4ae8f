package selector_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// unreachable is a failure that may be anybody's, edgeBlocked one that the way to the upstream is to blame for, and
// forbidden one that looks like the auth's own.
func unreachable() cooldown.Finding {
	return cooldown.Finding{Kind: cooldown.Transient, Ladder: cooldown.LadderOverload, Reason: "upstream_error", Shared: true}
}

func edgeBlocked() cooldown.Finding {
	return cooldown.Finding{Kind: cooldown.Other, Ladder: cooldown.LadderEgress, Reason: "edge_blocked", Domain: "egress", Shared: true}
}

func forbidden(now time.Time) cooldown.Finding {
	return cooldown.Finding{
		Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Other, Reason: "forbidden",
		Until: now.Add(30 * time.Minute), Hint: true,
		Repeat: cooldown.Repeat{Count: 3, Within: 3 * time.Hour, Action: cooldown.ActionDisable},
	}
}

func TestMostAuthsFailingAlikeIsTheProvidersFault(t *testing.T) {
	p := newPlayer(t, selector.Config{}, append(numbered(10, nil), auth("elsewhere", func(a *selector.Auth) { a.Provider = "q" }))...)
	var c selector.Consequence
	tries := 0
	for ; !c.Outage && tries < 10; tries++ {
		c = p.report(p.tryPick(), time.Second, unreachable())
		p.now = p.now.Add(100 * time.Millisecond)
	}
	if tries != 6 || !slices.Equal(c.Domains, []string{"provider:p"}) || c.Others || c.ProbeAt.IsZero() {
		t.Fatalf("after %d of 10: %+v", tries, c)
	}
	if got := p.tryPick(); got != "unavailable" {
		t.Errorf("during the outage: %s", got)
	}
	if got := p.pick(selector.Request{Provider: "p", Model: "n"}); got == "" {
		t.Error("another model is blocked")
	}
	if got := p.pick(selector.Request{Provider: "q", Model: "m"}); got != "elsewhere" {
		t.Errorf("another provider: %s", got)
	}
	// One request at a time looks whether it is over, less and less often.
	last := time.Duration(0)
	for range 8 {
		p.now = c.ProbeAt
		probe := p.tryPick()
		if got := p.tryPick(); got != "unavailable" {
			t.Fatalf("two probes: %s and %s", probe, got)
		}
		p.now = p.now.Add(time.Second)
		c = p.report(probe, time.Second, unreachable())
		if wait := c.ProbeAt.Sub(p.now); !c.Outage || wait < last/2 || wait > 72*time.Second {
			t.Fatalf("Report of a probe = %+v, after a wait of %v", c, last)
		} else {
			last = wait
		}
	}
	p.now = c.ProbeAt
	probe := p.tryPick()
	p.report(probe, 0, cooldown.Finding{Success: true})
	for range 20 {
		p.tryPick()
	}
	page, _ := p.List(selector.Filter{Provider: "p"}, p.now)
	for _, s := range page {
		if s.State != selector.StateReady || s.Picks < 2 {
			t.Errorf("after the outage %s is %+v", s.Auth.ID, s)
		}
	}
	p.must(p.CheckIndex())
}

func TestFewFailuresOrOneServedRequestAreNoOutage(t *testing.T) {
	for name, play := range map[string]func(p *player){
		"two auths": func(p *player) {
			p.Update(nil, []string{"auth-000002", "auth-000003"}, p.now)
			for range 20 {
				p.report(p.tryPick(), 0, unreachable())
			}
		},
		"one of four again and again": func(p *player) {
			for range 20 {
				p.report("auth-000000", 0, unreachable())
			}
		},
		"one served between": func(p *player) {
			for range 20 {
				for i := range 2 {
					p.report(fmt.Sprintf("auth-%06d", i), 0, unreachable())
				}
				p.now = p.now.Add(time.Millisecond)
				p.report("auth-000003", 0, cooldown.Finding{Success: true})
			}
		},
		"seconds apart": func(p *player) {
			for i := range 20 {
				p.report(fmt.Sprintf("auth-%06d", i%4), 0, unreachable())
				p.now = p.now.Add(6 * time.Second)
			}
		},
		"for different reasons": func(p *player) {
			for i := range 4 {
				f := unreachable()
				f.Reason = fmt.Sprint(i)
				p.report(fmt.Sprintf("auth-%06d", i), 0, f)
			}
		},
		"three of four that look like their own": func(p *player) {
			for i := range 3 {
				p.report(fmt.Sprintf("auth-%06d", i), 0, forbidden(p.now))
			}
		},
		"callers' faults": func(p *player) {
			for i := range 4 {
				p.report(fmt.Sprintf("auth-%06d", i), 0, cooldown.Finding{Reason: "context_length"})
			}
		},
	} {
		p := newPlayer(t, selector.Config{}, numbered(4, nil)...)
		play(p)
		if got := p.tryPick(); got == "cooling" || got == "unavailable" {
			t.Errorf("%s: %s", name, got)
		}
		p.must(p.CheckIndex())
	}
}

// The address of this host is refused for a while: every key fails, and not one of them is to blame.
func TestRefusedAddressCostsNoKey(t *testing.T) {
	for name, test := range map[string]struct {
		finding func(now time.Time) cooldown.Finding
		change  func(int, *selector.Auth)
		tries   int
	}{
		"told, and declared":     {func(time.Time) cooldown.Finding { return edgeBlocked() }, func(_ int, a *selector.Auth) { a.Domains = []string{"egress:10.0.0.7"} }, 1},
		"told, and not declared": {func(time.Time) cooldown.Finding { return edgeBlocked() }, nil, 11},
		"not told, 403":          {forbidden, nil, 20},
		"not told, 429":          {func(time.Time) cooldown.Finding { return rateLimited() }, nil, 20},
	} {
		p := newPlayer(t, selector.Config{}, numbered(20, test.change)...)
		tries, blockedUntil := 0, p.now.Add(2*time.Hour)
		for p.now.Before(blockedUntil) {
			got := p.tryPick()
			if got == "cooling" || got == "unavailable" {
				p.now = p.now.Add(10 * time.Second)
				continue
			}
			tries++
			p.now = p.now.Add(50 * time.Millisecond)
			c := p.report(got, 50*time.Millisecond, test.finding(p.now))
			if tries == test.tries && len(c.Domains) != 1 {
				t.Errorf("%s: the %dth failure: %+v, want a domain to cool down", name, tries, c)
			}
		}
		if most := test.tries + 2*60*60/10; tries > most {
			t.Errorf("%s: %d tries, want at most %d", name, tries, most)
		}
		t.Logf("%s: %d tries in two hours", name, tries)
		// Some time later the address is let in again.
		for got := p.tryPick(); got == "cooling" || got == "unavailable"; got = p.tryPick() {
			if p.now = p.now.Add(time.Second); p.now.Sub(blockedUntil) > 40*time.Minute {
				t.Fatalf("%s: nobody tries any more", name)
			}
		}
		p.report("auth-000000", 0, cooldown.Finding{Success: true})
		p.now = p.now.Add(6 * time.Minute)
		page, _ := p.List(selector.Filter{}, p.now)
		for _, s := range page {
			if s.State != selector.StateReady {
				t.Errorf("%s: %s is out: %s, %+v", name, s.Auth.ID, s.Why, s.Blocks)
			}
		}
		p.must(p.CheckIndex())
	}
}

func TestAnswerThatDoesNotFitEndsTheOutage(t *testing.T) {
	p := newPlayer(t, selector.Config{}, numbered(3, nil)...)
	for i := range 3 {
		p.report(fmt.Sprintf("auth-%06d", i), 0, unreachable())
	}
	if got := p.tryPick(); got != "unavailable" {
		t.Fatalf("during the outage: %s", got)
	}
	p.now = p.now.Add(100 * time.Millisecond)
	p.report("auth-000001", 50*time.Millisecond, rateLimited())
	if got := [3]string{p.tryPick(), p.tryPick(), p.tryPick()}; slices.Contains(got[:], "unavailable") || slices.Contains(got[:], "auth-000001") {
		t.Errorf("after an answer about one auth: %v", got)
	}
}

func TestWhatIsWatchedForOutagesIsBounded(t *testing.T) {
	p := newPlayer(t, selector.Config{}, numbered(2, nil)...)
	for i := range 10_000 {
		f := unreachable()
		_, err := p.Report(selector.Attempt{AuthID: "auth-000000", Model: fmt.Sprint(i)}, f, p.now)
		p.must(err)
	}
	if n := p.Suspicions(); n > 64 {
		t.Errorf("%d suspicions are kept", n)
	}
}

func TestFailuresOfProvidersThatLeftAreForgotten(t *testing.T) {
	p := newPlayer(t, selector.Config{})
	for i := range 100 {
		id := fmt.Sprint("auth-", i)
		p.put(auth(id, func(a *selector.Auth) { a.Provider = fmt.Sprint("provider-", i) }))
		p.report(id, 0, unreachable())
		p.Update(nil, []string{id}, p.now)
	}
	if n := p.Suspicions(); n != 0 {
		t.Errorf("failures of %d providers are kept that are not in the pool", n)
	}
}
