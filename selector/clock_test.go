package selector_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// The clock of a machine is set, in both directions: an auth that has never failed is given out all the while, and an operator has
// all others back.
func TestTheClockJumps(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		p := newSessionPlayer(t, 8, selector.Settings{})
		start := p.now
		for i := range 600 {
			p.now = p.now.Add(time.Duration(random.Int64N(int64(3 * time.Second))))
			if random.IntN(20) == 0 {
				p.now = start.Add(time.Duration(random.Int64N(int64(96*time.Hour)) - int64(48*time.Hour)))
			}
			id := fmt.Sprintf("auth-%06d", 1+random.IntN(7)) // the first never fails
			switch random.IntN(6) {
			case 0:
				p.fail(uint64(i), id, doubtful(forbidden(p.now)))
			case 1:
				until := p.now.Add(time.Duration(random.Int64N(int64(time.Hour))))
				p.fail(0, id, cooldown.Finding{
					Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Quota, Reason: "rate_limited", Until: until, Hint: true,
				})
			case 2:
				p.fail(0, id, cooldown.Finding{Success: true})
			case 3:
				p.cool(id, "m", time.Hour)
			case 4:
				p.Advance(p.now, 1000)
			}
			req := p.prefixes(0, fmt.Sprint("turn ", i%50), fmt.Sprint("first ", i%50))
			if _, err := p.Pick(req, p.now); err != nil {
				t.Fatalf("seed %d, step %d: Pick = %v", seed, i, err)
			}
			p.must(p.CheckIndex())
		}
		p.now = start
		for i := range 8 {
			id := fmt.Sprintf("auth-%06d", i)
			p.must(p.Enable(id, p.now)) // what was forbidden again and again is disabled
			_, err := p.ClearCooldown(id, "", p.now)
			p.must(err)
		}
		p.must(p.CheckIndex())
		p.wantReady(fmt.Sprintf("seed %d, cleared", seed))
	}
}

// What ends at a time ends by the clock as it is then, however it came there.
func TestACooldownEndsByTheClockThatIs(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	p.cool("a", "", 30*time.Second)
	start := p.now
	for _, step := range []struct {
		at   time.Duration
		want string
	}{{0, "cooling"}, {48 * time.Hour, "a"}, {29 * time.Second, "a"}, {-48 * time.Hour, "a"}, {time.Minute, "a"}} {
		p.now = start.Add(step.at)
		if got := p.tryPick(); got != step.want {
			t.Errorf("%v after the cooldown began: a pick gets %s, want %s", step.at, got, step.want)
		}
		p.must(p.CheckIndex())
	}
}
