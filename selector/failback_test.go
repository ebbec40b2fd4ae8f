package selector_test

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

func failback(s selector.Strategy) selector.Config {
	return selector.Config{
		Settings: selector.Settings{Strategy: s, Failback: true}, Bindings: newSessionTable[selector.Slot](time.Hour),
	}
}

func TestFailbackTakesASessionBackToARecoveredHigherTier(t *testing.T) {
	p := newPlayer(t, failback(selector.RoundRobin), auth("high", priority(1)), auth("low"))
	req := selector.Request{Provider: "p", Model: "m", Sessions: session(1)}
	p.cool("high", "", time.Minute)
	for _, step := range []struct {
		after time.Duration
		id    string
		want  selector.Binding
	}{
		{0, "low", selector.BindingNew}, {0, "low", selector.BindingHit}, {time.Minute, "high", selector.BindingRebound}, {0, "high", selector.BindingHit},
	} {
		p.now = p.now.Add(step.after)
		got, err := p.Pick(&req, p.now)
		if err != nil || got.Auth.ID != step.id || got.Binding != step.want {
			t.Fatalf("Pick = %v, %v, %v, want %s, %v", got.Auth, got.Binding, err, step.id, step.want)
		}
	}
}
