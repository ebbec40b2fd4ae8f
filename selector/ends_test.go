package selector_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// Many ends at one instant are worked off by Advance, a little at a time; until then picks must not be wrong.

func session(id uint64) []selector.Session {
	return []selector.Session{{Key: selector.SessionKey{Hi: id, Lo: id}}}
}

func TestSessionStaysOnAnAuthWhoseCooldownIsOverButNotWorkedOff(t *testing.T) {
	const many = 500
	p := newPlayer(t, selector.Config{Bindings: newSessionTable[selector.Slot](time.Hour)}, numbered(many, nil)...)
	for _, model := range []string{"", "m"} {
		bound := map[uint64]string{}
		for id := range uint64(many) {
			bound[id] = p.pick(selector.Request{Provider: "p", Model: "m", Sessions: session(id)})
		}
		for _, id := range bound {
			p.cool(id, model, time.Minute)
		}
		p.now = p.now.Add(time.Minute)
		for id := uint64(many); id > 0; id-- {
			got, err := p.Pick(&selector.Request{Provider: "p", Model: "m", Sessions: session(id - 1)}, p.now)
			if err != nil || got.Auth.ID != bound[id-1] || got.Binding != selector.BindingHit {
				t.Fatalf("after a cooldown of %q, session %d = %v, %v, %v, want a hit of %s", model, id-1, got.Auth, got.Binding, err, bound[id-1])
			}
		}
	}
}

func TestExpiredTokenIsNeverHandedOutHoweverManyEndAtOnce(t *testing.T) {
	for s := selector.RoundRobin; s <= selector.WeightedRoundRobin; s++ {
		ends := historyStart().Add(time.Minute)
		auths := numbered(1000, func(i int, a *selector.Auth) {
			if i != 700 {
				a.ExpiresAt = ends
			}
			a.Attributes["gemini_virtual_parent"] = []string{"x", "y", ""}[i%3%(i/900+2)]
		})
		p := newPlayer(t, selector.Config{Settings: selector.Settings{Strategy: s}, CursorStart: 333}, auths...)
		p.now = ends
		for range 100 {
			if got := p.pick(selector.Request{Provider: "p"}); got != "auth-000700" {
				t.Fatalf("%v: Pick = %s, whose token is over", s, got)
			}
		}
	}
}

func TestExpiredTokensAloneAreRefusedHoweverManyEndAtOnce(t *testing.T) {
	ends := historyStart().Add(time.Minute)
	p := newPlayer(t, selector.Config{}, numbered(1000, func(_ int, a *selector.Auth) { a.ExpiresAt = ends })...)
	p.now = ends
	var unavailable *selector.UnavailableError
	if _, err := p.Pick(&selector.Request{Provider: "p"}, p.now); !errors.As(err, &unavailable) {
		t.Fatalf("Pick = %v, want an UnavailableError", err)
	}
	if got := unavailable.Counts[selector.ReasonTokenExpired]; got != 1000 {
		t.Errorf("%d of 1000 expired auths are counted", got)
	}
}

func TestAuthThatIsBackIsNotRefusedHoweverManyEndedBefore(t *testing.T) {
	for name, setup := range map[string]func(a *selector.Auth, last bool){
		"when all are equal": func(*selector.Auth, bool) {},
		"when the others cannot be taken by weight": func(a *selector.Auth, last bool) {
			if w := uint32(0); !last {
				a.Weight = &w
			}
		},
		"when the others do not serve the model": func(a *selector.Auth, last bool) {
			if !last {
				a.Models = []string{"other"}
			}
		},
		"when the others are of another provider": func(a *selector.Auth, last bool) {
			if !last {
				a.Provider = "q"
			}
		},
	} {
		const many = 1000
		p := newPlayer(t, byWeight(), numbered(many, func(i int, a *selector.Auth) { setup(a, i == many-1) })...)
		for i := range many {
			// The one that matters ends last.
			p.cool(fmt.Sprintf("auth-%06d", i), "", time.Minute+time.Duration(i)*time.Nanosecond)
		}
		p.now = p.now.Add(2 * time.Minute)
		if got, err := p.Pick(&selector.Request{Provider: "p", Model: "m"}, p.now); err != nil {
			t.Errorf("%s: Pick = %v, %v, though a block is over", name, got.Auth, err)
		}
	}
}

func TestBlockIsOverAtItsEnd(t *testing.T) {
	for _, model := range []string{"", "m"} {
		p := newPlayer(t, selector.Config{}, auth("a"))
		p.cool("a", model, time.Minute)
		for _, step := range []struct {
			at    time.Duration
			ready bool
		}{{0, false}, {time.Minute - 1, false}, {time.Minute, true}} {
			_, err := p.Pick(&selector.Request{Provider: "p", Model: "m"}, p.now.Add(step.at))
			if (err == nil) != step.ready {
				t.Errorf("cooldown of %q after %v: Pick = %v", model, step.at, err)
			}
		}
	}
}

func TestAdvanceWorksOffNoMoreThanItsLimitAndSaysWhenToComeBack(t *testing.T) {
	p := newPlayer(t, selector.Config{}, numbered(100, nil)...)
	if next := p.Advance(p.now, 10); !next.IsZero() {
		t.Errorf("Advance without blocks = %v, want zero", next)
	}
	for _, a := range numbered(100, nil) {
		p.cool(a.ID, "", time.Minute)
	}
	end := p.now.Add(time.Minute)
	for left := 100; left > 0; left -= 30 {
		if next := p.Advance(end, 30); left > 30 && !next.Equal(end) || left <= 30 && !next.IsZero() {
			t.Errorf("Advance with %d ends left = %v", left, next)
		}
	}
}
