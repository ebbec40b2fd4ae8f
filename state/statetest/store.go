package statetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
)

// Factory makes room for one empty store and returns what opens that store. Opened again, after a Close, the
// store holds what was saved. What is still open when the test ends is closed by the test.
type Factory[S state.Store] func(t *testing.T) (open func(t *testing.T) S)

// Store checks what every store promises.
func Store[S state.Store](t *testing.T, factory Factory[S]) {
	t.Helper()
	s := storeSuite[S]{factory}
	t.Run("a new store holds nothing", s.empty)
	t.Run("what is saved is there after it is opened again", s.reopen)
	t.Run("the first keys that were proposed stay", s.keys)
	t.Run("saving merges, in any order, any number of times", s.merge)
	t.Run("records of all keys are kept apart", s.manyKeys)
	t.Run("of too many models those are kept that end last", s.tooManyModels)
	t.Run("much is saved and loaded as well as little", s.much)
	t.Run("what is saved does not change with the caller's slices", s.lent)
	t.Run("many save at once", s.concurrent)
	t.Run("what is saved meanwhile does not disturb who loads", s.loadMeanwhile)
	t.Run("a call whose time is over does nothing by halves", s.cancelled)
	t.Run("a closed store says so", s.closed)
}

type storeSuite[S state.Store] struct{ factory Factory[S] }

// open opens a store and closes it at the end of the test.
func open[S state.Store](t *testing.T, opens func(t *testing.T) S) S {
	t.Helper()
	s := opens(t)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func save(t *testing.T, s state.Store, batch state.Batch) {
	t.Helper()
	if err := s.Save(t.Context(), batch); err != nil {
		t.Fatalf("Save: %v", err)
	}
}

func load(t *testing.T, s state.Store) *Received {
	t.Helper()
	var h Received
	if err := s.Load(t.Context(), &h); err != nil {
		t.Fatalf("Load: %v", err)
	}
	return &h
}

func closeStore(t *testing.T, s state.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
}

func (s storeSuite[S]) empty(t *testing.T) {
	store := open(t, s.factory(t))
	save(t, store, state.Batch{})
	if got := load(t, store).String(); got != "" {
		t.Errorf("Load hands over\n%s", got)
	}
}

func (s storeSuite[S]) reopen(t *testing.T) {
	opens := s.factory(t)
	first := open(t, opens)
	record := someRecord("a", 1)
	save(t, first, state.Batch{Records: []cooldown.Record{record}})
	closeStore(t, first)
	second := open(t, opens)
	if got, want := load(t, second).String(), show(record); got != want {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s storeSuite[S]) keys(t *testing.T) {
	opens := s.factory(t)
	first := open(t, opens)
	mine := state.Keys{Fingerprint: [32]byte{1, 31: 2}, Session: [16]byte{3, 15: 4}}
	if got, err := first.Keys(t.Context(), state.Keys{}); err != nil || got != (state.Keys{}) {
		t.Errorf("Keys of none proposed = %v, %v, want none", got, err)
	}
	for _, proposed := range []state.Keys{mine, {Fingerprint: [32]byte{9}}} {
		if got, err := first.Keys(t.Context(), proposed); err != nil || got != mine {
			t.Errorf("Keys = %v, %v, want those proposed first", got, err)
		}
	}
	closeStore(t, first)
	second := open(t, opens)
	if got, err := second.Keys(t.Context(), state.Keys{}); err != nil || got != mine {
		t.Errorf("opened again, Keys = %v, %v, want those proposed first", got, err)
	}
}

func (s storeSuite[S]) merge(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	store := open(t, s.factory(t))
	want := &Received{}
	for range 100 {
		key := RandomKey(r)
		learnt := RandomRecord(r, key, later(), want.Record(key))
		batch := state.Batch{Records: []cooldown.Record{learnt, RandomRecord(r, key, later())}}
		want.Records(batch.Records)
		save(t, store, batch)
		if r.IntN(3) == 0 {
			save(t, store, batch)
		}
	}
	if got := load(t, store).String(); got != want.String() {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s storeSuite[S]) manyKeys(t *testing.T) {
	store := open(t, s.factory(t))
	r := rand.New(rand.NewPCG(1, 1))
	var batch state.Batch
	want := &Received{}
	for i := range 500 {
		batch.Records = append(batch.Records, cooldown.Record{Key: RandomKey(r), Cleared: cooldown.InstantOf(later()) + cooldown.Instant(i)})
	}
	want.Records(batch.Records)
	save(t, store, batch)
	if got := load(t, store).String(); got != want.String() {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s storeSuite[S]) tooManyModels(t *testing.T) {
	store := open(t, s.factory(t))
	const parts, size = 4, 500
	at := cooldown.InstantOf(later())
	want := &Received{}
	for part := range parts {
		record := someRecord("a", 1)
		for i := range size {
			n := part*size + i
			scope := cooldown.ScopeRecord{Model: fmt.Sprintf("model-%04d", n)}
			scope.Quota.Observations = []cooldown.Observation{{Received: at, Until: at + cooldown.Instant(n+1)}}
			record.Scopes = append(record.Scopes, scope)
		}
		batch := state.Batch{Records: []cooldown.Record{record}}
		save(t, store, batch)
		want.Records(batch.Records)
	}
	got := load(t, store)
	if got.String() != want.String() {
		t.Errorf("Load hands over\n%.2000s\nwant\n%.2000s", got, want)
	}
	kept := got.Record(someRecord("a", 1).Key).Scopes
	if first := fmt.Sprintf("model-%04d", parts*size-cooldown.MaxModels); kept[len(kept)-cooldown.MaxModels].Model != first {
		t.Errorf("%d models are kept, want %d from %s on", len(kept), cooldown.MaxModels, first)
	}
}

func (s storeSuite[S]) much(t *testing.T) {
	opens := s.factory(t)
	store := open(t, opens)
	var batch state.Batch
	for i := range 3000 {
		batch.Records = append(batch.Records, someRecord(fmt.Sprint("identity-", i), int64(i)))
	}
	save(t, store, batch)
	save(t, store, state.Batch{Records: batch.Records[:1]})
	closeStore(t, store)
	want := &Received{}
	want.Records(batch.Records)
	if got := load(t, open(t, opens)).String(); got != want.String() {
		t.Errorf("Load hands over %d bytes, want %d", len(got), len(want.String()))
	}
}

func (s storeSuite[S]) lent(t *testing.T) {
	store := open(t, s.factory(t))
	record := someRecord("a", 1)
	want := show(record)
	save(t, store, state.Batch{Records: []cooldown.Record{record}})
	if got := show(record); got != want {
		t.Errorf("Save changed the record it was given to\n%s\nfrom\n%s", got, want)
	}
	record.Scopes[0].Ledgers.Quota.Observations[0].Until = 7
	if got := load(t, store).String(); got != want {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s storeSuite[S]) concurrent(t *testing.T) {
	store := open(t, s.factory(t))
	const savers, rounds = 8, 20
	var wait sync.WaitGroup
	want := &Received{}
	for i := range savers {
		wait.Go(func() {
			for round := range rounds {
				batch := state.Batch{Records: []cooldown.Record{
					someRecord("of all", int64(i*rounds+round)), someRecord(fmt.Sprint("of ", i), int64(round)),
				}}
				want.Records(batch.Records)
				if err := store.Save(t.Context(), batch); err != nil {
					t.Errorf("Save: %v", err)
				}
			}
		})
	}
	wait.Wait()
	if got := load(t, store).String(); got != want.String() {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s storeSuite[S]) loadMeanwhile(t *testing.T) {
	store := open(t, s.factory(t))
	first := someRecord("first", 1)
	save(t, store, state.Batch{Records: []cooldown.Record{first}})
	const rounds = 30
	var wait sync.WaitGroup
	wait.Go(func() {
		for round := range rounds {
			batch := state.Batch{Records: []cooldown.Record{someRecord(fmt.Sprint("later ", round), 1)}}
			for i := range 3 {
				batch.Bindings = append(batch.Bindings, ids(fmt.Sprint("identity-", round, i), uint64(round))...)
			}
			if err := store.Save(t.Context(), batch); err != nil {
				t.Errorf("Save: %v", err)
			}
		}
	})
	for range rounds {
		if got := load(t, store).Record(first.Key); got.Switch != first.Switch {
			t.Errorf("Load hands over %s, want %s", show(got), show(first))
		}
	}
	wait.Wait()
}

func (s storeSuite[S]) cancelled(t *testing.T) {
	store := open(t, s.factory(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	batch := state.Batch{Records: []cooldown.Record{someRecord("a", 1), someRecord("b", 2)}}
	if err := store.Save(ctx, batch); err == nil {
		t.Error("Save with a context that is over has no error")
	}
	want := &Received{}
	want.Records(batch.Records)
	if got := load(t, store).String(); got != "" && got != want.String() {
		t.Errorf("Load hands over half of a batch:\n%s", got)
	}
	save(t, store, batch)
	if got := load(t, store).String(); got != want.String() {
		t.Errorf("saved again, Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s storeSuite[S]) closed(t *testing.T) {
	store := open(t, s.factory(t))
	closeStore(t, store)
	if err := store.Save(t.Context(), state.Batch{Records: []cooldown.Record{someRecord("a", 1)}}); err == nil {
		t.Error("Save to a closed store has no error")
	}
	if err := store.Load(t.Context(), &Received{}); err == nil {
		t.Error("Load from a closed store has no error")
	}
	closeStore(t, store)
}

// someRecord is an identity's, with something of its own.
func someRecord(name string, offset int64) cooldown.Record {
	number := cooldown.Instant(offset)
	at := cooldown.InstantOf(later()) + number
	r := cooldown.Record{
		Key:    cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name},
		Switch: cooldown.Switch{At: at, Disabled: number%2 == 0, Why: "by hand"},
		Scopes: []cooldown.ScopeRecord{{Model: "m"}},
	}
	r.Scopes[0].Ledgers.Quota.Observations = []cooldown.Observation{{Received: at, Until: at + number, Probe: at, Reason: "rate_limited"}}
	return copied(&r)
}
