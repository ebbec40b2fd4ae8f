package redis_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
	"github.com/credbroker/credbroker/state/statetest"
)

// All that a store must do it does with a secret, too.
func TestSigned(t *testing.T) {
	suites(t, &redis.Config{Addresses: []string{redistest.Start(t).Addr}, Secret: secretOf("a")}, fewHistories)
}

func secretOf(letter string) selector.Secret {
	return selector.NewSecret(strings.Repeat(letter, redis.MinSecret))
}

// signedConfig is that of a replica of a fleet with a secret.
func signedConfig(server *redistest.Server, letter string, refused *refusals) *redis.Config {
	return &redis.Config{Addresses: []string{server.Addr}, Namespace: "signed", Secret: secretOf(letter), Refused: refused.add}
}

// unsignedConfig is that of a replica without it, or of somebody who can write to the server.
func unsignedConfig(server *redistest.Server) *redis.Config {
	return &redis.Config{Addresses: []string{server.Addr}, Namespace: "signed"}
}

func records(names ...string) state.Batch {
	var b state.Batch
	for _, name := range names {
		b.Records = append(b.Records, disabled(name))
	}
	return b
}

func save(t *testing.T, s *redis.Store, b state.Batch) {
	t.Helper()
	if err := s.Save(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// loaded are the names of the identities that a store hands over as disabled.
func loaded(t *testing.T, s *redis.Store, names ...string) (there []string) {
	t.Helper()
	var received statetest.Received
	if err := s.Load(t.Context(), &received); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		key := cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name}
		if got := received.Record(key); got.Switch.Disabled {
			there = append(there, name)
		}
	}
	return there
}

// Who can write to the server and does not have the secret takes no auth out.
func TestForgedRecord(t *testing.T) {
	server := redistest.Start(t)
	var refused refusals
	a, forger := openStore(t, signedConfig(server, "a", &refused)), openStore(t, unsignedConfig(server))
	follower := newReplica(t, signedConfig(server, "a", &refused))
	follower.resynced(t)
	known := records("true")
	save(t, a, known)
	follower.hears(t, known.Records...)
	save(t, forger, records("forged"))
	signed := server.Do("HGET", "cb:{signed}:records", "identity:true")
	server.Do("HSET", "cb:{signed}:records", "identity:moved", signed)
	if got := loaded(t, a, "true", "forged", "moved"); len(got) != 1 || got[0] != "true" {
		t.Errorf("Load hands over %v", got)
	}
	if text := refused.String(); !strings.Contains(text, `record: the record of "identity:forged"`) || !strings.Contains(text, "identity:moved") {
		t.Errorf("said is\n%s", text)
	}
	if got := follower.received.Record(cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "forged"}); got.Switch.Disabled {
		t.Error("a replica that follows was told of what was forged")
	}
	// What is learnt about it takes its place.
	save(t, a, records("forged"))
	if got := loaded(t, a, "forged"); len(got) != 1 {
		t.Error("a record that was forged is not written anew")
	}
	// So it does where the tag has white space in it, or there is none.
	for _, planted := range []string{"a\tb {}", " {}", "\n{}", "{}"} {
		server.Do("HSET", "cb:{signed}:records", "identity:forged", planted)
		save(t, a, records("forged"))
		if got := loaded(t, a, "forged"); len(got) != 1 {
			t.Errorf("a record is not written in the place of %q", planted)
		}
	}
	// One that says what is known already, but is not signed, is written anew as well.
	_, body, _ := strings.Cut(signed, " ")
	server.Do("HSET", "cb:{signed}:records", "identity:true", "tag "+body)
	if got := loaded(t, a, "true"); len(got) != 0 {
		t.Errorf("Load hands over %v without a MAC", got)
	}
	var received statetest.Received
	if err := forger.Load(t.Context(), &received); err != nil {
		t.Fatal(err)
	}
	save(t, a, state.Batch{Records: []cooldown.Record{received.Record(cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: "true"})}})
	if got := loaded(t, a, "true"); len(got) != 1 {
		t.Error("a record that lost its MAC is not written anew")
	}
}

// Nor does he move a session, whatever he writes: the session is bound as if that was not there.
func TestForgedBinding(t *testing.T) {
	server := redistest.Start(t)
	var refused refusals
	a, forger := openStore(t, signedConfig(server, "a", &refused)), openStore(t, unsignedConfig(server))
	bind := func(s *redis.Store, sessions []state.BoundSession, from string) string {
		t.Helper()
		bound, err := s.Bind(t.Context(), sessions, from)
		if err != nil {
			t.Fatal(err)
		}
		return bound.Identity
	}
	bind(forger, session(1, "evil"), "")
	if got := bind(a, session(1, "good"), ""); got != "good" {
		t.Errorf("a session is bound to %q, want good", got)
	}
	if !strings.Contains(refused.String(), "binding: ") {
		t.Errorf("said is\n%s", &refused)
	}
	// By a further id of it.
	bind(forger, session(2, "evil"), "")
	two := append(session(3, "good"), session(2, "good")...)
	two[1].Identity = ""
	if got := bind(a, two, ""); got != "good" {
		t.Errorf("a session with a further id is bound to %q, want good", got)
	}
	// One that is looked at only.
	bind(forger, session(4, "evil"), "")
	looked := session(4, "")
	if got := bind(a, looked, ""); got != "" {
		t.Errorf("a session that is looked at is bound to %q, want none", got)
	}
	// A child takes the MAC of what it follows, and what is bound stays.
	three := append(session(5, "other"), session(1, "other")...)
	three[1].Identity = ""
	if got := bind(a, three, ""); got != "good" {
		t.Errorf("a session that follows one is bound to %q, want good", got)
	}
	if got := bind(openStore(t, signedConfig(server, "a", &refused)), session(5, "other"), ""); got != "good" {
		t.Errorf("another replica finds it bound to %q, want good", got)
	}
}

// What is announced is believed with a MAC only, ends included.
func TestForgedMove(t *testing.T) {
	server := redistest.Start(t)
	var refused refusals
	a, forger := openStore(t, signedConfig(server, "a", &refused)), openStore(t, unsignedConfig(server))
	follower := newReplica(t, signedConfig(server, "a", &refused))
	follower.resynced(t)
	bound := session(1, "good")
	if _, err := a.Bind(t.Context(), bound, ""); err != nil {
		t.Fatal(err)
	}
	ended := bound[0]
	ended.Identity, ended.Bound = "", 0
	save(t, forger, state.Batch{Bindings: []state.BoundSession{ended}})
	if _, err := a.Bind(t.Context(), session(1, "good"), "good"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Bind(t.Context(), session(1, "better"), "good"); err != nil {
		t.Fatal(err)
	}
	follower.received.Until(t, func() bool {
		b, _ := follower.received.Binding(bound[0].Key)
		return b.Identity == "better"
	}, "the move did not arrive")
	if text := refused.String(); strings.Count(text, "binding: ") != 1 {
		t.Errorf("said is\n%s", text)
	}
}

// With another secret a fleet begins anew with what its replicas know.
func TestReplacedSecret(t *testing.T) {
	server := redistest.Start(t)
	var before, after refusals
	a, b := openStore(t, signedConfig(server, "a", &before)), openStore(t, signedConfig(server, "b", &after))
	save(t, a, records("one", "two"))
	if got := loaded(t, b, "one", "two"); len(got) != 0 || strings.Count(after.String(), "record: ") != 2 {
		t.Errorf("Load with another secret hands over %v; said is\n%s", got, &after)
	}
	save(t, b, records("one"))
	if got := loaded(t, b, "one", "two"); len(got) != 1 {
		t.Errorf("Load after a save hands over %v", got)
	}
	if got := loaded(t, a, "one", "two"); len(got) != 1 || got[0] != "two" {
		t.Errorf("who has the former secret still reads %v", got)
	}
}

// While a fleet gets a secret, those with it are heard by those without, and not the other way round.
func TestMixedFleet(t *testing.T) {
	server := redistest.Start(t)
	var refused refusals
	with, without := openStore(t, signedConfig(server, "a", &refused)), openStore(t, unsignedConfig(server))
	save(t, with, records("signed"))
	save(t, without, records("plain"))
	if got := loaded(t, without, "signed", "plain"); len(got) != 2 {
		t.Errorf("without the secret it reads %v, want both", got)
	}
	if got := loaded(t, with, "signed", "plain"); len(got) != 1 || got[0] != "signed" {
		t.Errorf("with the secret it reads %v", got)
	}
	if bound, err := with.Bind(t.Context(), session(1, "a"), ""); err != nil || bound.Identity != "a" {
		t.Fatal(bound, err)
	}
	if bound, err := without.Bind(t.Context(), session(1, "b"), ""); err != nil || bound.Identity != "a" {
		t.Errorf("without the secret the session is bound to %q, %v, want a", bound.Identity, err)
	}
	// The other one gets the secret too, and saves what it knows.
	upgraded := openStore(t, signedConfig(server, "a", &refused))
	kept := session(2, "c")
	if _, err := without.Bind(t.Context(), kept, ""); err != nil {
		t.Fatal(err)
	}
	save(t, upgraded, records("plain"))
	save(t, upgraded, state.Batch{Bindings: kept})
	if got := loaded(t, with, "signed", "plain"); len(got) != 2 {
		t.Errorf("with the secret it reads %v, want both", got)
	}
	if bound, err := with.Bind(t.Context(), session(2, "d"), ""); err != nil || bound.Identity != "c" {
		t.Errorf("a binding that was saved anew is to %q, %v, want c", bound.Identity, err)
	}
}
