package bindings_test

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

var tableStart = time.Unix(1_800_000_000, 0).UTC()

// tableAt is the time of a test so many seconds after its start.
func tableAt(seconds float64) time.Time {
	return tableStart.Add(time.Duration(seconds * float64(time.Second)))
}

// keyNamed is the key of a session that a test calls by one word.
func keyNamed(t *bindings.Table, name string) selector.SessionKey {
	return t.Key("claude", name, "model")
}

func bindNamed(t *bindings.Table, slot selector.Slot, seconds float64, names ...string) time.Time {
	var sessions []selector.Session
	for _, name := range names {
		sessions = append(sessions, selector.Session{Key: keyNamed(t, name), Source: 1})
	}
	return t.Bind(sessions, slot, tableAt(seconds))
}

func joinNamed(t *bindings.Table, primary, fallback string, seconds float64) time.Time {
	return t.Join(selector.Session{Key: keyNamed(t, primary)}, keyNamed(t, fallback), tableAt(seconds))
}

func renewNamed(t *bindings.Table, name string, seconds float64) time.Time {
	return t.Renew(keyNamed(t, name), tableAt(seconds))
}

// TestTableRules has a case for each rule. Times to live are 10 seconds, slots are written as numbers, and found is what
// Find says of each session afterwards; -1: not bound.
func TestTableRules(t *testing.T) {
	tests := []struct {
		name  string
		max   int
		run   func(t *bindings.Table)
		at    float64
		found map[string]int
	}{
		{
			"a binding is alive until just before its end", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a") }, 9.999999999, map[string]int{"a": 1, "b": -1},
		},
		{
			"a binding is over at its end", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a") }, 10, map[string]int{"a": -1},
		},
		{
			"a use of one id prolongs all", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a", "b"); renewNamed(t, "b", 9) }, 18, map[string]int{"a": 1, "b": 1},
		},
		{
			"a dead binding can not be kept", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a"); renewNamed(t, "a", 10) }, 10, map[string]int{"a": -1},
		},
		{
			"the primary joins the fallback and prolongs it", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a"); joinNamed(t, "b", "a", 9) }, 18, map[string]int{"a": 1, "b": 1},
		},
		{
			"the primary leaves its own binding to join", 0,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				bindNamed(t, 2, 0, "b", "c")
				joinNamed(t, "b", "a", 0)
			},
			9, map[string]int{"a": 1, "b": 1, "c": 2},
		},
		{
			"nothing joins a dead binding", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a"); joinNamed(t, "b", "a", 10) }, 10, map[string]int{"a": -1, "b": -1},
		},
		{
			"a bound primary moves with all its ids and takes in the others", 0,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a", "b")
				bindNamed(t, 2, 0, "c", "d")
				bindNamed(t, 3, 0, "b", "c")
			},
			9, map[string]int{"a": 3, "b": 3, "c": 3, "d": 2},
		},
		{
			"an unbound primary does not move the binding of the fallback", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a", "b"); bindNamed(t, 2, 0, "c", "b") },
			9, map[string]int{"a": 1, "b": 2, "c": 2},
		},
		{
			"a primary whose binding is over leaves the other ids dead", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a", "b"); bindNamed(t, 2, 10, "a") }, 10, map[string]int{"a": 2, "b": -1},
		},
		{
			"one id given twice is one", 1,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a", "a") }, 0, map[string]int{"a": 1},
		},
		{
			"the least recently used binding goes first", 2,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				bindNamed(t, 1, 0, "b")
				renewNamed(t, "a", 1)
				bindNamed(t, 1, 2, "c")
			},
			3, map[string]int{"a": 1, "b": -1, "c": 1},
		},
		{
			"a use of any id counts for the binding", 2,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a", "x")
				bindNamed(t, 1, 0, "b")
				joinNamed(t, "y", "x", 1)
				bindNamed(t, 1, 2, "c")
			},
			3, map[string]int{"a": 1, "x": 1, "y": 1, "b": -1, "c": 1},
		},
		{
			"ids do not count against max", 2,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a", "b", "c"); bindNamed(t, 2, 0, "d", "e") },
			1, map[string]int{"a": 1, "b": 1, "c": 1, "d": 2, "e": 2},
		},
		{
			"a binding that loses its last id makes room", 2,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				bindNamed(t, 2, 0, "b")
				bindNamed(t, 3, 0, "c", "b")
			},
			1, map[string]int{"a": 1, "b": 3, "c": 3},
		},
		{
			"a binding that is over goes before a live one that was used earlier", 2,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				t.Configure(2*time.Second, 2)
				bindNamed(t, 1, 1, "b")
				bindNamed(t, 1, 3, "c")
			},
			3, map[string]int{"a": 1, "b": -1, "c": 1},
		},
		{
			"a binding that is over goes first when the clock was put back", 2,
			func(t *bindings.Table) {
				bindNamed(t, 1, 100, "a")
				bindNamed(t, 2, 0, "b")
				bindNamed(t, 3, 11, "c")
			},
			11, map[string]int{"a": 1, "b": -1, "c": 3},
		},
		{
			"a released binding goes before a live one that was used earlier", 2,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				bindNamed(t, 2, 0, "b")
				t.Release(2)
				bindNamed(t, 3, 1, "c")
			},
			1, map[string]int{"a": 1, "b": -1, "c": 3},
		},
		{
			"a slot that is given out again has none of the old bindings", 0,
			func(t *bindings.Table) { bindNamed(t, 1, 0, "a"); t.Release(1); bindNamed(t, 1, 0, "b") }, 1, map[string]int{"a": -1, "b": 1},
		},
		{
			"a new time to live holds from the next use on", 0,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				bindNamed(t, 1, 0, "b")
				t.Configure(2*time.Second, 0)
				renewNamed(t, "b", 1)
			},
			3, map[string]int{"a": 1, "b": -1},
		},
		{
			"a longer time to live holds from the next use on", 0,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				bindNamed(t, 1, 0, "b")
				t.Configure(time.Minute, 0)
				renewNamed(t, "b", 1)
			},
			60, map[string]int{"a": -1, "b": 1},
		},
		{
			"a smaller max keeps the most recently used", 3,
			func(t *bindings.Table) {
				bindNamed(t, 1, 0, "a")
				bindNamed(t, 1, 0, "b")
				bindNamed(t, 1, 0, "c")
				renewNamed(t, "a", 1)
				t.Configure(10*time.Second, 2)
			},
			2, map[string]int{"a": 1, "b": -1, "c": 1},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table := bindings.New(bindings.Config{TTL: 10 * time.Second, Max: test.max})
			test.run(table)
			for name, want := range test.found {
				got := -1
				if slot, ok := table.Find(keyNamed(table, name), tableAt(test.at)); ok {
					got = int(slot)
				}
				if got != want {
					t.Errorf("Find(%s) at %v s = %d, want %d", name, test.at, got, want)
				}
			}
			if err := cmp.Or(checkViews(table, tableAt(test.at)), checkDrained(table)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTableReturnsEnds(t *testing.T) {
	table := bindings.New(bindings.Config{TTL: 10 * time.Second})
	if got, want := bindNamed(table, 1, 1, "a"), tableAt(11); !got.Equal(want) {
		t.Errorf("Bind = %v, want %v", got, want)
	}
	if got, want := renewNamed(table, "a", 2), tableAt(12); !got.Equal(want) {
		t.Errorf("Renew = %v, want %v", got, want)
	}
	if got, want := joinNamed(table, "b", "a", 3), tableAt(13); !got.Equal(want) {
		t.Errorf("Join = %v, want %v", got, want)
	}
	if got := table.Bind(nil, 1, tableAt(0)); !got.IsZero() {
		t.Errorf("Bind without sessions = %v, want zero", got)
	}
	if got := renewNamed(table, "c", 3); !got.IsZero() {
		t.Errorf("Renew of an unknown session = %v, want zero", got)
	}
}

func TestTableDefaults(t *testing.T) {
	table := bindings.New(bindings.Config{})
	if got := table.Max(); got != 1_000_000 {
		t.Errorf("Max = %d, want 1000000", got)
	}
	if got, want := bindNamed(table, 1, 0, "a"), tableAt(3600); !got.Equal(want) {
		t.Errorf("Bind = %v, want %v", got, want)
	}
	table.Configure(math.MaxInt64, 5)
	renewNamed(table, "a", 1)
	if _, ok := table.Find(keyNamed(table, "a"), tableAt(1e9)); !ok {
		t.Error("a time to live past what can be stored ends early")
	}
}

// TestTableAliases fills a binding with ids: a 65th takes the place of the least recently used one.
func TestTableAliases(t *testing.T) {
	table := bindings.New(bindings.Config{})
	bindNamed(table, 1, 0, "0")
	for i := 1; i < maxAliases; i++ {
		joinNamed(table, fmt.Sprint(i), "0", 0)
	}
	renewNamed(table, "1", 0)
	joinNamed(table, "new", "0", 0) // 2 is now the one used longest ago
	for name, want := range map[string]bool{"0": true, "1": true, "2": false, "3": true, "63": true, "new": true} {
		if _, got := table.Find(keyNamed(table, name), tableStart); got != want {
			t.Errorf("Find(%s) = %v, want %v", name, got, want)
		}
	}
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprint("x", i))
	}
	bindNamed(table, 2, 0, names...)
	page, _, err := table.List(bindings.Query{Slot: 2, OfSlot: true}, tableStart)
	if err != nil || len(page) != 1 || page[0].Aliases != maxAliases || page[0].Key != keyNamed(table, "x0") {
		t.Errorf("List = %v, %v, want one binding of %d ids, x0 first", page, err, maxAliases)
	}
}

// TestTableAliasRecords binds more ids than a table of that size keeps: no binding goes for them.
func TestTableAliasRecords(t *testing.T) {
	const n = 1200
	table := bindings.New(bindings.Config{Max: n})
	for i := range n {
		var names []string
		for j := range maxAliases {
			names = append(names, fmt.Sprint(i, "/", j))
		}
		bindNamed(table, 1, 0, names...)
	}
	further := 0
	for _, b := range listAll(table, bindings.Query{Size: bindings.MaxPage}, tableStart) {
		further += b.Aliases - 1
	}
	if want := 1<<16 + 4*n; further != want {
		t.Errorf("%d ids beside the first ones, want %d", further, want)
	}
	for i := range n {
		if _, ok := table.Find(keyNamed(table, fmt.Sprint(i, "/0")), tableStart); !ok {
			t.Fatalf("the primary of binding %d is not bound", i)
		}
	}
	if err := cmp.Or(checkViews(table, tableStart), checkDrained(table)); err != nil {
		t.Error(err)
	}
}

// TestTableClockCorrected counts after a call that came with a time far ahead.
func TestTableClockCorrected(t *testing.T) {
	table := bindings.New(bindings.Config{TTL: 10 * time.Second})
	table.Find(keyNamed(table, "a"), tableAt(1e6))
	bindNamed(table, 1, 0, "a")
	if got := table.Len(); got != 1 {
		t.Errorf("Len = %d, want 1", got)
	}
}

func TestTableCounts(t *testing.T) {
	table := bindings.New(bindings.Config{TTL: 10 * time.Second})
	for i := range 600 {
		bindNamed(table, selector.Slot(i%2), float64(i)/100, fmt.Sprint(i))
	}
	bindNamed(table, 9, 10.995, "now") // 100 of the others are over
	if got := table.Count(0); got != 250 {
		t.Errorf("Count = %d, want 250", got)
	}
	if got := table.Len(); got != 501 {
		t.Errorf("Len = %d, want 501", got)
	}
	if got := table.Release(1); got != 250 {
		t.Errorf("Release = %d, want 250", got)
	}
	if got := table.Release(1); got != 0 {
		t.Errorf("Release again = %d, want 0", got)
	}
	if got := table.Len(); got != 251 {
		t.Errorf("Len = %d, want 251", got)
	}
	if slot, ok := table.Unbind(keyNamed(table, "598"), tableAt(10.995)); slot != 0 || !ok {
		t.Errorf("Unbind = %d, %v, want 0, true", slot, ok)
	}
	if _, ok := table.Unbind(keyNamed(table, "598"), tableAt(10.995)); ok {
		t.Error("Unbind finds a session that is unbound")
	}
	if got := table.Count(0); got != 249 {
		t.Errorf("Count = %d, want 249", got)
	}
}

func TestTableExpireStopsAtItsLimit(t *testing.T) {
	table := bindings.New(bindings.Config{TTL: 10 * time.Second})
	for i := range 3000 {
		bindNamed(table, selector.Slot(i%3), 0, fmt.Sprint(i))
	}
	table.Release(0)
	for _, step := range []struct {
		at          float64
		limit, want int
	}{{9, 0, 0}, {9, 400, 400}, {9, 5000, 600}, {10, 1, 1}, {10, 5000, 1999}, {10, 5000, 0}} {
		if got := table.Expire(tableAt(step.at), step.limit); got != step.want {
			t.Errorf("Expire(%v s, %d) = %d, want %d", step.at, step.limit, got, step.want)
		}
	}
}

// TestTableShrinks makes max much smaller, which no single call works off.
func TestTableShrinks(t *testing.T) {
	const n = 10_000
	table := bindings.New(bindings.Config{})
	for i := range n {
		bindNamed(table, 1, 0, fmt.Sprint(i))
	}
	table.Configure(0, 10)
	if got := table.Len(); got != n-callWork {
		t.Errorf("Len = %d, want %d", got, n-callWork)
	}
	for i := n; table.Len() > 10; i++ {
		if i == 2*n {
			t.Fatalf("%d bindings are left after as many as before were bound", table.Len())
		}
		bindNamed(table, 1, 0, fmt.Sprint(i))
	}
	if err := cmp.Or(checkViews(table, tableStart), checkDrained(table)); err != nil {
		t.Error(err)
	}
}

// TestTableShrinksToTheLiving makes max smaller when most bindings are dead and not worked off.
func TestTableShrinksToTheLiving(t *testing.T) {
	table := bindings.New(bindings.Config{})
	bindNamed(table, 1, 0, "old")
	for i := range 3 * callWork {
		bindNamed(table, 2, 0, fmt.Sprint(i))
	}
	table.Release(2)
	table.Configure(0, 2)
	bindNamed(table, 1, 0, "new")
	if _, ok := table.Find(keyNamed(table, "old"), tableStart); !ok {
		t.Error("a live binding went while there were dead ones")
	}
}

// TestTableEpochs makes the time to live shorter more often than the table distinguishes. It then forgets which bindings
// end first, but not that they do.
func TestTableEpochs(t *testing.T) {
	table := bindings.New(bindings.Config{TTL: 100 * time.Second})
	for i := range 30 {
		table.Configure(time.Duration(100-i)*time.Second, 0)
		bindNamed(table, 1, float64(i), fmt.Sprint(i))
	}
	if got := table.Epochs(); got != 16 {
		t.Errorf("%d epochs, want the bound of 16", got)
	}
	if got := table.Expire(tableAt(100), 100); got != 30 {
		t.Errorf("Expire = %d, want 30", got)
	}
}

func TestTableAllocatesNothing(t *testing.T) {
	table := bindings.New(bindings.Config{Max: 2000})
	r := rand.New(rand.NewPCG(1, 1))
	sessions := make([]selector.Session, 2)
	replace := func() {
		sessions[0].Key, sessions[1].Key = randomKey(r), randomKey(r)
		table.Bind(sessions, 3, tableStart)
	}
	for range 10_000 {
		replace()
	}
	for name, call := range map[string]func(){
		"Bind":  replace,
		"Find":  func() { table.Find(sessions[0].Key, tableStart) },
		"Renew": func() { table.Renew(sessions[1].Key, tableStart) },
		"Key":   func() { table.Key("provider", "header:0123456789", "a model") },
	} {
		if got := testing.AllocsPerRun(2000, call); got > 0 {
			t.Errorf("%s allocates %v times", name, got)
		}
	}
}

// TestTableConcurrently is for the race detector, and checks that what is left is whole.
func TestTableConcurrently(t *testing.T) {
	table := bindings.New(bindings.Config{TTL: time.Second, Max: 500})
	var all sync.WaitGroup
	for worker := range uint64(4) {
		all.Go(func() {
			r := rand.New(rand.NewPCG(worker, 7))
			for i := range 4000 {
				useAtRandom(table, r, tableAt(float64(i)/1000))
			}
		})
	}
	all.Wait()
	if got := table.Len(); got > 500 {
		t.Errorf("Len = %d, want at most 500", got)
	}
	// What is over may still be counted, as the time to live became shorter more often than the table distinguishes.
	listed, err := checkListed(table, tableAt(4))
	if err := cmp.Or(err, checkDrained(table)); err != nil || len(listed) > 500 {
		t.Errorf("%d are listed: %v", len(listed), err)
	}
}

func useAtRandom(t *bindings.Table, r *rand.Rand, now time.Time) {
	key := func() selector.SessionKey { return t.Key("p", fmt.Sprint(r.IntN(1500)), "") }
	slot := selector.Slot(r.IntN(20))
	switch r.IntN(12) {
	case 0, 1, 2:
		t.Bind([]selector.Session{{Key: key()}, {Key: key()}}, slot, now)
	case 3, 4:
		t.Join(selector.Session{Key: key()}, key(), now)
	case 5, 6:
		k := key()
		if _, ok := t.Find(k, now); ok {
			t.Renew(k, now)
		}
	case 7:
		t.Release(slot)
	case 8:
		t.Unbind(key(), now)
	case 9:
		t.Expire(now, 10)
	case 10:
		t.List(bindings.Query{Slot: slot, OfSlot: r.IntN(2) == 0, Size: 7}, now)
	default:
		t.Configure(time.Second-time.Duration(r.IntN(2))*time.Millisecond, 450+r.IntN(50))
		t.Count(slot)
		t.Max()
	}
}
