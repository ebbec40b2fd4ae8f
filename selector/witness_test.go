package selector_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// crowd sends requests one after the other to a pool in which some auths fail whoever asks.
type crowd struct {
	*player

	tag    uint64
	broken map[string]bool
	every  time.Duration // passes before each request
	takes  time.Duration // until a good answer
	open   []underWay
}

// underWay is a request that will be served.
type underWay struct {
	tag   uint64
	id    string
	start time.Time
}

// answer reports what was served by now.
func (c *crowd) answer() {
	for len(c.open) > 0 && !c.open[0].start.Add(c.takes).After(c.now) {
		s := c.open[0]
		c.open = c.open[1:]
		_, err := c.Report(selector.Attempt{AuthID: s.id, Model: "m", Started: s.start, Tag: s.tag}, cooldown.Finding{Success: true}, c.now)
		c.must(err)
	}
}

// request is sent until it is served, is the suspect, or was sent to four auths. A poisoned one fails everywhere.
func (c *crowd) request(poisoned bool) (tried []string, served bool) {
	c.tag++
	c.now = c.now.Add(c.every)
	c.answer()
	for range 4 {
		req := selector.Request{Provider: "p", Model: "m", Exclude: tried}
		if len(tried) > 0 {
			req.Tag = c.tag
		}
		pick, err := c.Pick(&req, c.now)
		if err != nil {
			break
		}
		id := pick.Auth.ID
		tried = append(tried, id)
		if !poisoned && !c.broken[id] {
			c.now = c.now.Add(time.Millisecond)
			c.open = append(c.open, underWay{c.tag, id, c.now})
			c.answer()
			return tried, true
		}
		if got := c.fail(c.tag, id, doubtful(forbidden(c.now))); got.Suspect || got.Outage {
			break
		}
	}
	if c.tag%100 == 0 {
		c.must(c.CheckIndex())
	}
	return tried, false
}

// wantOut checks that of the pool exactly the broken ones are out, and beyond doubt.
func (c *crowd) wantOut(when string) {
	c.t.Helper()
	page, _ := c.List(selector.Filter{}, c.now)
	for _, s := range page {
		until := s.Until.Sub(c.now)
		if out := s.State != selector.StateReady; out != c.broken[s.Auth.ID] || out && until <= cooldown.DoubtSpan && !s.Until.IsZero() {
			c.t.Errorf("%s: %s is out: %t, %s, for %v", when, s.Auth.ID, out, s.Why, until)
		}
	}
}

// Two keys are revoked, and each request that meets both fails alike on independent auths.
func TestRevokedAuthsDoNotShieldEachOther(t *testing.T) {
	for name, test := range map[string]struct {
		strategy selector.Strategy
		every    time.Duration
		requests int
		most     int // that may fail
	}{
		"round robin, ten a second":     {selector.RoundRobin, 100 * time.Millisecond, 1000, 3},
		"round robin, one a second":     {selector.RoundRobin, time.Second, 100, 3},
		"weighted, one a second":        {selector.WeightedRoundRobin, time.Second, 100, 3},
		"fill first, one a second":      {selector.FillFirst, time.Second, 100, 61}, // nobody is served until one goes on after a minute
		"fill first, one in 15 seconds": {selector.FillFirst, 15 * time.Second, 20, 5},
	} {
		p := newPlayer(t, selector.Config{Settings: selector.Settings{Strategy: test.strategy}}, numbered(4, nil)...)
		c := crowd{player: p, every: test.every, broken: map[string]bool{"auth-000000": true, "auth-000001": true}}
		failed := 0
		for i := range test.requests {
			tried, served := c.request(false)
			if !served {
				failed++
			}
			if i >= test.requests-10 && (!served || len(tried) > 1) {
				t.Errorf("%s: request %d was sent to %v", name, i, tried)
			}
		}
		if failed > test.most {
			t.Errorf("%s: %d requests failed, want at most %d", name, failed, test.most)
		}
		c.wantOut(name)
	}
}

// Poisoned requests without end, among some that are served: what they are held against is withdrawn, and the key that fails
// whoever asks goes out all the same, though so many tags are withdrawn that no doubt counts.
func TestPoisonedRequestsHideNoRevokedAuth(t *testing.T) {
	for _, poisoned := range []int{1, 10, 100} {
		seed := rand.Uint64()
		name, random := fmt.Sprint(poisoned, " poisoned requests a good one, seed ", seed), rand.New(rand.NewPCG(seed, 0))
		c := crowd{player: newPlayer(t, selector.Config{}, numbered(5, nil)...), every: 5 * time.Millisecond}
		for i := range 200 * (poisoned + 1) {
			if c.request(random.IntN(poisoned+1) > 0); i == 100*(poisoned+1) {
				c.wantOut(name + ", before it is revoked")
				c.broken = map[string]bool{"auth-000002": true}
			}
		}
		c.now = c.now.Add(cooldown.DoubtSpan) // its first failure may be all that kept it out
		for range 100 * (poisoned + 1) {
			c.request(random.IntN(poisoned+1) > 0)
		}
		c.wantOut(name)
	}
}

// Good answers take longer than bad requests take to come. The auths serve, so they stay witnesses.
func TestSlowAnswersLeaveWitnesses(t *testing.T) {
	for _, every := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second} {
		seed := rand.Uint64()
		random := rand.New(rand.NewPCG(seed, 0))
		c := crowd{player: newPlayer(t, selector.Config{}, numbered(4, nil)...), every: every, takes: 10 * time.Second}
		bad, attempts := 0, 0
		for i := range 3000 {
			poisoned := i > int(20*time.Second/every) && random.IntN(3) == 0
			if tried, _ := c.request(poisoned); poisoned {
				bad++
				attempts += len(tried)
			}
		}
		if attempts > bad*22/10 {
			t.Errorf("every %v, seed %d: %d bad requests took %d attempts, want two each", every, seed, bad, attempts)
		}
		c.wantOut(fmt.Sprint("every ", every, ", seed ", seed))
	}
}
