package statetest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
)

// cleared is a batch of one record that says one thing.
func cleared(name string, at cooldown.Instant) state.Batch {
	key := cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name}
	return state.Batch{Records: []cooldown.Record{{Key: key, Cleared: at}}}
}

func TestACallIsLostBeforeOrAfterItWasApplied(t *testing.T) {
	for _, c := range []struct {
		name    string
		d       statetest.Disturbance
		cut     bool
		takes   time.Duration
		applied int
		fails   bool
	}{
		{name: "nothing happens", applied: 1},
		{name: "the request is lost", d: statetest.Disturbance{Lose: statetest.LoseRequest}, takes: time.Second, fails: true},
		{name: "the answer is lost", d: statetest.Disturbance{Lose: statetest.LoseAnswer}, takes: time.Second, applied: 1, fails: true},
		{name: "both take long", d: statetest.Disturbance{Before: 20 * time.Millisecond, After: 30 * time.Millisecond}, takes: 50 * time.Millisecond, applied: 1},
		{name: "the request takes too long", d: statetest.Disturbance{Before: time.Minute}, takes: 5 * time.Second, fails: true},
		{name: "the answer takes too long", d: statetest.Disturbance{After: time.Minute}, takes: 5 * time.Second, applied: 1, fails: true},
		{name: "the connection is cut", cut: true, takes: time.Second, fails: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := &statetest.Memory{}
				r := m.Replica()
				r.Disturb(func(call string) statetest.Disturbance {
					if call != "Save" {
						t.Errorf("the call is %s", call)
					}
					return c.d
				})
				if c.cut {
					r.Cut()
				}
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				began := time.Now()
				err := r.Save(ctx, cleared("a", 1))
				if (err != nil) != c.fails || time.Since(began) != c.takes || len(m.Records()) != c.applied {
					t.Errorf("Save: %v after %v, %d records; want failure %t after %v, %d", err, time.Since(began), len(m.Records()), c.fails, c.takes, c.applied)
				}
			})
		})
	}
}

func TestACallThatArrivesTwiceIsAppliedTwice(t *testing.T) {
	m := &statetest.Memory{}
	a, b := m.Replica(), m.Replica()
	key := selector.PermitKey{Model: "m"}
	a.Disturb(func(string) statetest.Disturbance { return statetest.Disturbance{Twice: true} })
	if ok, err := a.Claim(t.Context(), key, time.Hour); err != nil || !ok {
		t.Errorf("Claim that arrives twice = %v, %v", ok, err)
	}
	if ok, err := b.Claim(t.Context(), key, time.Hour); err != nil || ok {
		t.Errorf("Claim of what another has = %v, %v", ok, err)
	}
}

func TestFollowEndsWithTheConnectionAndGoesOnWithoutAGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &statetest.Memory{}
		a, b := m.Replica(), m.Replica()
		received := &statetest.Received{}
		var resyncs []bool
		follow := func() <-chan error {
			ended := make(chan error, 1)
			go func() {
				ended <- b.Follow(t.Context(), received, func(resync bool) { resyncs = append(resyncs, resync) })
			}()
			synctest.Wait()
			return ended
		}
		save := func(name string) {
			if err := a.Save(t.Context(), cleared(name, 1)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		want := func(what string, wanted ...bool) {
			t.Helper()
			if fmt.Sprint(resyncs) != fmt.Sprint(wanted) {
				t.Errorf("%s: live was told %v, want %v", what, resyncs, wanted)
			}
			resyncs = nil
			for _, r := range m.Records() {
				if received.Record(r.Key).Cleared != r.Cleared {
					t.Errorf("%s: %s was not handed over", what, r.Key.Name)
				}
			}
		}
		ended := follow()
		want("at first", true)
		save("a")
		want("something new", false)
		b.Cut()
		if err := <-ended; !errors.Is(err, statetest.ErrLost) {
			t.Errorf("Follow over a connection that is cut: %v", err)
		}
		if err := b.Follow(t.Context(), received, nil); !errors.Is(err, statetest.ErrLost) {
			t.Errorf("Follow while it is cut: %v", err)
		}
		save("b")
		b.Mend()
		ended = follow()
		want("back after a little", false)
		b.Cut()
		<-ended
		for i := range 1000 {
			save(fmt.Sprint(i))
		}
		b.Mend()
		ended = follow()
		want("back after too much", true)
		m.Restart()
		synctest.Wait()
		want("an empty store", true)
		save("c")
		want("something new in it", false)
		b.Cut()
		<-ended
	})
}

func TestWhatIsEvictedIsBoundAnew(t *testing.T) {
	m := &statetest.Memory{}
	r := m.Replica()
	bind := func(number uint64, identity, want string) {
		t.Helper()
		key := selector.SessionKey{Lo: number}
		b, err := r.Bind(t.Context(), []state.BoundSession{{Key: key, Group: key, Identity: identity, Ends: time.Now().Add(time.Hour).UnixNano()}}, "")
		if err != nil || b.Identity != want {
			t.Errorf("Bind = %s, %v, want %s", b.Identity, err, want)
		}
	}
	bind(1, "a", "a")
	bind(2, "a", "a")
	m.Evict(func(key selector.SessionKey) bool { return key.Lo == 1 })
	bind(1, "b", "b")
	bind(2, "b", "a")
}
