package selector_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

func newRecordingPool(wake func(), ids ...string) *selector.Pool {
	p := selector.New(selector.Config{Recording: true, Permits: true, Wake: wake})
	auths := make([]*selector.Auth, 0, len(ids))
	for _, id := range ids {
		auths = append(auths, &selector.Auth{ID: id, Provider: "p"})
	}
	p.Update(auths, nil, historyStart())
	return p
}

func TestChangedAtIsOfTheAuthAlone(t *testing.T) {
	p := newRecordingPool(nil, "a", "b")
	if got := p.ChangedAt("a"); got != 0 {
		t.Errorf("ChangedAt of what nobody touched = %d, want 0", got)
	}
	for _, id := range []string{"a", "b"} {
		if err := p.Disable(id, "", historyStart()); err != nil {
			t.Fatal(err)
		}
	}
	if a, b, all := p.ChangedAt("a"), p.ChangedAt("b"), p.Changes(); a != 1 || b != 2 || all != 2 {
		t.Errorf("ChangedAt = %d and %d of %d, want 1 and 2 of 2", a, b, all)
	}
	if got := p.ChangedAt("gone"); got != 2 {
		t.Errorf("ChangedAt of an auth that is not there = %d, want all: 2", got)
	}
}

func TestMergeReturnsWhatIsNews(t *testing.T) {
	from, to := newRecordingPool(nil, "a", "b"), newRecordingPool(nil, "a", "b")
	if err := from.Disable("a", "", historyStart()); err != nil {
		t.Fatal(err)
	}
	records, _, _ := from.Take(10)
	if news := to.Merge(records, historyStart()); len(news) != 1 || news[0].Key.Name != "a" {
		t.Errorf("Merge = %v, want the record of a", news)
	}
	if news := to.Merge(records, historyStart()); len(news) != 0 {
		t.Errorf("Merge of the same once more = %v, want nothing", news)
	}
	if _, _, more := to.Take(10); more {
		t.Error("what others know better is to be stored")
	}
}

func TestThePoolWakesWhoStores(t *testing.T) {
	woken := 0
	p := newRecordingPool(func() { woken++ }, "a")
	if err := p.Disable("a", "", historyStart()); err != nil || woken != 1 {
		t.Errorf("Disable: %v, woken %d times, want once", err, woken)
	}
	if err := p.Enable("a", historyStart()); err != nil || woken != 1 {
		t.Errorf("Enable before Take: %v, woken %d times, want once", err, woken)
	}
	f := rateLimited()
	f.Until, f.Hint = historyStart().Add(24*time.Hour), true
	p.Take(10)
	if _, err := p.Report(selector.Attempt{AuthID: "a"}, f, historyStart()); err != nil || woken != 2 {
		t.Errorf("Report: %v, woken %d times, want twice", err, woken)
	}
	p.Advance(historyStart().Add(selector.DefaultMaxHint), 10)
	if keys := p.Wanted(); woken != 3 || len(keys) != 1 {
		t.Errorf("half-open: woken %d times and %v wanted, want three times and one", woken, keys)
	}
}

func TestPickNamesIdentities(t *testing.T) {
	table := newSessionTable[selector.Slot](time.Hour)
	p := selector.New(selector.Config{Bindings: table})
	p.Update([]*selector.Auth{{ID: "a", Provider: "p", Identity: "one"}, {ID: "b", Provider: "p", Identity: "two"}}, nil, historyStart())
	req := selector.Request{Provider: "p", Sessions: []selector.Session{{Key: selector.SessionKey{Lo: 1}}}}
	first, err := p.Pick(&req, historyStart())
	if err != nil || first.Identity != "one" || first.From != "" {
		t.Errorf("first Pick = %q from %q, %v; want one from none", first.Identity, first.From, err)
	}
	if err := p.Disable("a", "", historyStart()); err != nil {
		t.Fatal(err)
	}
	moved, err := p.Pick(&req, historyStart())
	if err != nil || moved.Identity != "two" || moved.From != "one" {
		t.Errorf("second Pick = %q from %q, %v; want two from one", moved.Identity, moved.From, err)
	}
}

func TestMergeOfNothingNewTellsNoWatcher(t *testing.T) {
	p := newRecordingPool(nil, "a", "b")
	for _, model := range []string{"", "m", "n"} {
		if _, err := p.Cooldown("a", selector.Cooldown{Model: model, Until: historyStart().Add(time.Hour)}, historyStart()); err != nil {
			t.Fatal(err)
		}
	}
	w := p.Watch()
	defer w.Close()
	p.Merge(p.Records(), historyStart())
	if got := w.Take(); len(got) != 0 {
		t.Errorf("after a merge of what is known: Take = %v, want nothing", got)
	}
}

// What is over of a record must not take with it what is in force.
func TestMergeKeepsWhatIsInForce(t *testing.T) {
	for _, name := range []string{"org:acme", "org:nobodys"} {
		p := newPlayer(t, selector.Config{Recording: true}, auth("a", domain("org:acme")))
		at := cooldown.InstantOf(p.now)
		r := cooldown.Record{Key: cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: "p", Name: name}}
		r.Scope("", false).Quota.Add(cooldown.Observation{Received: at - 100, Until: at - 50})
		end := at.Add(time.Hour)
		r.Scope("m", false).Quota.Add(cooldown.Observation{Received: at - 100, Until: end, Probe: end})
		p.Merge([]cooldown.Record{r}, p.now)
		p.must(p.CheckIndex())
		if n := len(p.Records()); n != 1 {
			t.Errorf("%s: %d records, want one", name, n)
		}
		if got := p.tryPick(); name == "org:acme" && got != "cooling" {
			t.Error("a pick gets an auth whose domain cools down")
		}
		p.now = p.now.Add(30 * time.Hour)
		p.Advance(p.now, 1000)
		p.must(p.CheckIndex())
		if n := len(p.Records()); n != 0 {
			t.Errorf("%s: %d records a day later", name, n)
		}
	}
}

// An old clear ends what it is about, though nothing but that is left to tell of it.
func TestMergeOfAnOldClearEndsWhatItIsAbout(t *testing.T) {
	for _, model := range []string{"", "m"} {
		p := newPlayer(t, selector.Config{Recording: true}, auth("a"))
		p.cool("a", model, 40*time.Hour)
		cleared := p.Records()[0]
		p.now = p.now.Add(30 * time.Hour)
		cleared.Cleared = cooldown.InstantOf(p.now.Add(-29 * time.Hour))
		p.Merge([]cooldown.Record{{Key: cleared.Key, Cleared: cleared.Cleared}}, p.now)
		if got := p.tryPick(); got != "a" {
			t.Errorf("model %q: after the clear a pick gets %s", model, got)
		}
		p.must(p.CheckIndex())
	}
}

// Two replicas know of a thousand models each, and of no two the same: those stay that end last.
func TestFullRecordsMerge(t *testing.T) {
	p := newPlayer(t, selector.Config{Recording: true}, auth("a"))
	p.cool("a", "m", time.Minute)
	at := cooldown.InstantOf(p.now)
	for i, prefix := range []string{"first", "second"} {
		r := cooldown.Record{Key: p.Records()[0].Key}
		for model := range cooldown.MaxModels {
			s := r.Scope(fmt.Sprintf("%s-%04d", prefix, model), false)
			s.Quota.Add(cooldown.Observation{Received: at, Until: at.Add(time.Duration(i+1) * time.Hour)})
		}
		p.Merge([]cooldown.Record{r}, p.now)
		p.must(p.CheckIndex())
		if got := p.Records(); len(got) != 1 || !slices.EqualFunc(got[0].Scopes, r.Scopes, func(a, b cooldown.ScopeRecord) bool { return a.Model == b.Model }) {
			t.Errorf("after the %s full record, others are known than those of it", prefix)
		}
	}
}
