package redis_test

import (
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
)

// What says nothing any more is swept out, and what an operator decided is not.
func TestSweep(t *testing.T) {
	server := redistest.Start(t)
	c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "sweep"}
	s := openStore(t, c)
	day := cooldown.InstantOf(time.Now().Add(-48 * time.Hour))
	old := cooldown.Record{Key: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "old"}, Cleared: day, Scopes: []cooldown.ScopeRecord{{Model: "m"}}}
	old.Scopes[0].Ledgers.Quota.Observations = []cooldown.Observation{{Received: day, Until: day + 1, Probe: day + 1, Level: 1, Ladder: cooldown.LadderRate}}
	fresh := cooldown.Record{Key: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "fresh"}, Cleared: cooldown.InstantOf(time.Now())}
	switched := disabled("switched")
	if err := s.Save(t.Context(), state.Batch{Records: []cooldown.Record{old, fresh, switched}}); err != nil {
		t.Fatal(err)
	}
	follower := newReplica(t, c)
	follower.resynced(t)
	server.Await("swept", func() bool { return !strings.Contains(server.Do("HKEYS", "cb:{sweep}:records"), "identity:old") })
	for _, name := range []string{"identity:fresh", "identity:switched", "epoch"} {
		if got := server.Do("HKEYS", "cb:{sweep}:records"); !strings.Contains(got, name) {
			t.Errorf("%s was swept out of %q", name, got)
		}
	}
	if got := server.Do("PTTL", "cb:{sweep}:sweep"); got == "-1" || got == "-2" {
		t.Errorf("the claim on sweeping has no end: PTTL = %s", got)
	}
}

// An idle fleet leaves nothing behind but what it needs: everything else has an end.
func TestEverythingEnds(t *testing.T) {
	server := redistest.Start(t)
	s := openStore(t, &redis.Config{Addresses: []string{server.Addr}, Namespace: "ends"})
	if err := s.Save(t.Context(), state.Batch{Records: []cooldown.Record{disabled("a")}, Bindings: session(1, "a")}); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"", "a"} {
		if _, err := s.Bind(t.Context(), session(2, "a"), from); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Claim(t.Context(), permit("a"), time.Minute); err != nil {
		t.Fatal(err)
	}
	keys := strings.Fields(server.Do("--raw", "EVAL", "local out = {} for _, k in ipairs(redis.call('KEYS', '*')) do "+
		"out[#out + 1] = string.sub(k, 11, 11) .. (redis.call('PTTL', k) > 0 and '+' or '-') end return out", "0"))
	ends := map[string]bool{}
	for _, k := range keys {
		ends[k] = true
	}
	for _, want := range []string{"r-", "l+", "b+", "p+"} {
		if !ends[want] {
			t.Errorf("of %q, %s is not there: records stay, and all else ends", keys, want)
		}
	}
	if ends["b-"] || ends["p-"] || ends["l-"] {
		t.Errorf("of %q, some have no end", keys)
	}
}
