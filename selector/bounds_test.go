package selector

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// What callers send must not grow the pool.

func (p *Pool) mustPick(t *testing.T, req *Request, now time.Time) *Auth {
	t.Helper()
	got, err := p.Pick(req, now)
	if err != nil {
		t.Fatalf("Pick(%+v) = %v", req, err)
	}
	return got.Auth
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestMillionModelNamesLeaveFourThousandRoutesAndFlatMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what takes a million names")
	}
	for s := RoundRobin; s <= WeightedRoundRobin; s++ {
		p := New(Config{Settings: Settings{Strategy: s}})
		p.Update([]*Auth{
			{ID: "a", Provider: "p", Attributes: map[string]string{attributeVirtualParent: "x"}},
			{ID: "b", Provider: "p", Prefix: "team", Attributes: map[string]string{attributeVirtualParent: "y"}},
			{ID: "c", Provider: "p", Models: []string{"*0"}, Attributes: map[string]string{attributeVirtualParent: "z"}},
		}, nil, start())
		if _, err := p.Cooldown("b", Cooldown{Model: "m", Until: start().Add(time.Hour)}, start()); err != nil {
			t.Fatal(err)
		}
		names := func(from, to int) {
			for i := from; i < to; i++ {
				// A part of a long text, and prefixes before a model that cools down.
				model := fmt.Sprintf("%032d model-%d(high)", i, i)
				if i%2 == 0 {
					model = fmt.Sprintf("x%d/m", i)
				}
				p.mustPick(t, &Request{Provider: "p", Model: model}, start())
			}
		}
		many := 100_000
		if s == RoundRobin {
			many = 1_000_000
		}
		names(0, 20_000)
		before := heapInUse()
		names(20_000, many)
		if grown := int64(heapInUse()) - int64(before); grown > 1<<20 {
			t.Errorf("%v: %d names grew the heap by %d bytes", s, many, grown)
		}
		if n := len(p.routes.byKey); n != maxRoutes {
			t.Errorf("%v: %d routes, want %d", s, n, maxRoutes)
		}
		for _, l := range p.runtime.index.provider("p").orders {
			hidden := 0
			if l.Keys(func(string) { hidden++ }); hidden > maxRoutes {
				t.Errorf("%v: ordered members knows what is hidden from %d models", s, hidden)
			}
		}
		if err := p.CheckIndex(); err != nil {
			t.Error(err)
		}
	}
}

func TestLeastRecentlyUsedRotationGoesFirst(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p"}, &Auth{ID: "b", Provider: "p"})
	pick := func(model string) string { return p.mustPick(t, &Request{Provider: "p", Model: model}, start()).ID }
	pick("old")
	pick("kept")
	for i := range maxRoutes - 1 {
		pick(fmt.Sprint("m", i))
		if i%100 == 0 {
			pick("kept")
		}
	}
	if p.routes.byKey[routeKey{provider: "p", model: "kept"}] == nil || p.routes.byKey[routeKey{provider: "p", model: "old"}] != nil {
		t.Fatal("the rotation that went is not the least recently used")
	}
	if got := pick("old"); got != "a" {
		t.Errorf("Pick of a rotation that went = %s, want a: it starts anew", got)
	}
}

func TestFailedPicksAndDryRunsKeepNothing(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p"}, &Auth{ID: "off", Provider: "q", Disabled: true})
	for i := range 10_000 {
		model := fmt.Sprint("m", i)
		p.mustPick(t, &Request{Provider: "p", Model: model, Options: DryRun}, start())
		for _, provider := range []string{"q", "none", model} {
			if _, err := p.Pick(&Request{Provider: provider, Model: model}, start()); err == nil {
				t.Fatal("Pick of nobody went well")
			}
		}
	}
	if n := len(p.routes.byKey); n != 0 {
		t.Errorf("%d routes, want none", n)
	}
}

func TestBlocksOfThousandsOfModelsLeaveThoseThatEndLast(t *testing.T) {
	many := 5000
	if testing.Short() {
		many = maxModelBlocks + 500
	}
	p := internalPool(t, &Auth{ID: "a", Provider: "p"}, &Auth{ID: "b", Provider: "p", Priority: new(int64)})
	now := start()
	end := func(i int) time.Time { return now.Add(time.Hour + time.Duration(i)*time.Second) }
	for i := range many {
		if _, err := p.Cooldown("a", Cooldown{Model: fmt.Sprint("m", i), Until: end(i)}, now); err != nil {
			t.Fatal(err)
		}
		p.mustPick(t, &Request{Provider: "p", Model: fmt.Sprint("m", i)}, now) // so that there are masks to follow
	}
	status, err := p.Status("a", now)
	if err != nil || len(status.Blocks) != maxModelBlocks {
		t.Fatalf("%d blocks, %v, want %d", len(status.Blocks), err, maxModelBlocks)
	}
	for _, b := range status.Blocks {
		if b.Until.Before(end(many - maxModelBlocks)) {
			t.Errorf("the block of %s until %v is kept, though others end later", b.Model, b.Until)
		}
	}
	if err := p.CheckIndex(); err != nil {
		t.Error(err)
	}
	for i := range many {
		got, err := p.Pick(&Request{Provider: "p", Model: fmt.Sprint("m", i), Exclude: []string{"b"}}, now)
		if ready := err == nil; ready != (i < many-maxModelBlocks) {
			t.Fatalf("Pick of model %d = %v, %v", i, got.Auth, err)
		}
	}
}

func TestBlockThatIsOverGoesBeforeOneInForce(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p"})
	now := start()
	for i := range maxModelBlocks {
		c := Cooldown{Model: fmt.Sprint("m", i), Until: now.Add(time.Minute)}
		if i == 7 {
			c.Until = time.Time{} // two seconds by the ladder, which is remembered
		}
		if _, err := p.Cooldown("a", c, now); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(30 * time.Second)
	p.Advance(now, 10)
	if _, err := p.Cooldown("a", Cooldown{Model: "another", Until: now.Add(time.Second)}, now); err != nil {
		t.Fatal(err)
	}
	if status, err := p.Status("a", now); err != nil || len(status.Blocks) != maxModelBlocks {
		t.Errorf("%d blocks in force, %v, want %d", len(status.Blocks), err, maxModelBlocks)
	}
}

func TestIdentitiesOfAuthsThatLeftAreBoundedTheLongestGoneFirst(t *testing.T) {
	bindings := &releases{}
	p := New(Config{Bindings: bindings})
	const many = 20_000
	id := func(i int) string { return fmt.Sprintf("auth-%05d", i) }
	now := start()
	for from := 0; from < many; from += 1000 {
		var put []*Auth
		var remove []string
		for i := from; i < from+1000; i++ {
			put, remove = append(put, &Auth{ID: id(i), Provider: "p"}), append(remove, id(i))
		}
		p.Update(put, nil, now)
		for _, id := range remove {
			if _, err := p.Cooldown(id, Cooldown{Until: now.Add(time.Hour)}, now); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Cooldown(id, Cooldown{Model: "m", Until: now.Add(time.Hour)}, now); err != nil {
				t.Fatal(err)
			}
		}
		p.Update(nil, remove, now)
	}
	if n := len(p.runtime.identities); n != maxOrphans || len(p.runtime.slots)-len(p.runtime.free) != maxOrphans || p.runtime.timers.Len() != 2*maxOrphans {
		t.Errorf("%d identities, %d slots, %d timers", n, len(p.runtime.slots)-len(p.runtime.free), p.runtime.timers.Len())
	}
	if len(p.runtime.slots) > maxOrphans+1000 {
		t.Errorf("%d slots: those of identities that went are not used again", len(p.runtime.slots))
	}
	// Of each that went, what is bound to it and what it issued.
	if len(bindings.released) != 2*(many-maxOrphans) {
		t.Errorf("%d slots were released, want %d", len(bindings.released), 2*(many-maxOrphans))
	}
	p.Update([]*Auth{{ID: id(0), Provider: "p"}, {ID: id(many - 1), Provider: "p"}}, nil, now)
	for i, want := range map[int]State{0: StateReady, many - 1: StateCooling} {
		if status, err := p.Status(id(i), now); err != nil || status.State != want {
			t.Errorf("%s came back as %d, %v, want %d", id(i), status.State, err, want)
		}
	}
	if err := p.CheckIndex(); err != nil {
		t.Error(err)
	}
}

func TestIdentitiesThatOthersKnowAreBounded(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p"})
	for i := range maxOrphans + 100 {
		key := cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: fmt.Sprintf("other-%05d", i)}
		p.Merge([]cooldown.Record{{Key: key, Switch: cooldown.Switch{At: 1, Disabled: true}}}, start())
	}
	if n := len(p.runtime.orphans); n != maxOrphans {
		t.Errorf("%d identities without an auth, want %d", n, maxOrphans)
	}
	if err := p.CheckIndex(); err != nil {
		t.Error(err)
	}
}

func TestLimitDomainsThatOnlyOthersKnowAreBounded(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p", Domains: []string{"org:acme"}})
	key := func(i int) cooldown.RecordKey {
		if i%2 == 0 {
			return cooldown.RecordKey{Kind: cooldown.RecordProvider, Provider: fmt.Sprintf("other-%05d", i)}
		}
		return cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: "p", Name: fmt.Sprintf("org:%05d", i)}
	}
	isNews := func(key cooldown.RecordKey) (news bool) {
		r := cooldown.Record{Key: key, Scopes: []cooldown.ScopeRecord{{}}}
		r.Scopes[0].Quota.Add(cooldown.Observation{Received: cooldown.InstantOf(start()), Until: cooldown.Never, Probe: cooldown.Never})
		return len(p.Merge([]cooldown.Record{r}, start())) == 1
	}
	for i := range maxOrphans + 100 {
		if got, want := isNews(key(i)), i < maxOrphans; got != want {
			t.Fatalf("record %d is news: %t, want %t", i, got, want)
		}
	}
	if n := len(p.runtime.domains); n != maxOrphans {
		t.Errorf("%d limit domains, want %d", n, maxOrphans)
	}
	if !isNews(cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: "p", Name: "org:acme"}) {
		t.Error("what others know of a domain in use is passed over")
	}
	if err := p.CheckIndex(); err != nil {
		t.Error(err)
	}
	p.Update([]*Auth{{ID: "b", Provider: "p", Domains: []string{"org:00001"}}}, nil, start())
	if status, err := p.Status("b", start()); err != nil || status.State != StateBlocked {
		t.Errorf("an auth of a domain that others knew: %v, %v, want it blocked", status.State, err)
	}
	if !isNews(key(maxOrphans)) || isNews(key(maxOrphans+1)) {
		t.Error("a domain that is in use now leaves room for one other")
	}
	if err := p.CheckIndex(); err != nil {
		t.Error(err)
	}
}

// releases are bindings that only count what is released.
type releases struct {
	Bindings

	released []Slot
}

func (r *releases) Release(slot Slot) int {
	r.released = append(r.released, slot)
	return 0
}

func TestThousandExclusionsOfEverySortAreLeftOut(t *testing.T) {
	var auths []*Auth
	var exclude []string
	for i := range 2000 {
		a := &Auth{ID: fmt.Sprintf("auth-%04d", i), Provider: "p", Attributes: map[string]string{attributeVirtualParent: fmt.Sprint("x", i/3)}}
		if auths = append(auths, a); i%2 == 0 {
			exclude = append(exclude, a.ID)
		}
	}
	exclude = append(exclude, exclude[:24]...) // twice
	for s := RoundRobin; s <= WeightedRoundRobin; s++ {
		p := New(Config{Settings: Settings{Strategy: s}})
		p.Update(auths, nil, start())
		counts := map[string]int{}
		for range 1400 {
			counts[p.mustPick(t, &Request{Provider: "p", Model: "m", Exclude: exclude}, start()).ID]++
		}
		for _, id := range exclude {
			if counts[id] > 0 {
				t.Fatalf("%v: Pick = %s, which is excluded", s, id)
			}
		}
		if want := 1000; s != FillFirst && len(counts) != want {
			t.Errorf("%v: %d auths were taken, want %d", s, len(counts), want)
		}
	}
}

// However long the cooldowns are that callers report of other models, those that an upstream told stay, and whoever is refused is told.
func TestWhatCallersSayPushesNoBlockOut(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p"})
	now := start()
	limited := func(model string, claimed bool, span time.Duration) Consequence {
		done, err := p.Report(Attempt{AuthID: "a", Model: model, Started: now}, cooldown.Finding{
			Action: cooldown.ActionCooldown, Scope: cooldown.ScopeModel, Kind: cooldown.Quota, Reason: "rate_limited",
			Until: now.Add(span), Hint: true, Claimed: claimed,
		}, now)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	const heard = maxModelBlocks - 2
	for i := range heard {
		limited(fmt.Sprint("m", i), false, 10*time.Second)
	}
	for i := range 10 {
		done := limited(fmt.Sprint("forged", i), true, time.Hour-time.Duration(i)*time.Second)
		if (done.Note == "") != (i < 2) || (done.Action == cooldown.ActionCooldown) != (i < 2) {
			t.Errorf("claim %d of what there is room for two: %+v", i, done)
		}
		_, err := p.Cooldown("a", Cooldown{Model: fmt.Sprint("ordered", i), Until: now.Add(time.Minute)}, now)
		if field, refused := errors.AsType[*FieldError](err); refused != (i >= 1) || refused && field.Field != "model" {
			t.Errorf("Cooldown %d = %v, want it refused for its model", i, err)
		}
	}
	if _, err := p.Cooldown("a", Cooldown{Model: "ordered", Until: now.Add(2 * time.Hour)}, now); err != nil {
		t.Errorf("a cooldown that ends after others that callers reported: %v", err)
	}
	if done := limited("another", false, time.Second); done.Note != "" {
		t.Errorf("what the upstream told is not kept: %s", done.Note)
	}
	status, err := p.Status("a", now)
	if err != nil || len(status.Blocks) != maxModelBlocks {
		t.Fatalf("%d blocks, %v, want %d", len(status.Blocks), err, maxModelBlocks)
	}
	for i := range heard {
		if _, err := p.Pick(&Request{Provider: "p", Model: fmt.Sprint("m", i), Options: DryRun}, now); err == nil {
			t.Fatalf("the block of model %d is gone", i)
		}
	}
	if err := p.CheckIndex(); err != nil {
		t.Error(err)
	}
}
