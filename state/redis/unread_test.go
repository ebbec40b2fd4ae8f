package redis_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/redis"
	"github.com/credbroker/credbroker/state/redis/redistest"
	"github.com/credbroker/credbroker/state/statetest"
)

// notes are what a store says for the log.
type notes struct {
	mu    sync.Mutex
	words []string
}

func (n *notes) add(words string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.words = append(n.words, words)
}

// about counts the notes that name something.
func (n *notes) about(name string) (count int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, words := range n.words {
		if strings.Contains(words, name) {
			count++
		}
	}
	return count
}

const newerRecord = `tag {"v":99,"switch":["who","knows"]}`

// One thing that cannot be read must not keep a replica, or a fleet, from all the rest.
func TestWhatCannotBeReadIsPassedOver(t *testing.T) {
	server := redistest.Start(t)
	var said notes
	c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "unread", Note: said.add}
	a := newReplica(t, c)
	a.resynced(t)
	known := disabled("known")
	a.save(t, known)
	server.Do("HSET", "cb:{unread}:records", "identity:newer", newerRecord, "identity:damaged", "what?", "nonsense", "tag {}")

	b := newReplica(t, c) // reads everything
	b.hears(t, known)
	// Both are told of all of them, and of a move that is none.
	epoch := server.Do("HGET", "cb:{unread}:records", "epoch")
	server.Do("XADD", "cb:{unread}:log", "*", "epoch", strings.TrimSpace(epoch), "by", "somebody", "record", "identity:newer",
		"record", "identity:damaged", "record", "nonsense", "moved", "short")
	late := disabled("late")
	a.save(t, late)
	b.hears(t, late)
	for _, name := range []string{"identity:newer", "identity:damaged", "nonsense"} {
		if said.about(name) != 2 {
			t.Errorf("%d words about %s from two replicas, want one from each: %q", said.about(name), name, said.words)
		}
	}
}

// What no broker writes costs little, and few words in the log.
func TestHugeRecordsArePassedOver(t *testing.T) {
	server := redistest.Start(t)
	var said notes
	s := openStore(t, &redis.Config{Addresses: []string{server.Addr}, Namespace: "huge", Timeout: time.Minute, Note: said.add})
	server.Do("EVAL", `redis.call('HSET', KEYS[1], 'identity:huge', 'tag {"v":1,"unknown":"' .. string.rep('x', 32 * 1048576) .. '"}',
		'identity:' .. string.rep('x', 4194304), 'tag {"v":1}')`, "1", "cb:{huge}:records")
	var received statetest.Received
	if err := s.Load(t.Context(), &received); err != nil || received.String() != "" {
		t.Errorf("Load: %v, hands over\n%.1000s", err, &received)
	}
	if said.about("too long") != 2 || len(strings.Join(said.words, "")) > 1000 {
		t.Errorf("%.2000q is said", said.words)
	}
	// What is there may be of others that can read it.
	batch := state.Batch{Records: []cooldown.Record{disabled("huge"), disabled("other")}}
	if err := s.Save(t.Context(), batch); !errors.Is(err, state.ErrPassedOver) {
		t.Errorf("Save = %v, want %v", err, state.ErrPassedOver)
	}
	if got := server.Do("HSTRLEN", "cb:{huge}:records", "identity:huge"); !strings.HasPrefix(got, "335544") {
		t.Errorf("the huge record has %s bytes by now", got)
	}
	if err := s.Load(t.Context(), &received); err != nil || received.Record(batch.Records[1].Key).Switch != batch.Records[1].Switch {
		t.Errorf("Load: %v, hands over\n%.1000s", err, &received)
	}
}

// largestRecord is what a gateway can have a broker say of one identity, with nothing that is longer than the API allows.
func largestRecord(name string) cooldown.Record {
	at := cooldown.InstantOf(time.Now())
	r := disabled(name)
	for i := range cooldown.MaxModels {
		scope := cooldown.ScopeRecord{Model: fmt.Sprintf("%0256d", i)}
		for kind := range cooldown.NumKinds {
			scope.Ledgers.Of(kind).Add(cooldown.Observation{
				Received: at, Until: cooldown.Never, Probe: cooldown.Never, Command: true, Reason: strings.Repeat("<", 1<<10),
			})
		}
		r.Scopes = append(r.Scopes, scope)
	}
	return r
}

// A record of very many models is long, and is read and added to all the same.
func TestLongRecordIsMergedInto(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what is 26 MB long")
	}
	server := redistest.Start(t)
	var said notes
	c := &redis.Config{Addresses: []string{server.Addr}, Namespace: "long", Timeout: time.Minute, Note: said.add}
	a, b := openStore(t, c), openStore(t, c)
	long, released := largestRecord("long"), disabled("long")
	released.Switch, released.Released = cooldown.Switch{}, long.Switch.At+1
	for s, r := range map[*redis.Store]cooldown.Record{a: long, b: released} {
		if err := s.Save(t.Context(), state.Batch{Records: []cooldown.Record{r}}); err != nil {
			t.Fatal(err)
		}
	}
	var received statetest.Received
	if err := b.Load(t.Context(), &received); err != nil {
		t.Fatal(err)
	}
	if got := received.Record(long.Key); got.Switch != long.Switch || got.Released != released.Released || len(got.Scopes) != cooldown.MaxModels {
		t.Errorf("Load hands over a record of %d models, %v, released %d", len(got.Scopes), got.Switch, got.Released)
	}
	if len(said.words) > 0 {
		t.Errorf("%.1000q is said", said.words)
	}
}

// What is saved with a record that a newer broker wrote is kept; the record stays as the newer one wrote it.
func TestANewerRecordStaysAsItIs(t *testing.T) {
	server := redistest.Start(t)
	s := openStore(t, &redis.Config{Addresses: []string{server.Addr}, Namespace: "newer"})
	server.Do("HSET", "cb:{newer}:records", "identity:newer", newerRecord, "identity:damaged", "what?")
	batch := state.Batch{
		Records:  []cooldown.Record{disabled("newer"), disabled("damaged"), disabled("other")},
		Bindings: session(1, "other"),
	}
	if err := s.Save(t.Context(), batch); !errors.Is(err, state.ErrPassedOver) {
		t.Errorf("Save = %v, want %v", err, state.ErrPassedOver)
	}
	if got := server.Do("HGET", "cb:{newer}:records", "identity:newer"); !strings.Contains(got, `"v":99`) {
		t.Errorf("the newer record is %q by now", got)
	}
	var received statetest.Received
	if err := s.Load(t.Context(), &received); err != nil {
		t.Fatal(err)
	}
	for _, want := range batch.Records[1:] {
		if got := received.Record(want.Key); got.Switch != want.Switch {
			t.Errorf("%s is %v, want %v", want.Key.Name, got.Switch, want.Switch)
		}
	}
	bound, err := s.Bind(t.Context(), session(1, "elsewhere"), "")
	if err != nil || bound.Identity != "other" {
		t.Errorf("the session is bound to %q, %v, want other", bound.Identity, err)
	}
}

// A binding that cannot be read counts as none, stays as it is, and spoils no other one.
func TestABindingThatCannotBeRead(t *testing.T) {
	server := redistest.Start(t)
	s := openStore(t, &redis.Config{Addresses: []string{server.Addr}, Namespace: "odd"})
	odd := session(1, "a")
	odd[0].Key = selector.SessionKey{Hi: 0x4141414141414141, Lo: 0x4141414141414141} // text, for redis-cli
	odd[0].Group = odd[0].Key
	key := "cb:{odd}:b:" + string(state.AppendSessionKey(nil, odd[0].Key))
	ended := odd[0]
	ended.Identity = ""
	end := state.Batch{Bindings: []state.BoundSession{ended, session(20, "a")[0]}}

	server.Do("SET", key, "short")
	if err := s.Save(t.Context(), end); err != nil {
		t.Errorf("Save with the end of a damaged one = %v", err)
	}
	server.Do("SET", key, "9, of a newer form")
	if err := s.Save(t.Context(), end); err != nil {
		t.Errorf("Save with the end of a newer one = %v", err)
	}
	if bound, err := s.Bind(t.Context(), odd, ""); err != nil || bound.Identity != "" {
		t.Errorf("Bind of a newer one = %q, %v, want that it is bound to none", bound.Identity, err)
	}
	child := append(session(10, "a"), ended)
	if bound, err := s.Bind(t.Context(), child, ""); err != nil || bound.Identity != "a" {
		t.Errorf("Bind of what follows a newer one = %q, %v, want a", bound.Identity, err)
	}
	if got := server.Do("GET", key); !strings.Contains(got, "9, of a newer form") {
		t.Errorf("the newer one is %q by now", got)
	}
}
