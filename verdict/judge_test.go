package verdict_test

import (
	"testing"

	"github.com/credbroker/credbroker/verdict"
)

// TestShared: what auths have in common may be at fault where the provider or the way to it is, and nowhere else.
func TestShared(t *testing.T) {
	rules, met := load(t), map[bool]int{}
	for _, c := range ownCases(t) {
		got := rules.Judge(c.outcome())
		want := got.Fault == verdict.FaultTransient || got.Fault == verdict.FaultProvider || got.Domain == verdict.DomainEgress
		if met[got.Shared]++; got.Shared != want {
			t.Errorf("Judge(%s).Shared = %t with fault %s and domain %q, want %t", c.ID, got.Shared, got.Fault, got.Domain, want)
		}
		if got.Success != (got.Fault == verdict.FaultNone) {
			t.Errorf("Judge(%s).Success = %t with fault %s", c.ID, got.Success, got.Fault)
		}
	}
	if met[true] == 0 || met[false] == 0 {
		t.Errorf("%v of the cases are shared: both must occur", met)
	}
}
