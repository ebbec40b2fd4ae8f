package state_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state/statetest"
)

func name(number int) selector.Session {
	return selector.Session{Key: selector.SessionKey{Hi: 1, Lo: uint64(number)}}
}

func prefix(number int) selector.Session {
	return selector.Session{Key: selector.SessionKey{Hi: 2, Lo: uint64(number)}, Role: selector.RolePrefix}
}

// elsewhere binds a session on the first replica to the auth that the second would not take next.
func elsewhere(t *testing.T, r []*replica, session selector.Session) (identity string) {
	t.Helper()
	for n := range 2 {
		r[0].pick(request(1000 + n)) // so that the rotations differ
		if got := r[0].pick(&selector.Request{Provider: "p", Sessions: []selector.Session{session}}); got.Identity != "a" {
			return got.Identity
		}
		if _, _, err := r[0].persister.Unbind(t.Context(), session.Key, r[0].persister.Now()); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the rotation stands still")
	return ""
}

func TestAConversationGoesOnAtAnotherReplica(t *testing.T) {
	for _, test := range []struct {
		name string
		req  selector.Request
	}{
		{"by a further name", selector.Request{Sessions: []selector.Session{name(2), name(1)}}},
		{"by a prefix", selector.Request{Sessions: []selector.Session{prefix(2), prefix(1)}}},
		{"by what came with a first turn", selector.Request{Sessions: []selector.Session{prefix(2), prefix(1)}, Options: selector.FirstTurn}},
		{"by the conversation that it serves", selector.Request{Sessions: []selector.Session{name(2)}, Parent: name(1).Key}},
		{"by reasoning, under another model", selector.Request{
			Sessions: []selector.Session{name(2)}, Reasoning: []selector.Session{name(3), name(1)}, Options: selector.CarriesReasoning,
		}},
		{"by a reference", selector.Request{Pins: []selector.Session{name(1)}}},
		{"by a reference and a name", selector.Request{Pins: []selector.Session{name(3), name(1)}, Sessions: []selector.Session{name(2)}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, _, r := newFleet(t, 2)
				first := name(1)
				if len(test.req.Sessions) > 0 && test.req.Sessions[0].Role == selector.RolePrefix {
					first = prefix(1)
				}
				want := elsewhere(t, r, first)
				req := test.req
				req.Provider = "p"
				if got := r[1].pick(&req); got.Identity != want {
					t.Errorf("it goes on at %s, %v; it began at %s", got.Identity, got.Binding, want)
				}
			})
		})
	}
}

// All conversations that begin with the same words must not end up on one auth.
func TestFirstTurnsAreNobodys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, r := newFleet(t, 2)
		seen := map[string]int{}
		for i := range 20 {
			pick := r[i%2].pick(&selector.Request{Provider: "p", Sessions: []selector.Session{prefix(1)}, Options: selector.FirstTurn})
			seen[pick.Identity]++
			time.Sleep(selector.FirstTurnWindow)
		}
		if seen["a"] != 10 || seen["b"] != 10 {
			t.Errorf("twenty first turns of two auths went to %v", seen)
		}
		if seen := r[0].seen.tally(); seen.claims > 0 {
			t.Errorf("the fleet was asked %d times", seen.claims)
		}
	})
}

// A conversation that this replica knows asks nobody as it grows, and others can take it over a moment later.
func TestAConversationThatGrowsIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, r := newFleet(t, 2)
		want := elsewhere(t, r, prefix(1))
		asked := r[0].seen.tally().claims
		r[0].pick(&selector.Request{Provider: "p", Sessions: []selector.Session{prefix(2), prefix(1)}})
		if again := r[0].seen.tally().claims; again != asked {
			t.Errorf("the fleet was asked %d times", again-asked)
		}
		time.Sleep(100 * time.Millisecond)
		if got := r[1].pick(&selector.Request{Provider: "p", Sessions: []selector.Session{prefix(3), prefix(2)}}); got.Identity != want {
			t.Errorf("the conversation goes on at %s, it was at %s", got.Identity, want)
		}
	})
}

// While a pick asks the fleet what its session is bound to, this replica does not save what it would bind it to.
func TestWhatIsAskedIsNotSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 2)
		want := elsewhere(t, r, prefix(1))
		r[0].pick(&selector.Request{Provider: "p", Sessions: []selector.Session{prefix(2), prefix(1)}})
		time.Sleep(95 * time.Millisecond) // changes are collected in 5 ms, and the question takes longer
		links[1].Disturb(func(call string) (d statetest.Disturbance) {
			if call == "Bind" {
				d.Before = 10 * time.Millisecond
			}
			return d
		})
		req := &selector.Request{Provider: "p", Sessions: []selector.Session{prefix(3), prefix(2)}}
		if got := r[1].pick(req); got.Identity != want {
			t.Errorf("the conversation goes on at %s, it was at %s", got.Identity, want)
		}
		// Without an answer, it is saved afterwards.
		links[1].Disturb(func(call string) (d statetest.Disturbance) {
			if call == "Bind" {
				d.Lose = statetest.LoseRequest
			}
			return d
		})
		time.Sleep(time.Second - 105*time.Millisecond - 10*time.Millisecond)
		first := r[1].pick(request(7))
		time.Sleep(100 * time.Millisecond)
		if got := r[0].pick(request(7)); got.Identity != first.Identity {
			t.Errorf("the session is bound to %s, another replica bound it to %s before", got.Identity, first.Identity)
		}
	})
}

// However often a pick asks, it waits for the fleet no longer than once.
func TestAPickWaitsForAllAnswersTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 1)
		links[0].Disturb(func(string) statetest.Disturbance { return statetest.Disturbance{Before: 15 * time.Millisecond} })
		req := request(1)
		req.Pins = []selector.Session{{Key: selector.SessionKey{Hi: 1}}} // of which nobody knows
		began := time.Now()
		_, _ = r[0].persister.Pick(t.Context(), req, r[0].persister.Now())
		if took, most := time.Since(began), 20*time.Millisecond; took > most {
			t.Errorf("the pick took %v, want %v at most", took, most)
		}
	})
}
