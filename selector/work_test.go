package selector

import (
	"fmt"
	"testing"
	"time"
)

// A pick works off a bounded number of ends, unless nobody is ready.
func TestManyEqualEndsDoNotFallOnOnePick(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what takes a large pool")
	}
	const many = 100_000
	var auths []*Auth
	for i := range many {
		auths = append(auths, &Auth{ID: fmt.Sprintf("auth-%06d", i), Provider: "p"})
	}
	now := start()
	cooling := func(without string) *Pool {
		p := internalPool(t, auths...)
		for _, a := range auths {
			if a.ID != without {
				if _, err := p.Cooldown(a.ID, Cooldown{Until: now.Add(time.Minute)}, now); err != nil {
					t.Fatal(err)
				}
			}
		}
		return p
	}
	for name, p := range map[string]*Pool{"one is ready": cooling("auth-000007"), "none is ready": cooling("")} {
		for range 3 {
			before := p.runtime.timers.Len()
			p.mustPick(t, &Request{Provider: "p", Model: "m"}, now.Add(time.Minute))
			if done := before - p.runtime.timers.Len(); done != pickAdvance {
				t.Errorf("%s: a pick worked off %d ends, want %d", name, done, pickAdvance)
			}
		}
	}
}
