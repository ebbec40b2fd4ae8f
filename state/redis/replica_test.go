package redis_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/statetest"
)

// replica does with a store what a persister does, as simply as can be: it follows, again and again, and where everything was
// read it saves what it knows.
type replica struct {
	store    *redis.Store
	received statetest.Received
	resyncs  chan struct{}

	mu    sync.Mutex
	known []cooldown.Record
}

func newReplica(t testing.TB, c *redis.Config) *replica {
	t.Helper()
	r := &replica{store: openStore(t, c), resyncs: make(chan struct{}, 1000)}
	r.runs(t, &r.received)
	return r
}

// runs lets the replica follow until the test ends.
func (r *replica) runs(t testing.TB, into state.Sink) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { r.follow(ctx, into) })
	t.Cleanup(func() {
		cancel()
		following.Wait()
	})
}

func (r *replica) follow(ctx context.Context, into state.Sink) {
	const pause = 50 * time.Millisecond
	for ctx.Err() == nil {
		_ = r.store.Follow(ctx, into, func(resync bool) {
			if !resync {
				return
			}
			r.mu.Lock()
			known := r.known
			r.mu.Unlock()
			if err := r.store.Save(ctx, state.Batch{Records: known}); err == nil {
				r.resyncs <- struct{}{}
			}
		})
		wait(ctx, pause)
	}
}

// wait for some time, or for the end.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// resynced waits until the replica has read everything once more, and saved what it knows.
func (r *replica) resynced(t *testing.T) {
	t.Helper()
	select {
	case <-r.resyncs:
	case <-time.After(10 * time.Second):
		t.Fatal("everything was not read again after 10 s")
	}
}

// save saves a record, as long as it takes, and remembers that it was acknowledged.
func (r *replica) save(t *testing.T, record cooldown.Record) {
	t.Helper()
	until := time.Now().Add(20 * time.Second)
	for {
		err := r.store.Save(t.Context(), state.Batch{Records: []cooldown.Record{record}})
		if err == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("Save still fails: %v", err)
		}
		wait(t.Context(), 20*time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = append(r.known, record)
}

// hears waits until the replica got records.
func (r *replica) hears(t *testing.T, records ...cooldown.Record) {
	t.Helper()
	r.received.Until(t, func() bool {
		for i := range records {
			if got := r.received.Record(records[i].Key); got.Switch != records[i].Switch {
				return false
			}
		}
		return true
	}, "not all records arrived")
}

// disabled is a record of an identity that was disabled.
func disabled(name string) cooldown.Record {
	return cooldown.Record{
		Key:    cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name},
		Switch: cooldown.Switch{At: cooldown.InstantOf(time.Now()), Disabled: true, Why: "by hand"},
	}
}

// session is one id to be bound to an identity.
func session(number int, identity string) []state.BoundSession {
	key := selector.SessionKey{Hi: 1, Lo: uint64(number)}
	now := time.Now()
	return []state.BoundSession{{
		Key: key, Group: key, Source: 1, Identity: identity, Bound: now.UnixNano(), Ends: now.Add(time.Hour).UnixNano(),
	}}
}

func permit(name string) selector.PermitKey {
	return selector.PermitKey{Record: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name}}
}

// bindIn binds a session within a time, as a pick does, and returns how long it took and whether it went well.
func (r *replica) bindIn(t *testing.T, number int, limit time.Duration) (took time.Duration, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	start := time.Now()
	_, err = r.store.Bind(ctx, session(number, fmt.Sprint("identity-", number%3)), "")
	return time.Since(start), err
}
