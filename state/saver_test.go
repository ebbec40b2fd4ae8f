package state_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
)

// A store that is slow is behind, and not at a standstill: what it has kept it is not given again.
func TestASlowStoreCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 10_000
		d := newDisk()
		d.each = time.Millisecond
		r := newReplica(t, d, nil)
		auths := make([]*selector.Auth, many)
		for i := range auths {
			auths[i] = &selector.Auth{ID: fmt.Sprint("auth-", i), Provider: "p"}
		}
		r.pool.Update(auths, nil, r.persister.Now())
		for _, a := range auths {
			r.disable(a.ID)
		}
		time.Sleep(many * d.each * 3 / 2)
		if d.mu.Lock(); len(d.records) != many {
			t.Errorf("%d records are kept, want %d", len(d.records), many)
		}
		d.mu.Unlock()
		if err := r.persister.Durable(t.Context(), auths[0].ID); err != nil {
			t.Error(err)
		}
	})
}

// What a newer version wrote is not touched. Who waits for that hears of it; others do not, and nothing is tried for ever.
func TestWhatIsPassedOverHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		r := newReplica(t, d, nil)
		d.newer = r.pick(request(1)).Identity // of a
		r.disable("a")
		if err := r.persister.Durable(t.Context(), "a"); !errors.Is(err, state.ErrNotKept) || !errors.Is(err, state.ErrPassedOver) {
			t.Errorf("Durable = %v, want %v", err, state.ErrPassedOver)
		}
		r.disable("b")
		if err := r.persister.Durable(t.Context(), "b"); err != nil {
			t.Errorf("Durable of another = %v", err)
		}
		if e := r.persister.Engines()[0]; e.Records != 0 || e.Failure != nil {
			t.Errorf("the engine is %+v, want that nothing waits and that it works", e)
		}
	})
}

// A save that the end of the broker interrupts is no failure of the store.
func TestAStopIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		d.slow = time.Second
		r := newReplica(t, d, nil)
		r.disable("a")
		time.Sleep(d.slow / 2)
		r.stop()
		if err := r.persister.Flush(t.Context()); err != nil || !d.disabled("a") {
			t.Errorf("Flush = %v, kept: %t", err, d.disabled("a"))
		}
		if seen := r.seen.tally(); len(seen.healthChanges) > 0 || seen.failures > 0 {
			t.Errorf("saw %+v, want nothing", seen)
		}
	})
}

// The last that is kept on disk does not depend on the fleet's being there.
func TestFlushWithoutTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 10_000
		d, link := newDisk(), (&statetest.Memory{}).Replica()
		r := newReplica(t, d, link)
		synctest.Wait()
		r.stop()
		link.Cut()
		for i := range many {
			r.pickWithoutFleet(i)
		}
		if err := r.persister.Flush(t.Context()); err != nil {
			t.Errorf("Flush = %v", err)
		}
		if _, kept := d.count(); kept != many {
			t.Errorf("%d bindings on the disk, want %d", kept, many)
		}
	})
}

func (r *replica) pickWithoutFleet(number int) {
	r.t.Helper()
	if _, err := r.pool.Pick(request(number), r.persister.Now()); err != nil {
		r.t.Fatal(err)
	}
}

// An offer of bindings that breaks off is made again.
func TestAnOfferThatBreaksOffIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 70_000 // more than are asked about one by one
		memory := &statetest.Memory{}
		link := memory.Replica()
		r := newReplica(t, newDisk(), link)
		synctest.Wait()
		for i := range many {
			r.pickWithoutFleet(i)
		}
		time.Sleep(time.Second)
		var mu sync.Mutex
		saves := 0
		link.Disturb(func(call string) statetest.Disturbance {
			mu.Lock()
			defer mu.Unlock()
			if call == "Save" {
				if saves++; saves > 2 && saves < 20 {
					return statetest.Disturbance{Lose: statetest.LoseRequest}
				}
			}
			return statetest.Disturbance{}
		})
		memory.Restart()
		time.Sleep(2 * time.Minute)
		link.Cut()
		fresh := memory.Replica()
		lost := 0
		for i := range many {
			key := selector.SessionKey{Lo: uint64(i)}
			bound, err := fresh.Bind(t.Context(), []state.BoundSession{{Key: key}}, "")
			if err != nil || bound.Identity == "" {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%d of %d bindings were not offered again", lost, many)
		}
	})
}
