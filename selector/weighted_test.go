package selector_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

func byWeight() selector.Config {
	return selector.Config{Settings: selector.Settings{Strategy: selector.WeightedRoundRobin}}
}

func weighted(weights []uint32) []*selector.Auth {
	return numbered(len(weights), func(i int, a *selector.Auth) { a.Weight = &weights[i] })
}

// shares checks that the counts of members over any window of two rounds differ from their shares by at most 1.
type shares struct {
	weights map[string]uint32
	window  int
	gcd     uint32
	picks   []string
	counts  map[string]int
}

func newShares(auths []*selector.Auth) *shares {
	s := &shares{weights: map[string]uint32{}, counts: map[string]int{}}
	sum := uint32(0)
	for _, a := range auths {
		w := weightOf(a)
		s.weights[a.ID] = w
		sum += w
		for w != 0 {
			s.gcd, w = w, s.gcd%w
		}
	}
	s.window = int(2 * sum / s.gcd)
	return s
}

func (s *shares) add(id string) error {
	s.picks = append(s.picks, id)
	s.counts[id]++
	changed := []string{id}
	if first := len(s.picks) - 1 - s.window; first >= 0 {
		s.counts[s.picks[first]]--
		changed = append(changed, s.picks[first])
	}
	switch {
	case len(s.picks) == s.window:
		for id := range s.weights {
			changed = append(changed, id)
		}
	case len(s.picks) < s.window:
		return nil
	}
	for _, id := range changed {
		share := int(2 * s.weights[id] / s.gcd)
		if d := s.counts[id] - share; d < -1 || d > 1 {
			return fmt.Errorf("%s was taken %d times in the %d picks before pick %d, its share is %d", id, s.counts[id], s.window, len(s.picks), share)
		}
	}
	return nil
}

func weightVectors(r *rand.Rand) [][]uint32 {
	vectors := [][]uint32{
		{1}, {1, 1}, {5, 3, 2}, {2, 3, 5}, {7, 1}, {1, 7}, {10, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 10}, {1000, 1}, {3, 3, 3}, {6, 4, 2},
		{100, 99, 98}, {1, 2, 4, 8, 16, 32, 64, 128}, {1_000_000, 500_000}, {30, 20, 50, 10},
	}
	random := func(n, most int) []uint32 {
		v := make([]uint32, n)
		for i := range v {
			v[i] = uint32(1 + r.IntN(most))
		}
		return v
	}
	for range 50 {
		vectors = append(vectors, random(1+r.IntN(9), 1+r.IntN(30)))
	}
	return append(vectors, random(64, 9), random(65, 9), random(200, 5), random(1000, 20))
}

func TestWeightedSharesAreExactOverAnyTwoRounds(t *testing.T) {
	seed := seedOf(t)
	for _, weights := range weightVectors(rand.New(rand.NewPCG(seed, 1))) {
		auths := weighted(weights)
		p := newPlayer(t, byWeight(), auths...)
		s := newShares(auths)
		for range 3 * s.window {
			if err := s.add(p.pick(selector.Request{Provider: "p", Model: "m"})); err != nil {
				t.Fatalf("CREDBROKER_SEED=%d, %d members, weights %v: %v", seed, len(weights), weights[:min(len(weights), 10)], err)
			}
		}
	}
}

func TestWeightedSharesInTheBestTierAcrossWords(t *testing.T) {
	best := numbered(100, func(i int, a *selector.Auth) {
		w, high := uint32(i%7+1), int64(5)
		a.Weight, a.Priority = &w, &high
	})
	lower := make([]*selector.Auth, 0, 200)
	for i := range 100 {
		// Between and around the best ones sorted by id, so that tiers share words.
		lower = append(lower, auth(fmt.Sprintf("auth-%06d-low", i), weight(3)), auth(fmt.Sprintf("b-%d", i), priority(9), weight(0)))
	}
	p := newPlayer(t, byWeight(), append(lower, best...)...)
	s := newShares(best)
	for range 3 * s.window {
		if err := s.add(p.pick(selector.Request{Provider: "p", Model: "m"})); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWeightedSharesWhileTheHigherTierIsExcluded(t *testing.T) {
	best := numbered(100, func(i int, a *selector.Auth) {
		w := uint32(i%7 + 1)
		a.Weight = &w
	})
	p := newPlayer(t, byWeight(), append([]*selector.Auth{auth("z", priority(1)), auth("y", priority(1))}, best...)...)
	s := newShares(best)
	for range 3 * s.window {
		if err := s.add(p.pick(selector.Request{Provider: "p", Model: "m", Exclude: []string{"z", "y"}})); err != nil {
			t.Fatal(err)
		}
	}
}

// flapping are ways in which a member is out for every other pick.
func flapping() map[string]func(p *player, req *selector.Request, id string, out bool) {
	return map[string]func(p *player, req *selector.Request, id string, out bool){
		"cooldown": func(p *player, _ *selector.Request, id string, out bool) {
			if out {
				p.cool(id, "", 1)
			} else {
				p.now = p.now.Add(1)
			}
		},
		"cooldown of the model": func(p *player, _ *selector.Request, id string, out bool) {
			if out {
				p.cool(id, "m", time.Second)
			} else {
				p.now = p.now.Add(time.Second)
			}
		},
		"disabling": func(p *player, _ *selector.Request, id string, out bool) {
			if out {
				p.must(p.Disable(id, "", p.now))
			} else {
				p.must(p.Enable(id, p.now))
			}
		},
		"exclusion": func(_ *player, req *selector.Request, id string, out bool) {
			if req.Exclude = nil; out {
				req.Exclude = []string{id}
			}
		},
	}
}

func TestWeightedSharesOfTheOthersWhileOneFlapsOnEveryPick(t *testing.T) {
	for how, flap := range flapping() {
		for _, fourth := range []uint32{1, 2, 3, 5, 50} {
			for _, change := range []int{1, 2, 3} {
				t.Run(fmt.Sprintf("%s, weight %d, every %d picks", how, fourth, change), func(t *testing.T) {
					p := newPlayer(t, byWeight(), auth("a", weight(5)), auth("b", weight(3)), auth("c", weight(2)), auth("bx", weight(fourth)))
					req := selector.Request{Provider: "p", Model: "m"}
					counts := map[string]int{}
					out := false
					for i := range 10_000 {
						if i%change == 0 {
							out = !out
							flap(p, &req, "bx", out)
						}
						counts[p.pick(req)]++
					}
					wantRatio(t, counts, map[string]float64{"a": 5, "b": 3, "c": 2})
					if counts["bx"] == 0 {
						t.Error("the flapping member was never taken")
					}
				})
			}
		}
	}
}

// wantRatio checks the counts of members among themselves, to 1 %.
func wantRatio(t *testing.T, counts map[string]int, weights map[string]float64) {
	t.Helper()
	total, sum := 0, 0.0
	for id, w := range weights {
		total += counts[id]
		sum += w
	}
	for id, w := range weights {
		if want := float64(total) * w / sum; math.Abs(float64(counts[id])-want) > want/100 {
			t.Errorf("%s was taken %d times of %d, want %.0f within 1 %%", id, counts[id], total, want)
		}
	}
}

func TestWeightedSharesWhenWhoeverIsPickedGoesOut(t *testing.T) {
	p := newPlayer(t, byWeight(), auth("a", weight(5)), auth("b", weight(3)), auth("c", weight(2)))
	counts := map[string]int{}
	for range 10_000 {
		p.now = p.now.Add(2)
		id := p.pick(selector.Request{Provider: "p", Model: "m"})
		counts[id]++
		p.cool(id, "", 1)
	}
	wantRatio(t, counts, map[string]float64{"a": 5, "b": 3, "c": 2})
}

func TestWeightedCreditIsKeptOverUpdates(t *testing.T) {
	others := map[string]func(p *player, i int){
		"of another provider": func(p *player, i int) {
			p.put(&selector.Auth{ID: fmt.Sprint("other-", i%3), Provider: "q"})
			p.Update(nil, []string{fmt.Sprint("other-", (i+1)%3)}, p.now)
		},
		"that cannot be taken": func(p *player, i int) {
			// A weight of zero in the pool changes which auths the strategy looks at.
			if i%2 == 0 {
				p.put(auth("zero", weight(0)))
			} else {
				p.Update(nil, []string{"zero"}, p.now)
			}
		},
		"of a lower tier": func(p *player, i int) { p.put(auth("lower", priority(int64(-1-i%2)))) },
	}
	for name, update := range others {
		for _, weights := range [][]uint32{{5, 3, 2}, {1, 1, 1, 1, 1, 10}, {4, 1, 2, 3, 1, 1, 7}} {
			t.Run(fmt.Sprint(name, weights), func(t *testing.T) {
				auths := weighted(weights)
				p := newPlayer(t, byWeight(), auths...)
				s := newShares(auths)
				counts := map[string]int{}
				for i := range 3 * s.window {
					for range i % 3 {
						update(p, i)
					}
					id := p.pick(selector.Request{Provider: "p", Model: "m"})
					if counts[id]++; s.add(id) != nil {
						t.Fatal(s.add(id))
					}
				}
				for id, w := range s.weights {
					if want := 3 * 2 * int(w/s.gcd); counts[id] != want {
						t.Errorf("%s was taken %d times in six rounds, want %d", id, counts[id], want)
					}
				}
			})
		}
	}
}

func TestWeightedMemberThatIsNewStartsAtThePresentVirtualTime(t *testing.T) {
	p := newPlayer(t, byWeight(), auth("a", weight(5)), auth("b", weight(3)))
	req := selector.Request{Provider: "p", Model: "m"}
	for range 8000 {
		p.pick(req)
	}
	p.put(auth("c", weight(2)))
	counts := map[string]int{}
	for range 20 {
		counts[p.pick(req)]++
	}
	for id, share := range map[string]int{"a": 10, "b": 6, "c": 4} {
		if d := counts[id] - share; d < -1 || d > 1 {
			t.Errorf("%s was taken %d times in two rounds, its share is %d", id, counts[id], share)
		}
	}
}

func TestWeightedMemberThatWasOutForLongEarnsNothing(t *testing.T) {
	p := newPlayer(t, byWeight(), auth("a", weight(1)), auth("b", weight(1)))
	req := selector.Request{Provider: "p", Model: "m"}
	p.cool("a", "", time.Hour)
	for range 1000 {
		p.pick(req)
	}
	p.now = p.now.Add(time.Hour)
	counts := map[string]int{}
	for range 4 {
		counts[p.pick(req)]++
	}
	if d := counts["a"] - 2; d < -1 || d > 1 {
		t.Errorf("back from a long cooldown, a was taken %d times in two rounds, want 2", counts["a"])
	}
}

func TestWeightedTiesAreTakenSortedByID(t *testing.T) {
	p := newPlayer(t, byWeight(), auth("b"), auth("a"), auth("é"), auth("B"))
	for round := range 100 {
		for _, want := range []string{"B", "a", "b", "é"} {
			if got := p.pick(selector.Request{Provider: "p", Model: "m"}); got != want {
				t.Fatalf("round %d: Pick = %s, want %s", round, got, want)
			}
		}
	}
}

func TestWeightZeroIsNeverTakenByTheStrategy(t *testing.T) {
	p := newPlayer(t, byWeight(), auth("none", weight(0), priority(9)), auth("some", weight(1)))
	for range 10 {
		if got := p.pick(selector.Request{Provider: "p", Model: "m"}); got != "some" {
			t.Fatalf("Pick = %s, want some", got)
		}
	}
	var unavailable *selector.UnavailableError
	if _, err := p.Pick(&selector.Request{Provider: "p", Exclude: []string{"some"}}, p.now); !errors.As(err, &unavailable) {
		t.Fatalf("Pick without anybody of a weight = %v, want an UnavailableError", err)
	}
	if unavailable.Counts[selector.ReasonZeroWeight] != 1 || unavailable.Counts[selector.ReasonExcluded] != 1 {
		t.Errorf("Counts = %v", unavailable.Counts)
	}
}

func TestWeightedSharesForLong(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out many picks")
	}
	weights := []uint32{7, 11, 13, 17, 19, 23}
	auths := weighted(weights)
	p := newPlayer(t, byWeight(), auths...)
	s := newShares(auths)
	for range 500_000 {
		if err := s.add(p.pick(selector.Request{Provider: "p", Model: "m"})); err != nil {
			t.Fatal(err)
		}
	}
}
