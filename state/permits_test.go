package state_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state/statetest"
)

// Permits that cannot be given back do not hold up those that are needed.
func TestManyReturnsDoNotHoldUpATry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 20
		_, links, replicas := newFleet(t, 1)
		r := replicas[0]
		others := make([]string, many)
		for i := range others {
			others[i] = fmt.Sprint("other-", i)
			r.pool.Update([]*selector.Auth{{ID: others[i], Provider: "q"}}, nil, r.persister.Now())
			r.limit(others[i])
		}
		const later = 10 * time.Second
		time.Sleep(later)
		r.limit("a")
		r.limit("b")
		time.Sleep(selector.DefaultMaxHint - later + time.Second)
		r.pool.Advance(r.persister.Now(), 100)
		time.Sleep(later - time.Second) // they have their permits by now
		links[0].Disturb(func(call string) statetest.Disturbance {
			if call == "GiveBack" {
				return statetest.Disturbance{Lose: statetest.LoseRequest}
			}
			return statetest.Disturbance{}
		})
		for _, id := range others {
			if _, err := r.pool.ClearCooldown(id, "", r.persister.Now()); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Second)
		r.pool.Advance(r.persister.Now(), 100)
		time.Sleep(2 * time.Second)
		if n := countProbes(replicas); n != 2 {
			t.Errorf("%d requests probe two auths, want one each", n)
		}
	})
}

// limit lets an auth rest for long, on no more than a hint.
func (r *replica) limit(id string) {
	r.t.Helper()
	now := r.persister.Now()
	f := cooldown.Finding{
		Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Quota, Until: now.Add(24 * time.Hour), Hint: true,
	}
	if _, err := r.pool.Report(selector.Attempt{AuthID: id, Started: now}, f, now); err != nil {
		r.t.Fatal(err)
	}
}
