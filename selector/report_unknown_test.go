package selector_test

import (
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// Of a report that does not say when its attempt began nobody knows which window it belongs to. One that comes after a window
// climbs all the same: who never says so would ask every other second for ever.
func TestFailuresOfUnknownBeginClimbTheLadder(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	for level := 1; level <= 5; level++ {
		var last selector.Consequence
		for range 3 {
			var err error
			last, err = p.Report(selector.Attempt{AuthID: "a", Model: "m"}, rateLimited(), p.now)
			p.must(err)
			p.now = p.now.Add(100 * time.Millisecond)
		}
		if last.Level != level {
			t.Fatalf("window %d: level %d", level, last.Level)
		}
		p.now = last.Until
	}
}

func TestProbeOfUnknownBeginRenewsTheHintAndEndsIt(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	c := p.report("a", 0, hinted(p.now.Add(18*24*time.Hour)))
	unknown := func(f cooldown.Finding) {
		t.Helper()
		_, err := p.Report(selector.Attempt{AuthID: "a", Model: "m"}, f, p.now)
		p.must(err)
	}
	for range 3 {
		p.now = p.now.Add(selector.DefaultMaxHint)
		if got := p.tryPick(); got != "a" {
			t.Fatalf("probe: %s", got)
		}
		p.now = p.now.Add(time.Second)
		unknown(rateLimited())
		s, err := p.Status("a", p.now)
		p.must(err)
		i := slices.IndexFunc(s.Blocks, func(b selector.Block) bool { return b.Until.Equal(c.Until) })
		if want := p.now.Add(selector.DefaultMaxHint); i < 0 || !s.Blocks[i].ProbeAt.Equal(want) {
			t.Fatalf("blocks %v, want a probe at %v", s.Blocks, want)
		}
	}
	p.now = p.now.Add(selector.DefaultMaxHint)
	if got := p.tryPick(); got != "a" {
		t.Fatalf("probe: %s", got)
	}
	unknown(cooldown.Finding{Success: true})
	if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "a"} {
		t.Errorf("after a probe that was served: %v", got)
	}
}

// Of an answer without a model nobody knows which model of the domain cools down: not all of them, for all who share it.
func TestLimitOfOneModelThatNobodyNamesCoolsNoDomain(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", domain("org:acme")), auth("b", domain("org:acme")))
	limit := rateLimited()
	limit.Domain = "org"
	c, err := p.Report(selector.Attempt{AuthID: "a", Started: p.now}, limit, p.now)
	p.must(err)
	if len(c.Domains) > 0 || c.Action != cooldown.ActionCooldown || p.tryPick() != "b" || p.tryPick("b") != "cooling" {
		t.Errorf("Report = %+v, want a alone to cool down", c)
	}
	limit.Scope = cooldown.ScopeAuth
	if c := p.report("b", 0, limit); !slices.Equal(c.Domains, []string{"org:acme"}) {
		t.Errorf("Report of a limit of all models = %+v, want org:acme to cool down", c)
	}
}
