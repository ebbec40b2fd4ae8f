package state_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
)

// newFleet starts replicas over one store, without disks.
func newFleet(t *testing.T, size int) (*statetest.Memory, []*statetest.Replica, []*replica) {
	t.Helper()
	memory := &statetest.Memory{}
	links, replicas := make([]*statetest.Replica, size), make([]*replica, size)
	for i := range size {
		links[i] = memory.Replica()
		replicas[i] = newReplica(t, nil, links[i])
	}
	synctest.Wait()
	return memory, links, replicas
}

func TestOthersHearOfAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, r := newFleet(t, 3)
		r[0].disable("a")
		if err := r[0].persister.Durable(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i := range r {
			if !r[i].isDisabled("a") {
				t.Errorf("replica %d does not know of it", i)
			}
		}
	})
}

func TestWithoutADiskTheFleetKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 1)
		links[0].Cut()
		r[0].disable("a")
		if err := r[0].persister.Durable(t.Context(), "a"); !errors.Is(err, state.ErrNotKept) {
			t.Errorf("Durable with the fleet out of reach = %v, want that it is not kept", err)
		}
	})
}

func TestADiskKeepsWhatTheFleetCannot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &statetest.Memory{}
		d, link := newDisk(), memory.Replica()
		r := newReplica(t, d, link)
		other := newReplica(t, nil, memory.Replica())
		synctest.Wait()
		link.Cut()
		time.Sleep(time.Second)
		r.disable("a")
		began := time.Now()
		if err := r.persister.Durable(t.Context(), "a"); err != nil || time.Since(began) > 0 {
			t.Errorf("Durable = %v after %v, want at once", err, time.Since(began))
		}
		r.stop() // and the process is gone before the fleet is back
		link = memory.Replica()
		next := newReplica(t, d, link)
		time.Sleep(2 * time.Second)
		if !next.isDisabled("a") || !other.isDisabled("a") {
			t.Errorf("disabled here %t, there %t; want both", next.isDisabled("a"), other.isDisabled("a"))
		}
		if seen := r.seen.tally(); !slices.Equal(seen.healthChanges, []string{"redis false"}) {
			t.Errorf("health changes %v, want one when the fleet is out of reach", seen.healthChanges)
		}
	})
}

func TestAnEmptyStoreIsFilledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, _, r := newFleet(t, 2)
		r[0].disable("a")
		if err := r[0].persister.Durable(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		r[1].pick(request(1))
		synctest.Wait()
		memory.Restart()
		time.Sleep(2 * time.Second)
		late := newReplica(t, nil, memory.Replica())
		if !late.isDisabled("a") {
			t.Error("who came after the store had lost everything knows nothing")
		}
		if got, want := late.pick(request(1)), r[1].pick(request(1)); got.Identity != want.Identity {
			t.Errorf("the session is bound to %s and %s", got.Identity, want.Identity)
		}
	})
}

// Ten replicas get the first request of a session at once.
func TestASessionGetsOneBinding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 10)
		for _, link := range links {
			link.Disturb(func(string) statetest.Disturbance {
				return statetest.Disturbance{Before: time.Millisecond, After: time.Millisecond}
			})
		}
		for session := range 20 {
			var (
				all  sync.WaitGroup
				mu   sync.Mutex
				seen = map[string]int{}
			)
			for _, replica := range r {
				for range 3 {
					all.Go(func() {
						pick := replica.pick(request(session))
						mu.Lock()
						defer mu.Unlock()
						seen[pick.Identity]++
					})
				}
			}
			all.Wait()
			if len(seen) != 1 {
				t.Errorf("session %d is bound to %v, want one identity", session, seen)
			}
		}
	})
}

func TestAKnownSessionWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 1)
		r[0].pick(request(1))
		asked := r[0].seen.tally().claims
		links[0].Cut()
		began := time.Now()
		for range 10 {
			r[0].pick(request(1))
		}
		if again := r[0].seen.tally().claims; time.Since(began) > 0 || again != asked {
			t.Errorf("ten picks took %v and asked %d times", time.Since(began), again-asked)
		}
	})
}

func TestASlowFleetIsDoneWithout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 2)
		links[0].Disturb(func(call string) statetest.Disturbance { return statetest.Disturbance{Before: time.Second} })
		began := time.Now()
		for i := range 3 {
			r[0].pick(request(i))
		}
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("three picks took %v, want 20 ms each", took)
		}
		began = time.Now()
		for i := range 20 {
			r[0].pick(request(100 + i))
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("the picks after three that had no answer took %v", took)
		}
		// Another replica binds one of them to something else meanwhile: that holds.
		mine, theirs := r[0].pick(request(101)), r[1].pick(request(101))
		for i := 0; theirs.Identity == mine.Identity && i < 20; i++ {
			mine, theirs = r[0].pick(request(200+i)), r[1].pick(request(200+i))
		}
		links[0].Disturb(nil)
		time.Sleep(2 * time.Second)
		for i := range 20 {
			for _, n := range []int{100 + i, 200 + i} {
				if a, b := r[0].pick(request(n)), r[1].pick(request(n)); a.Identity != b.Identity {
					t.Errorf("session %d is bound to %s and %s after the fleet is back", n, a.Identity, b.Identity)
				}
			}
		}
		time.Sleep(5 * time.Second)
		if seen := r[0].seen.tally(); len(seen.healthChanges) < 2 || seen.healthChanges[len(seen.healthChanges)-1] != "redis true" || seen.unconfirmed < 20 {
			t.Errorf("saw %+v, want the end of the outage and what was not confirmed", seen)
		}
	})
}

func TestMovesAndReleasesReachOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, r := newFleet(t, 2)
		first := r[0].pick(request(1))
		r[1].pick(request(1))
		// Only the first cannot use the auth, so the session moves.
		cooldown := selector.Cooldown{Until: r[0].persister.Now().Add(time.Hour)}
		if _, err := r[0].pool.Cooldown(first.Identity, cooldown, r[0].persister.Now()); err != nil {
			t.Fatal(err)
		}
		moved := r[0].pick(request(1))
		synctest.Wait()
		if got := r[1].pick(request(1)); moved.Identity == first.Identity || got.Identity != moved.Identity || got.Binding != selector.BindingHit {
			t.Errorf("moved from %s to %s; the other picks %s, %v", first.Identity, moved.Identity, got.Identity, got.Binding)
		}
		if _, ok, err := r[0].persister.Unbind(t.Context(), request(1).Sessions[0].Key, r[0].persister.Now()); !ok || err != nil {
			t.Fatalf("Unbind = %t, %v", ok, err)
		}
		synctest.Wait()
		if got := r[1].pick(request(1)); got.Binding != selector.BindingNew {
			t.Errorf("after the release the other picks with %v, want a first pick", got.Binding)
		}
	})
}

// What moved, was released and bound anew while a replica was cut off is not where that replica left it.
func TestMovesThatWereReleasedReachWhoWasAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 2)
		first := r[1].pick(request(1))
		synctest.Wait()
		links[1].Cut()
		cooldown := selector.Cooldown{Until: r[0].persister.Now().Add(time.Hour)}
		if _, err := r[0].pool.Cooldown(first.Identity, cooldown, r[0].persister.Now()); err != nil {
			t.Fatal(err)
		}
		moved := r[0].pick(request(1))
		time.Sleep(time.Second)
		if _, err := r[0].pool.Release(moved.Identity, "", r[0].persister.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		r[0].pick(request(1))
		links[1].Mend()
		time.Sleep(10 * time.Second)
		key := request(1).Sessions[0].Key
		if slot, ok := r[1].table.Find(key, r[1].persister.Now()); ok {
			if name, _ := r[1].pool.NameOf(slot); name != moved.Identity {
				t.Errorf("who was away has it bound to %s still, the other to %s", name, moved.Identity)
			}
		}
		if got := r[0].pick(request(1)); got.Binding != selector.BindingHit {
			t.Errorf("what was bound anew is picked with %v, want a hit", got.Binding)
		}
	})
}

// halfOpen lets every replica know of a limit that may be tried now.
func halfOpen(t *testing.T, replicas []*replica) {
	t.Helper()
	r := replicas[0]
	until := r.persister.Now().Add(24 * time.Hour)
	for _, id := range []string{"a", "b"} {
		f := cooldown.Finding{Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Quota, Until: until, Hint: true}
		if _, err := r.pool.Report(selector.Attempt{AuthID: id, Started: r.persister.Now()}, f, r.persister.Now()); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(selector.DefaultMaxHint + time.Second)
	for _, r := range replicas {
		r.pool.Advance(r.persister.Now(), 100)
	}
	time.Sleep(5 * time.Second)
}

// countProbes counts how many requests may probe what is half-open now.
func countProbes(replicas []*replica) (n int) {
	for _, r := range replicas {
		for range 3 {
			if _, err := r.persister.Pick(context.Background(), &selector.Request{Provider: "p"}, r.persister.Now()); err == nil {
				n++
			}
		}
	}
	return n
}

func TestOneProbeInTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 3)
		halfOpen(t, r)
		if n := countProbes(r); n != 2 {
			t.Errorf("%d requests probe two auths, want one each", n)
		}
		// Without a report the permits end, and the next one may probe. Out of reach everybody has permits of his own.
		time.Sleep(3 * time.Minute)
		for i := range r {
			links[i].Cut()
		}
		time.Sleep(10 * time.Second)
		for _, r := range r {
			r.pool.Advance(r.persister.Now(), 100)
		}
		time.Sleep(5 * time.Second)
		if n := countProbes(r); n != 6 {
			t.Errorf("%d requests of three replicas without the fleet probe two auths, want one each", n)
		}
		time.Sleep(3 * time.Minute)
		for _, r := range r {
			r.pool.Advance(r.persister.Now(), 100)
		}
		time.Sleep(10 * time.Second)
		for i := range r {
			links[i].Mend()
		}
		time.Sleep(10 * time.Second)
		if n := countProbes(r); n != 2 {
			t.Errorf("%d requests probe two auths after the fleet is back, want one each", n)
		}
	})
}

func TestFleetTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 1)
		links[0].SetOffset(time.Hour)
		if got := time.Until(r[0].persister.Now()); got != time.Hour {
			t.Errorf("Now is %v ahead, want an hour", got)
		}
	})
}

// A fleet that is away for long does not keep bindings from the disk, and hears of all of them in the end.
func TestManyBindingsOutliveALongOutage(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what takes 100,000 bindings")
	}
	synctest.Test(t, func(t *testing.T) {
		const many = 100_000
		memory := &statetest.Memory{}
		d, link := newDisk(), memory.Replica()
		r := newReplica(t, d, link)
		synctest.Wait()
		link.Cut()
		time.Sleep(time.Second)
		for i := range many {
			r.pick(request(i))
		}
		time.Sleep(10 * time.Second)
		if _, kept := d.count(); kept != many {
			t.Errorf("%d bindings on the disk, want %d", kept, many)
		}
		link.Mend()
		time.Sleep(time.Minute)
		other := newReplica(t, nil, memory.Replica())
		for i := 0; i < many; i += many / 50 {
			if got, want := other.pick(request(i)), r.pick(request(i)); got.Identity != want.Identity {
				t.Errorf("session %d is bound to %s and %s", i, got.Identity, want.Identity)
			}
		}
	})
}

// One claim without an answer is enough to know.
func TestManyPermitsDoNotWaitForOneAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, links, r := newFleet(t, 1)
		links[0].Disturb(func(call string) statetest.Disturbance {
			if call == "Claim" {
				return statetest.Disturbance{Lose: statetest.LoseRequest}
			}
			return statetest.Disturbance{}
		})
		halfOpen(t, r)
		if n := countProbes(r); n != 2 {
			t.Errorf("%d requests probe two auths after five seconds without answers, want one each", n)
		}
	})
}
