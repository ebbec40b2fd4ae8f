package redis_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
)

// What a store that lost something says is found out, and what replicas know is there again.
func TestLostStateComesBack(t *testing.T) {
	t.Parallel() // each waits for about a second
	tests := []struct {
		name string
		lose func(s *redistest.Server)
	}{
		{"everything is flushed", func(s *redistest.Server) { s.Do("FLUSHALL") }},
		{"the records are evicted", func(s *redistest.Server) { s.Do("DEL", "cb:{lost}:records") }},
		{"the log is evicted", func(s *redistest.Server) { s.Do("DEL", "cb:{lost}:log") }},
		{"the log was cut short", func(s *redistest.Server) { s.Do("XTRIM", "cb:{lost}:log", "MAXLEN", "0") }},
		{"the server starts again, empty", func(s *redistest.Server) {
			s.Kill()
			s.Start()
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "lost"}
			a, b := newReplica(t, c), newReplica(t, c)
			keys := state.Keys{Fingerprint: [32]byte{1}, Session: [16]byte{2}}
			if _, err := a.store.Keys(t.Context(), keys); err != nil {
				t.Fatal(err)
			}
			a.resynced(t)
			b.resynced(t)
			ofA, ofB := disabled("of a"), disabled("of b")
			a.save(t, ofA)
			b.save(t, ofB)
			a.hears(t, ofB)
			test.lose(server)
			lost := time.Now()
			a.resynced(t)
			b.resynced(t)
			t.Logf("found out after %v", time.Since(lost).Round(time.Millisecond))
			fresh := newReplica(t, c)
			fresh.hears(t, ofA, ofB)
			if got, err := fresh.store.Keys(t.Context(), state.Keys{Session: [16]byte{9}}); err != nil || got != keys {
				t.Errorf("the fleet's keys are %v, %v, want those that it had", got, err)
			}
		})
	}
}

// A master that takes over may lack what was acknowledged last. Who wrote it sees that it is missing.
func TestLostWriteComesBack(t *testing.T) {
	old := redistest.Start(t)
	host, port, _ := strings.Cut(old.Addr, ":")
	heir := redistest.Start(t)
	old.Do("CONFIG", "SET", "repl-diskless-sync-delay", "0")
	proxy := redistest.NewProxy(t, old.Addr)
	c := &redis.Config{Addresses: []string{proxy.Addr}, Namespace: "lost"}
	a := newReplica(t, c)
	a.resynced(t)
	first, last := disabled("first"), disabled("last")
	a.save(t, first)
	heir.Do("REPLICAOF", host, port)
	heir.Await("a copy", func() bool { return strings.Contains(heir.Do("HKEYS", "cb:{lost}:records"), "first") })
	heir.Do("REPLICAOF", "NO", "ONE")
	a.save(t, last)
	proxy.Turn(heir.Addr)
	a.resynced(t)
	if got := heir.Do("HKEYS", "cb:{lost}:records"); !strings.Contains(got, "last") {
		t.Errorf("the records are %q, and what was written last is not among them", got)
	}
}

// While the server is away, binding takes no longer than its limit; when it is back, replicas agree at once.
func TestUnreachable(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what waits for seconds")
	}
	tests := []struct {
		name     string
		hinder   func(p *redistest.Proxy)
		away     time.Duration
		mayStill bool // binding may go well all the same
	}{
		{"the connection breaks", (*redistest.Proxy).Cut, 0, false},
		{"nothing comes through", (*redistest.Proxy).Stick, 3 * time.Second, false},
		{"everything takes 30 ms", func(p *redistest.Proxy) { p.Slow(15 * time.Millisecond) }, 0, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			server := redistest.Start(t)
			proxy := redistest.NewProxy(t, server.Addr)
			a := newReplica(t, &redis.Config{Addresses: []string{proxy.Addr}, Namespace: "away"})
			b := newReplica(t, &redis.Config{Addresses: []string{server.Addr}, Namespace: "away"})
			a.resynced(t)
			b.resynced(t)
			test.hinder(proxy)
			const limit = 20 * time.Millisecond
			var took []time.Duration
			for i := range 50 {
				d, err := a.bindIn(t, i, limit)
				if err == nil && !test.mayStill {
					t.Error("Bind has an answer")
				}
				took = append(took, d)
			}
			t.Logf("Bind with a limit of %v: %s", limit, quantiles(took))
			slices.Sort(took)
			if p90 := took[len(took)*9/10]; p90 > 3*limit {
				t.Errorf("one in ten binds took longer than %v", p90)
			}
			missed := disabled("missed")
			b.save(t, missed)
			wait(t.Context(), test.away)
			proxy.Heal()
			healed := time.Now()
			a.hears(t, missed)
			t.Logf("agreed %v after it healed", time.Since(healed).Round(time.Millisecond))
			if took := time.Since(healed); took > 2*time.Second {
				t.Errorf("agreed only after %v", took)
			}
			late := disabled("of a")
			a.save(t, late)
			b.hears(t, late)
		})
	}
}

// quantiles of durations, human-readable.
func quantiles(d []time.Duration) string {
	slices.Sort(d)
	at := func(share float64) time.Duration {
		return d[min(len(d)-1, int(share*float64(len(d))))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %v, p99 %v, max %v", at(0.5), at(0.99), at(1))
}

// A full server takes nothing new, but still says what it has.
func TestFullMemory(t *testing.T) {
	server := redistest.Start(t)
	c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "full"}
	a, b := newReplica(t, c), newReplica(t, c)
	a.resynced(t)
	b.resynced(t)
	known := disabled("known")
	a.save(t, known)
	b.hears(t, known)
	server.Do("CONFIG", "SET", "maxmemory", "1")
	if err := a.store.Save(t.Context(), state.Batch{Records: []cooldown.Record{disabled("new")}}); err == nil {
		t.Error("Save to a server that is full has no error")
	}
	if _, err := a.bindIn(t, 1, time.Second); err == nil {
		t.Error("Bind on a server that is full has no error")
	}
	late := newReplica(t, c)
	late.hears(t, known)
	server.Do("CONFIG", "SET", "maxmemory", "0")
	room := disabled("new")
	a.save(t, room)
	b.hears(t, room)
	late.hears(t, room)
}

// A server that throws keys away when it is full loses bindings, and maybe records for a moment; replicas bring those back.
func TestEviction(t *testing.T) {
	server := redistest.Start(t, "--maxmemory-policy", "allkeys-random", "--maxmemory-samples", "1")
	c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "evict"}
	a := newReplica(t, c)
	a.resynced(t)
	known := disabled("known")
	a.save(t, known)
	server.Do("CONFIG", "SET", "maxmemory", fmt.Sprint(server.Info("used_memory")+200_000))
	for n := 0; server.Info("evicted_keys") < 100; n++ {
		for i := range 200 {
			_, _ = a.bindIn(t, n*200+i, time.Second)
		}
	}
	t.Logf("%d keys were thrown away", server.Info("evicted_keys"))
	server.Do("CONFIG", "SET", "maxmemory", "0")
	newReplica(t, c).hears(t, known)
}

func TestOtherKeys(t *testing.T) {
	server := redistest.Start(t)
	c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "keys"}
	s := openStore(t, c)
	if _, err := s.Keys(t.Context(), state.Keys{Session: [16]byte{1}}); err != nil {
		t.Fatal(err)
	}
	server.Do("FLUSHALL")
	if _, err := openStore(t, c).Keys(t.Context(), state.Keys{Session: [16]byte{2}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Follow(t.Context(), nil, nil); !errors.Is(err, state.ErrOtherKeys) {
		t.Errorf("Follow in a fleet that has other keys now: %v, want %v", err, state.ErrOtherKeys)
	}
}

// The errors of a server that does not let the broker in say why, and not with what it tried.
func TestRefused(t *testing.T) {
	server := redistest.Start(t)
	server.Do("ACL", "SETUSER", "narrow", "on", ">secret", "~cb:{other}:*", "+@all")
	tests := []struct {
		name           string
		user, password string
		want           string
	}{
		{"the password is wrong", "narrow", "hunter2", "WRONGPASS"},
		{"the user may not use the namespace", "narrow", "secret", "NOPERM"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := openStore(t, &redis.Config{
				Addresses: []string{server.Addr}, Namespace: "refused", Username: test.user, Password: selector.NewSecret(test.password),
			})
			_, err := s.Keys(t.Context(), state.Keys{})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), test.password) {
				t.Errorf("Keys: %v, want %s and no password", err, test.want)
			}
		})
	}
}
