package selector_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// client sends one request again with other auths while it is told to, as far as four attempts.
type client struct {
	tag   uint64
	tried []string
	auth  string // of the attempt under way; empty: there is none
}

// step begins or ends an attempt, and reports whether the client is done.
func (c *client) step(p *player, f cooldown.Finding) (done bool) {
	p.now = p.now.Add(time.Millisecond)
	if c.auth == "" {
		req := selector.Request{Provider: "p", Model: "m", Exclude: c.tried}
		if len(c.tried) > 0 {
			req.Tag = c.tag
		}
		pick, err := p.Pick(&req, p.now)
		if err != nil {
			return true
		}
		c.auth = pick.Auth.ID
		return false
	}
	got := p.fail(c.tag, c.auth, f)
	if got.Outage {
		p.t.Fatalf("an outage was declared: %+v", got)
	}
	c.tried, c.auth = append(c.tried, c.auth), ""
	return got.Suspect || !got.Others || len(c.tried) == 4
}

// poison lets a thousand clients send a request that fails everywhere, some at a time. It ends earlier if stop says so.
func poison(p *player, atOnce int, seed uint64, finding func(time.Time) cooldown.Finding, stop func(begun uint64) bool) {
	random := rand.New(rand.NewPCG(seed, 0))
	var clients []*client
	for begun := uint64(0); begun < 1000 || len(clients) > 0; {
		if begun < 1000 && len(clients) < atOnce {
			begun++
			clients = append(clients, &client{tag: begun<<8 | seed&0xff})
			continue
		}
		i := random.IntN(len(clients))
		if clients[i].step(p, finding(p.now)) {
			if clients = slices.Delete(clients, i, i+1); stop(begun) {
				return
			}
		}
	}
}

func poisons() map[string]func(now time.Time) cooldown.Finding {
	return map[string]func(now time.Time) cooldown.Finding{
		"403": func(now time.Time) cooldown.Finding { return doubtful(forbidden(now)) },
		"500": func(time.Time) cooldown.Finding { return doubtful(unreachable()) },
		"503 with a time": func(now time.Time) cooldown.Finding {
			return cooldown.Finding{
				Action: cooldown.ActionCooldown, Scope: cooldown.ScopeModel, Kind: cooldown.Transient, Reason: "upstream_error",
				Until: now.Add(5 * time.Minute), Hint: true, Shared: true, Doubt: true,
			}
		},
		"a ladder": func(time.Time) cooldown.Finding {
			return cooldown.Finding{Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Other, Ladder: cooldown.LadderEgress, Reason: "odd", Doubt: true}
		},
	}
}

func TestPoisonedRequestsCostNoAuth(t *testing.T) {
	for name, finding := range poisons() {
		for _, size := range []int{2, 3, 20} {
			for _, atOnce := range []int{1, 2, 7, 1000} {
				seed := rand.Uint64()
				p := newPlayer(t, selector.Config{Seed: seed}, numbered(size, nil)...)
				poison(p, atOnce, seed, finding, func(uint64) bool { return false })
				p.wantReady(fmt.Sprintf("%s, %d auths, %d clients at once, seed %d", name, size, atOnce, seed))
			}
		}
	}
}

// An outage among poisoned requests is declared after no more failures than without them.
func TestOutageAmongPoisonedRequestsIsDeclared(t *testing.T) {
	const size, bound = 10, 6
	for name, finding := range poisons() {
		for _, atOnce := range []int{1, 50} {
			p := newPlayer(t, selector.Config{}, numbered(size, nil)...)
			poison(p, atOnce, 7, finding, func(begun uint64) bool { return begun > 500 })
			failures, outage := uint64(0), false
			for ; !outage && failures <= bound; failures++ {
				outage = p.fail(1<<60+failures, fmt.Sprintf("auth-%06d", failures), unreachable()).Outage
			}
			if !outage || failures > bound {
				t.Errorf("%s, %d clients at once: outage %t after %d failures, want one after %d", name, atOnce, outage, failures, bound)
			}
		}
	}
}
