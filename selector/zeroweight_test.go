package selector_test

import (
	"errors"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

func TestWeightZeroDoesNotHideWhenTheOthersAreBack(t *testing.T) {
	p := newPlayer(t, byWeight(), auth("none", weight(0)), auth("some"))
	p.cool("some", "", time.Minute)
	var unavailable *selector.UnavailableError
	if _, err := p.Pick(&selector.Request{Provider: "p"}, p.now); !errors.As(err, &unavailable) || unavailable.Wait != time.Minute {
		t.Errorf("Pick = %#v, want an UnavailableError with a wait of a minute", err)
	}
}

// A higher tier that the strategy never takes is nowhere to go back to.
func TestFailbackDoesNotMoveASessionForATierOfZeroWeights(t *testing.T) {
	p := newPlayer(t, failback(selector.WeightedRoundRobin), auth("high", priority(1), weight(0)), auth("low-1"), auth("low-2"))
	req := selector.Request{Provider: "p", Model: "m", Sessions: session(1)}
	first := p.pick(req)
	for range 5 {
		got, err := p.Pick(&req, p.now)
		if err != nil || got.Auth.ID != first || got.Binding != selector.BindingHit {
			t.Fatalf("Pick = %v, %v, %v, want a hit of %s", got.Auth, got.Binding, err, first)
		}
	}
}

func TestFailbackKeepsASessionWhereTheStrategyCouldTakeNobody(t *testing.T) {
	c := failback(selector.RoundRobin)
	p := newPlayer(t, c, auth("high", priority(1), weight(0)), auth("low", weight(0)))
	req := selector.Request{Provider: "p", Model: "m", Sessions: session(1), Exclude: []string{"high"}}
	if got := p.pick(req); got != "low" {
		t.Fatalf("Pick = %s, want low", got)
	}
	p.Configure(selector.Settings{Strategy: selector.WeightedRoundRobin, Failback: true})
	req.Exclude = nil
	if got, err := p.Pick(&req, p.now); err != nil || got.Auth.ID != "low" || got.Binding != selector.BindingHit {
		t.Errorf("Pick = %v, %v, %v, want a hit of low", got.Auth, got.Binding, err)
	}
}

func TestWeightZeroIsNotLentForDoubt(t *testing.T) {
	p := newPlayer(t, byWeight(), auth("none", weight(0)), auth("some"))
	p.cool("some", "", time.Minute)
	failed := forbidden(p.now)
	failed.Doubt = true
	if got := p.fail(1, "none", failed); got.Others {
		t.Errorf("Report = %+v, want no others", got)
	}
	if got := p.tryPick(); got != "unavailable" {
		t.Errorf("where only a weight of zero is left: %s", got)
	}
	p.Configure(selector.Settings{Strategy: selector.RoundRobin})
	if got := p.tryPick(); got != "none" {
		t.Errorf("under another strategy: %s, want none", got)
	}
}
