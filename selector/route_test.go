package selector_test

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// Refused picks of one model come between the picks of others, each of which has a rotation of its own.
func TestRefusedPicksLeaveRotationsAlone(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"))
	p.cool("a", "out", time.Hour)
	p.cool("b", "out", time.Hour)
	for turn, want := range []string{"a", "b", "a"} {
		for _, model := range []string{"m", "n"} {
			if got, err := p.Pick(&selector.Request{Provider: "p", Model: "out"}, p.now); err == nil {
				t.Errorf("turn %d: a model that cools down everywhere got %s", turn, got.Auth.ID)
			}
			if got := p.pick(selector.Request{Provider: "p", Model: model}); got != want {
				t.Errorf("turn %d of %s: Pick = %s, want %s", turn, model, got, want)
			}
		}
	}
}
