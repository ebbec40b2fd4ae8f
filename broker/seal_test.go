package broker

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

func TestSealCoversAllThatWasPicked(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	auth := &selector.Auth{ID: "a", Identity: "account:1", Prefix: "team"}
	s, same, other := newSeals([]byte("one secret")), newSeals([]byte("one secret")), newSeals([]byte("another"))
	id := PickID{start: now, process: 1, count: 2, context: pickContext{State: "s"}}
	id.seal = s.of(&id, "gateway", auth, "team/m(high)")
	changed := func(change func(id *PickID)) *PickID {
		c := id
		change(&c)
		return &c
	}
	for _, tt := range []struct {
		name   string
		seals  *seals
		id     *PickID
		caller string
		auth   *selector.Auth
		model  string
		at     time.Time
		want   bool
	}{
		{"as it was picked", s, &id, "gateway", auth, "team/m(high)", now, true},
		{"by a replica with the same secret", same, &id, "gateway", auth, "m", now, true},
		{"by a replica with another secret", other, &id, "gateway", auth, "m", now, false},
		{"after a day", s, &id, "gateway", auth, "m", now.Add(maxSealAge), true},
		{"after more than a day", s, &id, "gateway", auth, "m", now.Add(maxSealAge + 1), false},
		{"by another caller", s, &id, "gatewa", auth, "m", now, false},
		{"of another auth", s, &id, "gateway", &selector.Auth{ID: "b", Identity: "account:1"}, "m", now, false},
		{"of another identity", s, &id, "gateway", &selector.Auth{ID: "a", Identity: "account:2"}, "m", now, false},
		{"with parts that moved", s, &id, "gatewaya", &selector.Auth{Identity: "account:1"}, "m", now, false},
		{"for another model", s, &id, "gateway", auth, "n", now, false},
		{"for no model", s, &id, "gateway", auth, "", now, false},
		{"without a seal", s, changed(func(id *PickID) { id.seal = seal{} }), "gateway", auth, "m", now, false},
		{"with another seal", s, changed(func(id *PickID) { id.seal[3]++ }), "gateway", auth, "m", now, false},
		{"that began later", s, changed(func(id *PickID) { id.start = now.Add(1) }), "gateway", auth, "m", now, false},
		{"that is another pick", s, changed(func(id *PickID) { id.count++ }), "gateway", auth, "m", now, false},
		{"of another conversation", s, changed(func(id *PickID) { id.context.State = "t" }), "gateway", auth, "m", now, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.seals.good(tt.id, tt.caller, tt.auth, tt.model, tt.at); got != tt.want {
				t.Errorf("good = %t, want %t", got, tt.want)
			}
		})
	}
	if one, two := newSeals(nil), newSeals(nil); one.key == two.key {
		t.Error("two processes without a secret have one key")
	}
}

func TestSpentIDsAreKnownForLong(t *testing.T) {
	s := newSeals(nil)
	id := func(n int) *PickID { return &PickID{seal: seal{byte(n), byte(n >> 8), byte(n >> 16), 1}} }
	for n := range 2 * maxSpent {
		if !s.spend(id(n)) {
			t.Fatalf("id %d was not reported before", n)
		}
	}
	for n := maxSpent; n < 2*maxSpent; n++ {
		if s.spend(id(n)) {
			t.Fatalf("id %d was reported before", n)
		}
	}
	for n := 2 * maxSpent; n < 5*maxSpent; n++ {
		s.spend(id(n))
	}
	if known := len(s.newer) + len(s.older); known > 2*maxSpent {
		t.Errorf("%d ids are known", known)
	}
}

func BenchmarkSeal(b *testing.B) {
	s := newSeals(nil)
	auth := &selector.Auth{ID: "claude-team-1", Identity: "account:claude:6f1c8e0a-8a55-4d2c-9d54-5b8a3ad0e1f7"}
	id := PickID{start: time.Unix(1_800_000_000, 0), process: 1, context: pickContext{State: "0123456789abcdef0123456789abcdef"}}
	b.ReportAllocs()
	for b.Loop() {
		id.seal = s.of(&id, "gateway-eu", auth, "claude-opus-4-6")
	}
}
