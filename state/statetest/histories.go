package statetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// historyLength is how many operations a history has.
const historyLength = 60

// Histories plays random histories on an engine and on Memory, and compares what the two say after each operation. It
// plays a number of them, from a seed that a failure prints.
func Histories[S state.Store](t *testing.T, factory Factory[S], rounds int) {
	t.Helper()
	plain := func(*testing.T) func(t *testing.T) *Replica {
		m := &Memory{}
		return func(*testing.T) *Replica { return m.Replica() }
	}
	compare(t, rounds, storeHistory(plain), storeHistory(factory))
}

// FleetHistories is Histories for what only stores can do that replicas share.
func FleetHistories[S state.Fleet](t *testing.T, factory Factory[S], rounds int) {
	t.Helper()
	plain := func(*testing.T) func(t *testing.T) *Replica {
		m := &Memory{}
		return func(*testing.T) *Replica { return m.Replica() }
	}
	compare(t, rounds, fleetHistory(plain), fleetHistory(factory))
}

// history plays what a seed says, and returns a line for each operation.
type history func(t *testing.T, seed uint64) []string

func compare(t *testing.T, rounds int, plain, engine history) {
	t.Helper()
	first := rand.Uint64() >> 1
	for i := range rounds {
		seed := first + uint64(i)
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			want, got := plain(t, seed), engine(t, seed)
			for n := range want {
				if got[n] != want[n] {
					t.Fatalf("operation %d: the engine says\n%s\nand memory\n%s\nafter\n%s", n, got[n], want[n], strings.Join(want[:n], "\n"))
				}
			}
		})
	}
}

// storeHistory: one process at a time.
func storeHistory[S state.Store](factory Factory[S]) history {
	return func(t *testing.T, seed uint64) []string {
		r := rand.New(rand.NewPCG(seed, 0))
		opens := factory(t)
		store := opens(t)
		defer func() { _ = store.Close() }()
		known := &Received{}
		var batch state.Batch
		lines := make([]string, 0, historyLength)
		for range historyLength {
			switch n := r.IntN(10); {
			case n < 6:
				batch = randomBatch(r, known)
				lines = append(lines, fmt.Sprint("save ", len(batch.Records), ": ", store.Save(t.Context(), batch)))
				known.Records(batch.Records)
			case n < 7:
				lines = append(lines, fmt.Sprint("save again: ", store.Save(t.Context(), batch)))
			case n < 8:
				closeStore(t, store)
				store = opens(t)
				lines = append(lines, "open again")
			case n < 9:
				keys, err := store.Keys(t.Context(), state.Keys{Session: [16]byte{1 + uint8(r.IntN(5))}})
				lines = append(lines, fmt.Sprint("keys: ", keys, err))
			default:
				var received Received
				err := store.Load(t.Context(), &received)
				lines = append(lines, fmt.Sprintf("load: %v\n%s", err, &received))
			}
		}
		return lines
	}
}

func randomBatch(r *rand.Rand, known *Received) (b state.Batch) {
	for range r.IntN(4) {
		key := RandomKey(r)
		b.Records = append(b.Records, RandomRecord(r, key, later(), known.Record(key)))
	}
	return b
}

// fleetHistory: three replicas, one call at a time.
func fleetHistory[S state.Fleet](factory Factory[S]) history {
	return func(t *testing.T, seed uint64) []string {
		r := rand.New(rand.NewPCG(seed, 0))
		opens := factory(t)
		var stores [3]S
		for i := range stores {
			stores[i] = opens(t)
		}
		defer func() {
			for _, s := range stores {
				_ = s.Close()
			}
		}()
		known := &Received{}
		start := time.Now()
		lines := make([]string, 0, historyLength)
		for range historyLength {
			lines = append(lines, fleetOperation(t, r, stores[r.IntN(len(stores))], known, start))
		}
		return lines
	}
}

func fleetOperation(t *testing.T, r *rand.Rand, store state.Fleet, known *Received, start time.Time) string {
	switch n := r.IntN(20); {
	case n < 3:
		batch := randomBatch(r, known)
		known.Records(batch.Records)
		return fmt.Sprint("save ", len(batch.Records), ": ", store.Save(t.Context(), batch))
	case n < 4:
		var received Received
		err := store.Load(t.Context(), &received)
		return fmt.Sprintf("load: %v\n%s", err, &received)
	case n < 12:
		sessions, from := randomSessions(r, start), ""
		if r.IntN(2) == 0 {
			from = randomIdentity(r)
		}
		bound, err := store.Bind(t.Context(), sessions, from)
		return fmt.Sprintf("bind %s off %q: to %q, %v", showSessions(sessions), from, bound.Identity, err)
	case n < 16:
		sessions := randomSessions(r, start)
		return fmt.Sprintf("save %s: %v", showSessions(sessions), store.Save(t.Context(), state.Batch{Bindings: sessions}))
	}
	key := selector.PermitKey{Record: cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: randomIdentity(r)}, Model: []string{"", "m"}[r.IntN(2)]}
	if r.IntN(3) == 0 {
		return fmt.Sprintf("give back %v: %v", key, store.GiveBack(t.Context(), key))
	}
	ok, err := store.Claim(t.Context(), key, time.Hour)
	return fmt.Sprintf("claim %v: %v, %v", key, ok, err)
}

func randomIdentity(r *rand.Rand) string { return [...]string{"one", "two", "three"}[r.IntN(3)] }

// randomSessions are one to three ids out of a few, each of which may be looked at, or ended, only.
func randomSessions(r *rand.Rand, start time.Time) []state.BoundSession {
	numbers := r.Perm(6)[:1+r.IntN(3)]
	list := make([]state.BoundSession, 0, len(numbers))
	identity := randomIdentity(r)
	for _, n := range numbers {
		b := state.BoundSession{
			Key: selector.SessionKey{Hi: 7, Lo: uint64(n)}, Group: selector.SessionKey{Hi: 7, Lo: uint64(numbers[0])}, Source: uint8(n),
			Identity: identity, Bound: start.UnixNano() + int64(r.IntN(5)), Ends: start.Add(time.Duration(1+r.IntN(5)) * time.Hour).UnixNano(),
		}
		if r.IntN(4) == 0 {
			b.Identity = ""
		}
		list = append(list, b)
	}
	return list
}

func showSessions(sessions []state.BoundSession) string {
	parts := make([]string, 0, len(sessions))
	for _, b := range sessions {
		parts = append(parts, fmt.Sprintf("%d to %q", b.Key.Lo, b.Identity))
	}
	return strings.Join(parts, ", ")
}
