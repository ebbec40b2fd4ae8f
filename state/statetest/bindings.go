package statetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/state"
)

// Bindings checks what a store promises that keeps the bindings of one process: what was saved last holds.
func Bindings[S state.Store](t *testing.T, factory Factory[S]) {
	t.Helper()
	s := bindingSuite[S]{factory}
	t.Run("a binding is there with all its parts", s.whole)
	t.Run("what was saved last of an id holds", s.last)
	t.Run("a binding that is over is not handed over", s.over)
	t.Run("many bindings are kept", s.many)
}

type bindingSuite[S state.Store] struct{ factory Factory[S] }

func (s bindingSuite[S]) whole(t *testing.T) {
	opens := s.factory(t)
	store := open(t, opens)
	ends := time.Now().Add(time.Hour).UnixNano()
	first, second := selector.SessionKey{Hi: 1 << 63, Lo: 1}, selector.SessionKey{Lo: 1 << 63}
	want := &Received{}
	batch := state.Batch{Bindings: []state.BoundSession{
		{Key: first, Group: first, Source: 1, Identity: "account:claude:1", Bound: 5, Ends: ends},
		{Key: second, Group: first, Source: 255, Identity: "account:claude:1", Bound: 5, Ends: ends},
		{Key: selector.SessionKey{Lo: 7}, Group: selector.SessionKey{Lo: 7}, Source: 2, Caller: "gateway", Identity: "account:claude:1", Bound: 7, Ends: ends},
		{Key: selector.SessionKey{Lo: 8}, Group: selector.SessionKey{Lo: 7}, Caller: strings.Repeat("é", 32), Identity: "account:claude:1", Bound: 7, Ends: ends},
		{Key: selector.SessionKey{}, Group: selector.SessionKey{}, Identity: "key:openai:2", Bound: 6, Ends: ends + 1},
	}}
	want.Bindings(batch.Bindings)
	save(t, store, batch)
	closeStore(t, store)
	if got := load(t, open(t, opens)).String(); got != want.String() {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want)
	}
}

func (s bindingSuite[S]) last(t *testing.T) {
	opens := s.factory(t)
	store := open(t, opens)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	want := &Received{}
	now := time.Now()
	for range 50 {
		var batch state.Batch
		for range r.IntN(10) {
			batch.Bindings = append(batch.Bindings, RandomBinding(r, now))
		}
		want.Bindings(batch.Bindings)
		save(t, store, batch)
		if r.IntN(4) == 0 {
			closeStore(t, store)
			store = open(t, opens)
		}
	}
	if got := load(t, store).String(); got != want.alive(now) {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want.alive(now))
	}
}

// alive is String of what was received, less what is bound to none and what is over.
func (r *Received) alive(now time.Time) string {
	r.mu.Lock()
	left := &Received{}
	for _, b := range r.bindings {
		if b.Identity != "" && b.Ends > now.UnixNano() {
			left.Bindings([]state.BoundSession{b})
		}
	}
	r.mu.Unlock()
	return left.String()
}

func (s bindingSuite[S]) over(t *testing.T) {
	store := open(t, s.factory(t))
	now := time.Now()
	var batch state.Batch
	for i := range 200 {
		key := selector.SessionKey{Lo: uint64(i)}
		ends := now.Add(-time.Second)
		if i%2 == 0 {
			ends = now.Add(time.Hour)
		}
		batch.Bindings = append(batch.Bindings, state.BoundSession{Key: key, Group: key, Identity: "a", Bound: 1, Ends: ends.UnixNano()})
	}
	want := &Received{}
	want.Bindings(batch.Bindings)
	for range 3 { // what is over may be removed as others are saved
		save(t, store, batch)
	}
	if got := load(t, store).String(); got != want.alive(now) {
		t.Errorf("Load hands over\n%s\nwant\n%s", got, want.alive(now))
	}
}

func (s bindingSuite[S]) many(t *testing.T) {
	opens := s.factory(t)
	store := open(t, opens)
	r := rand.New(rand.NewPCG(1, 1))
	ends := time.Now().Add(time.Hour).UnixNano()
	want := &Received{}
	for range 5 {
		var batch state.Batch
		for i := range 4000 {
			key := selector.SessionKey{Hi: r.Uint64(), Lo: r.Uint64()}
			batch.Bindings = append(batch.Bindings, state.BoundSession{
				Key: key, Group: key, Identity: fmt.Sprint("identity-", i%300), Bound: int64(i), Ends: ends,
			})
		}
		want.Bindings(batch.Bindings)
		save(t, store, batch)
	}
	closeStore(t, store)
	if got := load(t, open(t, opens)).String(); got != want.String() {
		t.Errorf("Load hands over %d bytes, want %d", len(got), len(want.String()))
	}
}

func showBinding(b state.BoundSession) string {
	return fmt.Sprintf("%s of %s, source %d, to %q since %d until %d", b.Key, b.Group, b.Source, b.Identity, b.Bound, b.Ends)
}
