package redis_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
)

// failover kills the master and wants that what was acknowledged is there, bindings and permits of before included, that
// nobody waits long for an answer meanwhile, and that replicas follow again.
func failover(t *testing.T, c *redis.Config, master *redistest.Server) {
	t.Helper()
	a, b := newReplica(t, c), newReplica(t, c)
	a.resynced(t)
	b.resynced(t)
	before := disabled("before")
	a.save(t, before)
	b.hears(t, before)
	bound, err := a.store.Bind(t.Context(), session(1, "one"), "")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := a.store.Claim(t.Context(), permit("tried"), time.Hour); err != nil || !ok {
		t.Fatalf("Claim = %v, %v", ok, err)
	}
	if got := master.Do("WAIT", "1", "1000"); got != "1" {
		t.Fatalf("%s replicas have what the master has", got)
	}
	killed := time.Now()
	master.Kill()
	during := disabled("during")
	a.save(t, during)
	t.Logf("a save was acknowledged %v after the master was killed", time.Since(killed).Round(time.Millisecond))
	b.hears(t, before, during)
	t.Logf("the other replica knew it after %v", time.Since(killed).Round(time.Millisecond))
	if got, err := b.store.Bind(t.Context(), session(1, "two"), ""); err != nil || got.Identity != bound.Identity {
		t.Errorf("the session is bound to %s, %v, want what it was bound to before", got.Identity, err)
	}
	if ok, err := b.store.Claim(t.Context(), permit("tried"), time.Hour); err != nil || ok {
		t.Errorf("the permit of another was given: %v", err)
	}
	fresh := newReplica(t, c)
	fresh.hears(t, before, during)
}

// Who was away for long, but not for too long, gets what it missed in pieces.
func TestFarBehind(t *testing.T) {
	server := redistest.Start(t)
	proxy := redistest.NewProxy(t, server.Addr)
	a := openStore(t, &redis.Config{Addresses: []string{server.Addr}, Namespace: "behind"})
	b := newReplica(t, &redis.Config{Addresses: []string{proxy.Addr}, Namespace: "behind"})
	b.resynced(t)
	before := disabled("0")
	if err := a.Save(t.Context(), state.Batch{Records: []cooldown.Record{before}}); err != nil {
		t.Fatal(err)
	}
	b.hears(t, before)
	proxy.Cut()
	var missed []cooldown.Record
	for i := range 1500 {
		missed = append(missed, disabled(fmt.Sprint(i)))
		if err := a.Save(t.Context(), state.Batch{Records: missed[i:]}); err != nil {
			t.Fatal(err)
		}
	}
	proxy.Heal()
	b.hears(t, missed...)
	select {
	case <-b.resyncs:
		t.Error("everything was read again")
	default:
	}
}
