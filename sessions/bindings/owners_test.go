package bindings_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dchest/siphash"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// Keys of sessions that are no caller's stand in state files and in Redis servers out there.
func TestKeysWithoutCallersStay(t *testing.T) {
	table := bindings.New(bindings.Config{HashKey: [16]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}})
	var b []byte
	b = binary.LittleEndian.AppendUint64(b, uint64(len("claude")))
	b = binary.LittleEndian.AppendUint64(b, uint64(len("header:1")))
	hi, lo := siphash.Hash128(0x0706050403020100, 0x0f0e0d0c0b0a0908, append(b, "claudeheader:1claude-opus-4-6"...))
	want := selector.SessionKey{Hi: hi, Lo: lo}
	if got := table.Key("claude", "header:1", "claude-opus-4-6"); got != want || got != table.KeyOf("", "claude", "header:1", "claude-opus-4-6") {
		t.Errorf("Key = %v, want %v", got, want)
	}
}

func TestKeysOfCallersDiffer(t *testing.T) {
	table := bindings.New(bindings.Config{})
	seen := make(map[selector.SessionKey][4]string)
	texts := []string{"", "a", "b", "ab", "aa"}
	for _, caller := range texts {
		for _, provider := range texts {
			for _, id := range texts {
				for _, model := range texts {
					parts := [4]string{caller, provider, id, model}
					key := table.KeyOf(caller, provider, id, model)
					if other, ok := seen[key]; ok {
						t.Fatalf("KeyOf(%q) = KeyOf(%q)", parts, other)
					}
					seen[key] = parts
				}
			}
		}
	}
}

// called is a session of a caller.
func called(t *bindings.Table, caller string, n int) selector.Session {
	return selector.Session{Key: t.KeyOf(caller, "p", fmt.Sprint("header:", n), "m"), Caller: caller, Source: 1}
}

func bindCalled(t *bindings.Table, caller string, n int, at float64) {
	t.Bind([]selector.Session{called(t, caller, n)}, selector.Slot(n%3), tableAt(at))
}

// alive counts the sessions of a caller, up to n, that are bound.
func alive(t *bindings.Table, caller string, n int, at float64) (count int) {
	for i := range n {
		if _, ok := t.Find(called(t, caller, i).Key, tableAt(at)); ok {
			count++
		}
	}
	return count
}

func TestSharesAreLentAndGivenBack(t *testing.T) {
	table := bindings.New(bindings.Config{Max: 100, TTL: time.Hour})
	table.SetCallers([]string{"a", "b", "c", "d"})
	for i := range 100 {
		bindCalled(table, "a", i, 0)
	}
	if n := alive(table, "a", 100, 1); n != 100 {
		t.Errorf("a has %d of 100 while nobody else wants any", n)
	}
	for i := range 25 {
		bindCalled(table, "b", i, 1)
	}
	if a, b := alive(table, "a", 100, 2), alive(table, "b", 25, 2); a != 75 || b != 25 {
		t.Errorf("a has %d and b %d, want 75 and 25", a, b)
	}
	for i := range 1000 { // a flood
		bindCalled(table, "a", 1000+i, 2)
		if i < 10 {
			bindCalled(table, "c", i, 2)
		}
	}
	if b, c := alive(table, "b", 25, 3), alive(table, "c", 10, 3); b != 25 || c != 10 {
		t.Errorf("after a flood of another caller b has %d of 25 and c %d of 10", b, c)
	}
	if all, _ := table.CountOf("a", 0); all != 65 || table.Len() != 100 {
		t.Errorf("a has %d of %d, want 65 of 100", all, table.Len())
	}
	for i := range 60 {
		bindCalled(table, "b", 100+i, 3)
	}
	if all, _ := table.CountOf("b", 0); all > 46 || all < 44 {
		t.Errorf("b, that wants 85, has %d, want as much as a", all)
	}
}

func TestWhoIsGoneMakesRoom(t *testing.T) {
	table := bindings.New(bindings.Config{Max: 20})
	table.SetCallers([]string{"a", "b"})
	for i := range 10 {
		bindCalled(table, "a", i, 0)
		bindCalled(table, "b", i, 0)
	}
	table.SetCallers([]string{"b", "new"})
	for i := range 10 {
		bindCalled(table, "new", i, 1)
	}
	if a, b, fresh := alive(table, "a", 10, 2), alive(table, "b", 10, 2), alive(table, "new", 10, 2); a != 0 || b != 10 || fresh != 10 {
		t.Errorf("a has %d, b %d, new %d, want 0, 10, 10", a, b, fresh)
	}
}

func TestListOfCallers(t *testing.T) {
	table := bindings.New(bindings.Config{})
	table.SetCallers([]string{"a", "b"})
	for i := range 10 {
		bindCalled(table, "a", i, float64(i))
		bindCalled(table, "b", i, float64(i))
		bindCalled(table, "", i, float64(i))
	}
	read := func(q bindings.Query) (list []string) {
		for {
			page, next, err := table.List(q, tableAt(20))
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range page {
				list = append(list, b.Caller)
			}
			if q.Token = next; next == "" {
				return list
			}
		}
	}
	for _, tt := range []struct {
		name string
		q    bindings.Query
		want map[string]int
	}{
		{"everybody's", bindings.Query{Size: 4}, map[string]int{"": 10, "a": 10, "b": 10}},
		{"of one caller", bindings.Query{Size: 3, Caller: "a", OfCaller: true}, map[string]int{"a": 10}},
		{"of nobody", bindings.Query{Size: 3, OfCaller: true}, map[string]int{"": 10}},
		{"of one that is not known", bindings.Query{Caller: "c", OfCaller: true}, map[string]int{}},
		{"to a slot", bindings.Query{Size: 1, Slot: 1, OfSlot: true}, map[string]int{"": 3, "a": 3, "b": 3}},
		{"of one caller to a slot", bindings.Query{Size: 1, Slot: 1, OfSlot: true, Caller: "b", OfCaller: true}, map[string]int{"b": 3}},
	} {
		got := make(map[string]int)
		for _, caller := range read(tt.q) {
			got[caller]++
		}
		if fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	_, next, err := table.List(bindings.Query{Size: 3, Caller: "a", OfCaller: true}, tableAt(20))
	if err != nil {
		t.Fatal(err)
	}
	if page, _, err := table.List(bindings.Query{Token: next, Caller: "b", OfCaller: true}, tableAt(20)); err == nil {
		t.Errorf("the token of another caller's page lists %v", page)
	}
	if _, toSlot := table.CountOf("a", 0); toSlot != 4 || table.Count(0) != 12 || table.Release(0) != 12 || table.Len() != 18 {
		t.Errorf("%d of a are to slot 0; after its release %d are left, want 4 and 18", toSlot, table.Len())
	}
	if all, toSlot := table.CountOf("a", 0); all != 6 || toSlot != 0 {
		t.Errorf("after a release a has %d, %d of them to the slot", all, toSlot)
	}
}

// A caller that does not want more than its share has all that it wants, whatever the others do, and nothing leaks.
func TestSharesHoldInAnyHistory(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 20 {
		callers := []string{"modest", "b", "c", "d", "e"}[:2+r.IntN(4)]
		most := 5*len(callers) + 1
		table := bindings.New(bindings.Config{Max: most, TTL: time.Hour, Recording: r.IntN(2) == 0})
		table.SetCallers(callers)
		others := append([]string{"", "gone"}, callers[1:]...)
		for step := range 2000 {
			at := float64(step) / 100
			switch other := others[r.IntN(len(others))]; r.IntN(20) {
			case 0:
				table.Unbind(called(table, other, r.IntN(100)).Key, tableAt(at))
			case 1:
				table.Expire(tableAt(at), 10)
				table.Changed(10)
			case 2, 3, 4:
				bindCalled(table, "modest", r.IntN(5), at)
				bindCalled(table, "modest", r.IntN(5), at)
			default:
				bindCalled(table, other, r.IntN(1000), at)
			}
		}
		want := make(map[int]bool)
		for range 10 {
			n := r.IntN(5)
			bindCalled(table, "modest", n, 21)
			want[n] = true
			for range 3 * most {
				bindCalled(table, others[r.IntN(len(others))], r.IntN(1000), 21)
			}
			for n := range want {
				if _, ok := table.Find(called(table, "modest", n).Key, tableAt(21)); !ok {
					t.Fatalf("session %d of who has less than its share is gone", n)
				}
			}
		}
		if table.Len() > most {
			t.Errorf("%d bindings, at most %d", table.Len(), most)
		}
		for _, caller := range append(others, "modest") {
			for n := range 1000 {
				table.Unbind(called(table, caller, n).Key, tableAt(21))
			}
		}
		if left := table.Leftover(); left != "" {
			t.Errorf("of no bindings there are left: %s", left)
		}
	}
}

// Bindings come back from a store with their callers.
func TestCallersAreRestored(t *testing.T) {
	table := bindings.New(bindings.Config{Recording: true, TTL: time.Hour})
	for i := range 5 {
		bindCalled(table, "a", i, 0)
		bindCalled(table, "", i, 0)
	}
	again := bindings.New(bindings.Config{TTL: time.Hour})
	again.SetCallers([]string{"a"})
	r := again.Restore(tableAt(1))
	r.Add(table.Changed(100))
	r.Finish()
	if all, _ := again.CountOf("a", 0); all != 5 || again.Len() != 10 || alive(again, "a", 5, 2) != 5 {
		t.Errorf("a has %d of %d bindings, want 5 of 10", all, again.Len())
	}
	if of, ok := again.CallerOf(called(again, "a", 3).Key, tableAt(2)); of != "a" || !ok {
		t.Errorf("CallerOf = %q, %t", of, ok)
	}
}

// Callers that come and go leave nothing behind, and very many are bounded.
func TestVeryManyCallers(t *testing.T) {
	table := bindings.New(bindings.Config{Max: 5000})
	for i := range 3000 {
		bindCalled(table, fmt.Sprint("c", i), 1, 0)
	}
	if table.Len() != 3000 || table.Owners() > 1024 {
		t.Errorf("%d bindings of %d callers", table.Len(), table.Owners())
	}
	for i := range 3000 {
		table.Unbind(called(table, fmt.Sprint("c", i), 1).Key, tableAt(1))
	}
	for i := range 3000 {
		bindCalled(table, fmt.Sprint("d", i), 1, 1)
		table.Unbind(called(table, fmt.Sprint("d", i), 1).Key, tableAt(1))
	}
	if known := table.KnownOwners(); known != 1 {
		t.Errorf("%d callers are known after all of them went", known)
	}
}
