package selector_test

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// A client that hangs up proves nothing, and the probe that its request was goes to the next one, with or without permits.
func TestAGivenUpProbeIsGivenBack(t *testing.T) {
	for _, permits := range []bool{false, true} {
		p := newPlayer(t, selector.Config{Permits: permits}, auth("a"))
		p.report("a", 0, cooldown.Finding{
			Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Quota, Reason: "rate_limited",
			Until: p.now.Add(time.Hour), Hint: true,
		})
		p.now = p.now.Add(selector.DefaultMaxHint)
		p.Advance(p.now, 100)
		for _, key := range p.Wanted() {
			p.Grant(key, p.now.Add(p.PermitLease()), p.now)
		}
		for i := range 3 {
			if got := p.tryPick(); got != "a" {
				t.Fatalf("permits %t, request %d: %s, want a probe", permits, i, got)
			}
			if got := p.tryPick(); got != "cooling" {
				t.Errorf("permits %t: %s while a probe is under way", permits, got)
			}
			p.now = p.now.Add(time.Second)
			if got := p.report("a", time.Second, cooldown.Finding{Reason: "client_cancelled", Kind: cooldown.Other}); got.Changed || got.Action != cooldown.ActionNone {
				t.Errorf("permits %t: a client that hung up changed %+v", permits, got)
			}
		}
		p.must(p.CheckIndex())
	}
}
