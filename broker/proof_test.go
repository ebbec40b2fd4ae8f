package broker_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/statetest"
	"github.com/credbroker/credbroker/verdict"
)

// refusal is an answer that takes an auth out.
var refusal = verdict.Outcome{Model: "m", Status: 401, Body: []byte(`{"error":{"code":"invalid_api_key","message":"x"}}`)}

// pickedBy is the pick of a caller of one pool, with its id.
func pickedBy(t *testing.T, b *broker.Broker, caller broker.Caller) (broker.Picked, broker.PickID) {
	t.Helper()
	picked, err := b.Pick(t.Context(), &broker.PickRequest{Caller: caller, Provider: "openai", Model: "m"}, noon)
	if err != nil {
		t.Fatal(err)
	}
	id, err := broker.ParsePickID(picked.ID)
	if err != nil {
		t.Fatal(err)
	}
	return picked, id
}

func TestOnlyAProvenReportTakesAnAuthOut(t *testing.T) {
	one, two := broker.Caller{Name: "one"}, broker.Caller{Name: "two"}
	forged := func(t *testing.T, b *broker.Broker) broker.PickID {
		picked, _ := pickedBy(t, b, one)
		raw, err := base64.RawURLEncoding.DecodeString(picked.ID)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)-1]++
		id, err := broker.ParsePickID(base64.RawURLEncoding.EncodeToString(raw))
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	by := func(c broker.Caller) func(*testing.T, *broker.Broker) broker.PickID {
		return func(t *testing.T, b *broker.Broker) broker.PickID { _, id := pickedBy(t, b, c); return id }
	}
	for _, tt := range []struct {
		name   string
		caller broker.Caller
		pick   func(*testing.T, *broker.Broker) broker.PickID
		at     time.Time
		out    bool
	}{
		{"without callers, without a pick", broker.Caller{}, func(*testing.T, *broker.Broker) broker.PickID { return broker.PickID{} }, noon, true},
		{"without callers, with one of a caller", broker.Caller{}, by(one), noon, true},
		{"its own pick", one, by(one), noon, true},
		{"its own pick of a day ago", one, by(one), noon.Add(24*time.Hour + 1), false},
		{"a pick of another caller", one, by(two), noon, false},
		{"a pick of before there were callers", one, by(broker.Caller{}), noon, false},
		{"no pick", one, func(*testing.T, *broker.Broker) broker.PickID { return broker.PickID{} }, noon, false},
		{"a forged pick", one, forged, noon, false},
		{"a pick of another process", one, func(t *testing.T, _ *broker.Broker) broker.PickID { return by(one)(t, brokerOf(1)) }, noon, false},
		{"no pick, but it may operate", broker.Caller{Name: "one", Operate: true}, func(*testing.T, *broker.Broker) broker.PickID { return broker.PickID{} }, noon, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := brokerOf(1)
			done, err := b.Report(t.Context(), &broker.Report{Caller: tt.caller, AuthID: "a", Pick: tt.pick(t, b), Outcome: refusal}, tt.at)
			if err != nil {
				t.Fatal(err)
			}
			auth, err := b.Auth(broker.Caller{}, "a", tt.at)
			if err != nil || auth.State == selector.StateReady == tt.out || (done.Note == "") != tt.out {
				t.Errorf("the auth is in state %v, %v, with the note %q; out: want %t", auth.State, err, done.Note, tt.out)
			}
		})
	}
}

func TestOnePickHasOneConsequence(t *testing.T) {
	b := brokerOf(1)
	caller := broker.Caller{Name: "one"}
	_, id := pickedBy(t, b, caller)
	limited := verdict.Outcome{Model: "m", Status: 429, Headers: map[string]string{"Retry-After": "60"}}
	for i, want := range []bool{true, false, false} {
		at := noon.Add(time.Duration(i) * 2 * time.Minute)
		done, err := b.Report(t.Context(), &broker.Report{Caller: caller, AuthID: "a", Pick: id, Outcome: limited}, at)
		if err != nil || (done.Until != time.Time{}) != want {
			t.Errorf("report %d: until %v, note %q, %v", i+1, done.Until, done.Note, err)
		}
	}
}

// What a caller may not use is to its reports as if it were not there.
func TestReportsOutsideOfAPool(t *testing.T) {
	b := brokerOf(2)
	caller := broker.Caller{Name: "one", Allow: allow.New([]allow.Rule{{IDs: []string{"b"}}})}
	for _, id := range []string{"a", "unknown"} {
		if _, err := b.Report(t.Context(), &broker.Report{Caller: caller, AuthID: id, Outcome: refusal}, noon); !errors.Is(err, selector.ErrUnknownAuth) {
			t.Errorf("report of %s: %v, want ErrUnknownAuth", id, err)
		}
	}
}

func TestReplicasTakeEachOthersPicks(t *testing.T) {
	keys, other := state.Keys{Session: [16]byte{1}}, state.Keys{Session: [16]byte{2}}
	replica := func(keys state.Keys, secret string) *broker.Broker {
		b := broker.New(broker.Config{Keys: keys, PickSecret: []byte(secret)})
		b.Update([]*selector.Auth{{ID: "a", Provider: "openai", Dialect: "openai", Kind: selector.KindAPIKey}}, nil, noon)
		return b
	}
	caller := broker.Caller{Name: "one"}
	for _, tt := range []struct {
		name     string
		from, to *broker.Broker
		out      bool
	}{
		{"that share their state", replica(keys, ""), replica(keys, ""), true},
		{"that do not", replica(keys, ""), replica(other, ""), false},
		{"that have one secret", replica(keys, "of the fleet"), replica(other, "of the fleet"), true},
		{"that have two secrets", replica(keys, "of the fleet"), replica(keys, "of another"), false},
		{"of which one has a secret", replica(keys, ""), replica(keys, "of the fleet"), false},
		{"that keep nothing", replica(state.Keys{}, ""), replica(state.Keys{}, ""), false},
	} {
		_, id := pickedBy(t, tt.from, caller)
		if _, err := tt.to.Report(t.Context(), &broker.Report{Caller: caller, AuthID: "a", Pick: id, Outcome: refusal}, noon); err != nil {
			t.Fatal(err)
		}
		if auth, err := tt.to.Auth(broker.Caller{}, "a", noon); err != nil || auth.State == selector.StateReady == tt.out {
			t.Errorf("replicas %s: the auth is in state %v, %v; out: want %t", tt.name, auth.State, err, tt.out)
		}
	}
}

// A caller's session goes on at another replica, and is there no other caller's.
func TestSessionsOfCallersInAFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &statetest.Memory{}
		keys := state.Keys{Session: [16]byte{1}}
		var replicas [2]*broker.Broker
		for i := range replicas {
			b := broker.New(broker.Config{
				Settings: broker.Settings{Affinity: true, Callers: []broker.Caller{{Name: "one"}, {Name: "two"}}},
				Fleet:    memory.Replica(), Keys: keys, Seed: uint64(i),
			})
			for _, id := range []string{"a", "b", "c", "d"} {
				b.Update([]*selector.Auth{{ID: id, Provider: "p"}}, nil, time.Now())
			}
			replicas[i] = b
		}
		identity, err := sessions.Caller("s")
		if err != nil {
			t.Fatal(err)
		}
		ask := func(b *broker.Broker, name string) broker.Picked {
			return pick(t, b, &broker.PickRequest{Caller: broker.Caller{Name: name}, Provider: "p", Model: "m", Session: identity})
		}
		for range 3 {
			ask(replicas[1], "two") // so that its rotation is elsewhere
		}
		first, again, other := ask(replicas[0], "one"), ask(replicas[1], "one"), ask(replicas[0], "two")
		if again.Auth.ID != first.Auth.ID || again.Key != first.Key {
			t.Errorf("another replica gives %s, want %s", again.Auth.ID, first.Auth.ID)
		}
		if other.Key == first.Key || other.Auth.ID != ask(replicas[1], "two").Auth.ID {
			t.Error("another caller's session of that id is the same, or its own is not found")
		}
		for _, b := range replicas {
			page, err := b.Sessions(broker.Caller{Name: "one"}, "", 0, "", time.Now())
			if err != nil || page.Total != 1 || len(page.Sessions) != 1 || page.Sessions[0].Key != first.Key {
				t.Errorf("one sees %+v, %v, want its own session", page, err)
			}
			if _, _, err := b.ReleaseSession(t.Context(), broker.Caller{Name: "two"}, broker.SessionName{Key: first.Key}, time.Now()); !errors.Is(err, broker.ErrUnknownSession) {
				t.Errorf("two releases a session of one: %v", err)
			}
		}
	})
}

// Without a pick of its own a caller keeps nobody away from an auth for longer than an upstream would be believed.
func TestLongCooldownsTakeAPick(t *testing.T) {
	one, two := broker.Caller{Name: "one"}, broker.Caller{Name: "two"}
	for _, tt := range []struct {
		name   string
		caller broker.Caller
		pickOf broker.Caller
		model  string
		span   time.Duration
		twice  bool
		good   bool
	}{
		{name: "without callers", model: "m", span: time.Hour, good: true},
		{name: "its own pick", caller: one, pickOf: one, model: "m", span: time.Hour, good: true},
		{name: "its own pick again", caller: one, pickOf: one, model: "m", span: time.Hour, twice: true},
		{name: "a pick of another model", caller: one, pickOf: one, model: "n", span: time.Hour},
		{name: "a pick of another caller", caller: one, pickOf: two, model: "m", span: time.Hour},
		{name: "a pick of another caller, for a short time", caller: one, pickOf: two, model: "m", span: 15 * time.Minute, good: true},
		{name: "who may operate", caller: broker.Caller{Name: "one", Operate: true}, pickOf: two, span: time.Hour, good: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := brokerOf(1)
			_, id := pickedBy(t, b, tt.pickOf)
			order := broker.CooldownOrder{AuthID: "a", Pick: id, Cooldown: selector.Cooldown{Model: tt.model, Until: noon.Add(tt.span)}}
			_, err := b.Cooldown(t.Context(), tt.caller, &order, noon)
			if tt.twice {
				_, err = b.Cooldown(t.Context(), tt.caller, &order, noon)
			}
			if field, refused := errors.AsType[*selector.FieldError](err); refused == tt.good || refused && field.Field != "pick_id" {
				t.Errorf("Cooldown = %v, want it to go well: %t", err, tt.good)
			}
		})
	}
}
