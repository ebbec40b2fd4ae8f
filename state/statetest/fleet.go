package statetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// Fleet checks what a store promises that replicas share. Each call of what a factory returns connects one more replica.
func Fleet[S state.Fleet](t *testing.T, factory Factory[S]) {
	t.Helper()
	s := fleetSuite[S]{factory}
	t.Run("what one saves the others are handed", s.push)
	t.Run("who was away is handed what it missed", s.resume)
	t.Run("replicas that save at once agree in the end", s.agree)
	t.Run("a session that many bind at once is bound once", s.bindOnce)
	t.Run("a session stays where it is bound", s.bindStays)
	t.Run("a session is moved off where it cannot stay", s.bindMoves)
	t.Run("a session takes after one that it continues", s.bindInherits)
	t.Run("a session that is looked up is not bound", s.bindLookups)
	t.Run("saving a binding keeps what others decided", s.saveBinding)
	t.Run("a binding that is over binds nobody", s.bindOver)
	t.Run("others are handed a binding that moves or ends", s.pushBinding)
	t.Run("a permit is one replica's", s.claim)
	t.Run("a permit ends by itself", s.lease)
	t.Run("the store's clock is known", s.offset)
}

type fleetSuite[S state.Fleet] struct{ factory Factory[S] }

// follower is a replica that follows.
type follower struct {
	Received

	live chan bool // resync, once for each call
	stop func() error
}

// follow starts to follow, and waits until it has caught up.
func follow(t *testing.T, s state.Fleet, into *follower) (resync bool) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	live := make(chan bool, 10_000)
	into.live = live
	go func() { ended <- s.Follow(ctx, &into.Received, func(resync bool) { live <- resync }) }()
	into.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = into.stop() })
	select {
	case resync = <-live:
	case err := <-ended:
		ended <- err
		t.Fatalf("Follow: %v", err)
	case <-time.After(waitAtMost):
		t.Fatalf("Follow has not caught up after %v", waitAtMost)
	}
	return resync
}

func (s fleetSuite[S]) push(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	before := someRecord("before", 1)
	save(t, a, state.Batch{Records: []cooldown.Record{before}})
	var received follower
	if resync := follow(t, b, &received); !resync {
		t.Error("who is new is not told so")
	}
	if got := show(received.Record(before.Key)); got != show(before) {
		t.Errorf("caught up, it was handed %s, want %s", got, show(before))
	}
	for i := range 20 {
		after := someRecord(fmt.Sprint("after-", i%3), int64(i))
		save(t, a, state.Batch{Records: []cooldown.Record{after}})
		received.Until(t, func() bool { return received.Record(after.Key).Switch == after.Switch }, "a record that was saved is not handed over")
	}
}

func (s fleetSuite[S]) resume(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	var received follower
	follow(t, b, &received)
	if err := received.stop(); err == nil {
		t.Error("Follow ends without an error")
	}
	var missed []cooldown.Record
	for i := range 20 {
		missed = append(missed, someRecord(fmt.Sprint("missed-", i), int64(i)))
		save(t, a, state.Batch{Records: missed[i:]})
	}
	if resync := follow(t, b, &received); resync {
		t.Error("who missed a little is handed everything")
	}
	want := &Received{}
	want.Records(missed)
	if got := received.String(); got != want.String() {
		t.Errorf("it was handed\n%s\nwant\n%s", got, want)
	}
}

func (s fleetSuite[S]) agree(t *testing.T) {
	opens := s.factory(t)
	const replicas, rounds = 4, 30
	var stores [replicas]S
	var received [replicas]follower
	want := &Received{}
	for i := range stores {
		stores[i] = open(t, opens)
		follow(t, stores[i], &received[i])
	}
	var wait sync.WaitGroup
	for i := range stores {
		wait.Go(func() {
			for round := range rounds {
				batch := state.Batch{Records: []cooldown.Record{someRecord("of all", int64(round*replicas+i)), someRecord(fmt.Sprint("of ", i), int64(round))}}
				want.Records(batch.Records)
				received[i].Records(batch.Records)
				if err := stores[i].Save(t.Context(), batch); err != nil {
					t.Errorf("Save: %v", err)
				}
			}
		})
	}
	wait.Wait()
	for i := range received {
		received[i].Until(t, func() bool { return received[i].String() == want.String() }, fmt.Sprintf("replica %d does not agree", i))
	}
	if got := load(t, open(t, opens)).String(); got != want.String() {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s fleetSuite[S]) claim(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	key := selector.PermitKey{Record: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "account:claude:1"}, Model: "m"}
	others := []selector.PermitKey{{Record: key.Record}, {Record: key.Record, Model: "m", Family: true}}
	wantClaim := func(what string, s state.Fleet, key selector.PermitKey, want bool) {
		t.Helper()
		if got, err := s.Claim(t.Context(), key, time.Hour); err != nil || got != want {
			t.Errorf("%s: Claim = %v, %v, want %v", what, got, err, want)
		}
	}
	wantClaim("the first", a, key, true)
	wantClaim("another replica", b, key, false)
	wantClaim("the same once more, as when the answer was lost", a, key, true)
	for _, other := range others {
		wantClaim("a permit for something else", b, other, true)
	}
	if err := b.GiveBack(t.Context(), key); err != nil {
		t.Errorf("GiveBack of another's: %v", err)
	}
	wantClaim("what another tried to give back", b, key, false)
	for range 2 {
		if err := a.GiveBack(t.Context(), key); err != nil {
			t.Errorf("GiveBack: %v", err)
		}
	}
	wantClaim("what was given back", b, key, true)
}

func (s fleetSuite[S]) lease(t *testing.T) {
	opens := s.factory(t)
	a, b := open(t, opens), open(t, opens)
	key := selector.PermitKey{Record: cooldown.RecordKey{Kind: cooldown.RecordProvider, Provider: "claude"}}
	const lease = 100 * time.Millisecond
	start := time.Now()
	if ok, err := a.Claim(t.Context(), key, lease); err != nil || !ok {
		t.Fatalf("Claim = %v, %v", ok, err)
	}
	ticks := time.NewTicker(lease / 10)
	defer ticks.Stop()
	for range ticks.C {
		ok, err := b.Claim(t.Context(), key, lease)
		if err != nil {
			t.Fatalf("Claim: %v", err)
		}
		took := time.Since(start)
		// A server rounds to milliseconds.
		if ok && took < lease-2*time.Millisecond {
			t.Fatalf("a permit for %v was over after %v", lease, took)
		}
		if ok {
			return
		}
		if took > waitAtMost {
			t.Fatalf("a permit for %v is not over after %v", lease, took)
		}
	}
}

func (s fleetSuite[S]) offset(t *testing.T) {
	a := open(t, s.factory(t))
	var received follower
	follow(t, a, &received)
	if got := a.Offset(); got.Abs() > time.Second {
		t.Errorf("Offset = %v on one machine", got)
	}
}
