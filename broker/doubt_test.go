package broker_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/verdict"
)

// gateway makes the attempts of one client's request, one call at a time, as it is told to.
type gateway struct {
	req    broker.PickRequest
	first  broker.PickID
	picked *broker.Picked // the attempt under way
	last   *broker.Reported
}

// step picks or reports, and reports whether the request is over.
func (g *gateway) step(t *testing.T, b *broker.Broker, o verdict.Outcome, now time.Time) (over bool) {
	t.Helper()
	if g.picked == nil {
		g.req.Provider, g.req.Model, g.req.AttemptOf = "openai", "m", g.first
		picked, err := b.Pick(t.Context(), &g.req, now)
		g.picked = &picked
		return err != nil
	}
	id, err := broker.ParsePickID(g.picked.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.Model = g.picked.Model
	report := broker.Report{AuthID: g.picked.Auth.ID, Pick: id, Outcome: o, Tried: g.req.Exclude}
	if g.last, err = b.Report(t.Context(), &report, now); err != nil {
		t.Fatal(err)
	}
	if g.first == (broker.PickID{}) {
		g.first = id
	}
	g.req.Exclude = append(slices.Clone(g.req.Exclude), report.AuthID)
	if g.picked = nil; g.last.Next == broker.NextWait {
		g.req.Exclude = nil
	}
	return g.last.Next != broker.NextPickAgain && g.last.Next != broker.NextWait
}

// wantReady checks that nothing keeps any auth out.
func wantReady(t *testing.T, b *broker.Broker, now time.Time) {
	t.Helper()
	page, _ := b.Auths(broker.Caller{}, selector.Filter{}, now)
	for _, s := range page {
		if s.State != selector.StateReady || len(s.Blocks) > 0 {
			t.Errorf("%s is out: %s, %+v", s.Auth.ID, s.Why, s.Blocks)
		}
	}
}

// poisons are failures that may be the request's own fault.
func poisons() map[string]verdict.Outcome {
	return map[string]verdict.Outcome{
		"refused": failed(403, `{"error":{"message":"no"}}`),
		"failed":  failed(500, `{"error":{"message":"Internal server error"}}`),
		"cut":     {TransportError: "read: connection reset by peer"},
	}
}

func TestOneBadRequestDoesNotEmptyThePool(t *testing.T) {
	for name, o := range poisons() {
		b := brokerOf(3)
		said := play(t, b, o)
		if len(said) != 2 || said[1].Next != broker.NextReturn {
			t.Errorf("%s: %+v, want two attempts and an answer for the client", name, said)
		}
		wantReady(t, b, noon)
	}
}

func TestAThousandBadRequestsDoNotEmptyThePool(t *testing.T) {
	for name, o := range poisons() {
		for _, atOnce := range []int{1, 3, 40, 1000} {
			t.Run(name+" "+strconv.Itoa(atOnce), func(t *testing.T) {
				seed := rand.Uint64()
				random, b, now := rand.New(rand.NewPCG(seed, 0)), brokerOf(3), noon
				var clients []*gateway
				for begun := 0; begun < 1000 || len(clients) > 0; now = now.Add(time.Millisecond) {
					if begun < 1000 && len(clients) < atOnce {
						begun++
						clients = append(clients, new(gateway))
						continue
					}
					i := random.IntN(len(clients))
					g := clients[i]
					if g.step(t, b, o, now) {
						clients = slices.Delete(clients, i, i+1)
					}
					if g.last != nil && g.last.Outage {
						t.Fatalf("seed %d: an outage was declared", seed)
					}
				}
				wantReady(t, b, now)
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
				for i := range 3 {
					g := new(gateway)
					g.step(t, b, failed(502, ""), now)
					if g.step(t, b, failed(502, ""), now); g.last.Outage != (i == 2) {
						t.Errorf("failure %d of the provider: outage %t", i+1, g.last.Outage)
					}
				}
			})
		}
	}
}

// Two keys are revoked, and say no more than 403: in the end requests go to the others at once.
func TestRevokedAuthsDoNotShieldEachOther(t *testing.T) {
	b, now := brokerOf(4), noon
	revoked := []string{"a", "b"}
	failures := 0
	for i := range 100 {
		now = now.Add(time.Second)
		g := new(gateway)
		for over := false; !over; now = now.Add(time.Millisecond) {
			o := verdict.Outcome{Status: 200}
			if g.picked != nil && slices.Contains(revoked, g.picked.Auth.ID) {
				o = failed(403, `{"error":{"message":"no"}}`)
			}
			over = g.step(t, b, o, now)
		}
		switch {
		case g.last == nil || g.last.Next != broker.NextDone:
			failures++
		case i >= 90 && len(g.req.Exclude) > 1:
			t.Errorf("request %d was sent to %v", i, g.req.Exclude)
		}
	}
	if failures > 3 {
		t.Errorf("%d requests failed", failures)
	}
	for _, id := range revoked {
		if s, err := b.Auth(broker.Caller{}, id, now); err != nil || s.State == selector.StateReady || len(s.Blocks) == 0 {
			t.Errorf("%s is %+v, %v, want it out", id, s, err)
		}
	}
}
