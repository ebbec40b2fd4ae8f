package statetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

// ids are session ids, one for each number, that are to be bound together.
func ids(identity string, numbers ...uint64) []state.BoundSession {
	var all []state.BoundSession
	now := time.Now()
	for _, n := range numbers {
		all = append(all, state.BoundSession{
			Key: selector.SessionKey{Hi: 7, Lo: n}, Group: selector.SessionKey{Hi: 7, Lo: numbers[0]}, Source: uint8(n),
			Identity: identity, Bound: now.UnixNano(), Ends: now.Add(time.Hour).UnixNano(),
		})
	}
	return all
}

// bind binds and wants the primary to be bound to an identity then.
func bind(t *testing.T, s state.Fleet, sessions []state.BoundSession, from, want string) state.BoundSession {
	t.Helper()
	got, err := s.Bind(t.Context(), sessions, from)
	if err != nil {
		t.Fatalf("Bind: %v", err)
	}
	if got.Key != sessions[0].Key || got.Identity != want {
		t.Fatalf("Bind of %s to %s = %s, want it bound to %s", sessions[0].Key, sessions[0].Identity, showBinding(got), want)
	}
	return got
}

func (s fleetSuite[S]) bindOnce(t *testing.T) {
	opens := s.factory(t)
	const replicas, sessions = 4, 50
	var got [replicas][sessions]string
	var wait sync.WaitGroup
	for i := range replicas {
		store := open(t, opens)
		wait.Go(func() {
			for n := range sessions {
				b, err := store.Bind(t.Context(), ids(fmt.Sprint("identity-", i), uint64(n), 1_000+uint64(n)), "")
				if err != nil {
					t.Errorf("Bind: %v", err)
				}
				got[i][n] = b.Identity
			}
		})
	}
	wait.Wait()
	for i := range got {
		if got[i] != got[0] {
			t.Errorf("replica %d and replica 0 bound sessions differently:\n%v\n%v", i, got[i], got[0])
		}
	}
}

func (s fleetSuite[S]) bindStays(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	first := bind(t, a, ids("one", 1), "", "one")
	if again := bind(t, b, ids("two", 1), "", "one"); again.Bound != first.Bound {
		t.Errorf("it was bound at %d, and then at %d", first.Bound, again.Bound)
	}
	longer := ids("one", 1)
	longer[0].Ends += int64(time.Hour)
	if again := bind(t, b, longer, "", "one"); again.Ends < longer[0].Ends {
		t.Errorf("it ends at %d though it was prolonged to %d", again.Ends, longer[0].Ends)
	}
	bind(t, b, ids("two", 1), "three", "one")
}

func (s fleetSuite[S]) bindMoves(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	bind(t, a, ids("one", 1, 2), "", "one")
	bind(t, a, ids("two", 1, 2), "one", "two")
	bind(t, b, ids("three", 1), "", "two")
	bind(t, b, ids("three", 2), "", "two")
	// Another who wants to move it off the same comes too late.
	bind(t, b, ids("three", 1), "one", "two")
}

func (s fleetSuite[S]) bindInherits(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	bind(t, a, ids("one", 1), "", "one")
	bind(t, a, ids("two", 2), "", "two")
	bind(t, b, ids("three", 10, 11, 1, 2), "", "one")
	bind(t, b, ids("three", 10), "", "one")
	// Not from the one that the caller cannot use.
	bind(t, b, ids("three", 20, 2), "two", "three")
	bind(t, a, ids("four", 20), "", "three")
	bind(t, a, ids("four", 1), "", "one")
}

func (s fleetSuite[S]) bindLookups(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	unbound := func(numbers ...uint64) []state.BoundSession { return ids("", numbers...) }
	bind(t, a, unbound(1, 2), "", "")
	bind(t, a, ids("one", 1), "", "one")
	bind(t, b, unbound(1), "", "one")
	bind(t, b, unbound(10, 1), "", "one")
	bind(t, b, unbound(10), "", "")
	// One that is to be bound takes after one that is looked up.
	bind(t, b, append(ids("two", 20), unbound(1)...), "", "one")
	bind(t, b, append(ids("two", 30), unbound(31)...), "", "two")
	bind(t, a, unbound(30), "", "two")
	bind(t, a, unbound(31), "", "")
}

func (s fleetSuite[S]) saveBinding(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	save(t, a, state.Batch{Bindings: ids("one", 1)})
	save(t, b, state.Batch{Bindings: ids("two", 1)})
	bind(t, b, ids("three", 1), "", "one")
	longer := ids("one", 1)
	longer[0].Ends += int64(time.Hour)
	save(t, b, state.Batch{Bindings: longer})
	if got := bind(t, a, ids("three", 1), "", "one"); got.Ends < longer[0].Ends {
		t.Errorf("it ends at %d though it was prolonged to %d", got.Ends, longer[0].Ends)
	}
	save(t, b, state.Batch{Bindings: []state.BoundSession{{Key: longer[0].Key}}})
	bind(t, a, ids("three", 1), "", "three")
}

func (s fleetSuite[S]) bindOver(t *testing.T) {
	a := open(t, s.factory(t))
	over := ids("one", 1)
	const span = 100 * time.Millisecond
	ends := time.Now().Add(span)
	over[0].Ends = ends.UnixNano()
	bind(t, a, over, "", "one")
	// An engine may keep it for a little longer, as those who prolong it do so rarely.
	for {
		timer := time.NewTimer(span / 5)
		select {
		case <-timer.C:
		case <-t.Context().Done():
		}
		next := ids("two", 1)
		next[0].Ends = ends.UnixNano()
		got, err := a.Bind(t.Context(), next, "")
		if err != nil {
			t.Fatalf("Bind: %v", err)
		}
		if got.Identity == "two" {
			return
		}
		if time.Since(ends) > waitAtMost {
			t.Fatalf("a binding for %v is not over after %v", span, waitAtMost)
		}
	}
}

func (s fleetSuite[S]) pushBinding(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	var received follower
	follow(t, b, &received)
	bind(t, a, ids("one", 1), "", "one")
	bind(t, a, ids("two", 1), "one", "two")
	key := selector.SessionKey{Hi: 7, Lo: 1}
	to := func(want string) func() bool {
		return func() bool {
			got, ok := received.Binding(key)
			return ok && got.Identity == want
		}
	}
	received.Until(t, to("two"), "a move is not handed over")
	save(t, a, state.Batch{Bindings: []state.BoundSession{{Key: key}}})
	received.Until(t, to(""), "an end is not handed over")
}
