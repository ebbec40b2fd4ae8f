package selector_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// rateLimited is what a limit without a time means, and refused what a refused secret means.
func rateLimited() cooldown.Finding {
	return cooldown.Finding{
		Action: cooldown.ActionCooldown, Scope: cooldown.ScopeModel, Kind: cooldown.Quota, Ladder: cooldown.LadderRate,
		Reason: "rate_limited", Rule: "common.rate",
	}
}

func refused() cooldown.Finding {
	return cooldown.Finding{
		Action: cooldown.ActionInvalidate, Scope: cooldown.ScopeAuth, Kind: cooldown.Authentication,
		Reason: "auth_invalid", Rule: "common.auth", OperatorAction: "Replace the API key.",
	}
}

// hinted is a limit of the auth with a time that the upstream hinted at.
func hinted(until time.Time) cooldown.Finding {
	f := rateLimited()
	f.Scope, f.Until, f.Hint = cooldown.ScopeAuth, until, true
	return f
}

// report says what came of a request for model m that began a while ago.
func (p *player) report(id string, ago time.Duration, f cooldown.Finding) selector.Consequence {
	p.t.Helper()
	attempt := selector.Attempt{AuthID: id, Model: "m", Started: p.now.Add(-ago)}
	if a, ok := p.Auth(id); ok {
		attempt.Again = againOf(a, "m", 0)
	}
	c, err := p.Report(attempt, f, p.now)
	p.must(err)
	return c
}

// againOf is a request that was tried with one auth so far.
func againOf(a *selector.Auth, model string, tag uint64) *selector.Request {
	return &selector.Request{Provider: a.Provider, Model: model, Exclude: []string{a.ID}, Tag: tag}
}

// tryPick returns the id of the auth that a request for model m gets, or how it is refused.
func (p *player) tryPick(exclude ...string) string {
	p.t.Helper()
	got, err := p.Pick(&selector.Request{Provider: "p", Model: "m", Exclude: exclude}, p.now)
	var cooldownErr *selector.CooldownError
	var unavailable *selector.UnavailableError
	switch {
	case err == nil:
		return got.Auth.ID
	case errors.As(err, &cooldownErr):
		return "cooling"
	case errors.As(err, &unavailable):
		return "unavailable"
	}
	p.t.Fatal(err)
	return ""
}

func TestHintFarAwayIsTriedByOneRequestAtATime(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	c := p.report("a", time.Second, hinted(p.now.Add(18*24*time.Hour)))
	if want := p.now.Add(selector.DefaultMaxHint); !c.ProbeAt.Equal(want) || !c.Until.Equal(p.now.Add(18*24*time.Hour)) {
		t.Fatalf("Report = until %v, probe at %v, want a probe at %v", c.Until, c.ProbeAt, want)
	}
	p.now = c.ProbeAt.Add(-1)
	if got := p.tryPick(); got != "cooling" {
		t.Errorf("before the probe: %s", got)
	}
	for round := range 3 {
		p.now = c.ProbeAt
		if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "cooling"} {
			t.Fatalf("round %d: picks = %v, want one probe", round, got)
		}
		p.now = p.now.Add(3 * time.Second)
		limit := rateLimited()
		limit.Scope = cooldown.ScopeAuth
		p.report("a", 3*time.Second, rateLimited()) // a limit of the model alone speaks for it as well
		c = p.report("a", 3*time.Second, limit)
		if want := p.now.Add(selector.DefaultMaxHint); !c.ProbeAt.Equal(want) {
			t.Fatalf("round %d: probed again at %v, want %v: the hint still stands", round, c.ProbeAt, want)
		}
	}
	p.now = c.ProbeAt
	if got := p.tryPick(); got != "a" {
		t.Fatalf("probe: %s", got)
	}
	p.now = p.now.Add(time.Second)
	p.report("a", time.Second, cooldown.Finding{Success: true})
	if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "a"} {
		t.Errorf("after a probe that was served: %v", got)
	}
}

func TestProbeThatNobodyReportsGivesWayToTheNext(t *testing.T) {
	settings := selector.Settings{ProbeTimeout: 10 * time.Second}
	p := newPlayer(t, selector.Config{Settings: settings}, auth("a"))
	p.report("a", 0, hinted(p.now.Add(time.Hour)))
	p.now = p.now.Add(selector.DefaultMaxHint)
	if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "cooling"} {
		t.Fatalf("picks = %v, want one probe", got)
	}
	// An answer that proves nothing frees the way at once.
	p.report("a", 0, cooldown.Finding{Reason: "client_cancelled"})
	if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "cooling"} {
		t.Fatalf("after a probe that was cancelled: %v", got)
	}
	p.now = p.now.Add(10 * time.Second)
	if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "cooling"} {
		t.Fatalf("after a probe that nobody reported: %v", got)
	}
	p.now = p.now.Add(time.Hour)
	if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "a"} {
		t.Errorf("after the end of the hint: %v", got)
	}
}

func TestOldSuccessAfterANewLimitChangesNothing(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	p.now = p.now.Add(time.Hour)
	limit := p.report("a", time.Second, hinted(p.now.Add(10*time.Minute)))
	p.now = p.now.Add(30 * time.Second)
	p.report("a", time.Minute, cooldown.Finding{Success: true})
	if got := p.tryPick(); got != "cooling" {
		t.Errorf("after the success of an older request: %s", got)
	}
	s, err := p.Status("a", p.now)
	p.must(err)
	if len(s.Blocks) != 1 || !s.Blocks[0].Until.Equal(limit.Until) {
		t.Errorf("blocks = %v, want one until %v", s.Blocks, limit.Until)
	}
	p.report("a", 10*time.Second, cooldown.Finding{Success: true})
	if got := p.tryPick(); got != "a" {
		t.Errorf("after the success of a newer request: %s", got)
	}
}

func TestShorterDeadlineNeverShortens(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	long := p.now.Add(10 * time.Minute)
	p.report("a", 0, hinted(long))
	for _, wait := range []time.Duration{0, time.Second, time.Minute} {
		p.now = p.now.Add(wait)
		if c := p.report("a", 0, hinted(p.now.Add(5*time.Second))); !c.Until.Equal(long) {
			t.Errorf("after %v: until %v, want %v", wait, c.Until, long)
		}
	}
}

func TestBurstClimbsTheLadderOnceAndSuccessResetsIt(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	for level := 1; level <= 12; level++ {
		first := p.report("a", time.Second, rateLimited())
		for range 5 {
			p.now = p.now.Add(100 * time.Millisecond)
			if c := p.report("a", time.Second, rateLimited()); c.Level != level || !c.Until.Equal(first.Until) {
				t.Fatalf("burst in window %d: level %d until %v, want until %v", level, c.Level, c.Until, first.Until)
			}
		}
		least, most := ladderBounds(cooldown.Quota, level)
		if d := first.Until.Sub(p.now.Add(-500 * time.Millisecond)); d < least || d > most {
			t.Fatalf("level %d lasts %v, want %v to %v", level, d, least, most)
		}
		p.now = first.Until.Add(2 * time.Second)
	}
	p.report("a", 0, cooldown.Finding{Success: true})
	p.now = p.now.Add(2 * time.Second)
	if c := p.report("a", time.Second, rateLimited()); c.Level != 1 {
		t.Errorf("after a success: level %d, want 1", c.Level)
	}
}

func TestModelLimitCoolsTheModelAlone(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	missing := cooldown.Finding{
		Action: cooldown.ActionCooldown, Scope: cooldown.ScopeModel, Kind: cooldown.Other,
		Until: p.now.Add(12 * time.Hour), Hint: true, Reason: "model_unavailable",
	}
	p.report("a", 0, missing)
	if got := p.tryPick(); got != "unavailable" {
		t.Errorf("the model: %s", got)
	}
	if got := p.pick(selector.Request{Provider: "p", Model: "n"}); got != "a" {
		t.Errorf("another model: %s", got)
	}
	p.now = p.now.Add(selector.DefaultMaxHint)
	if got := p.tryPick(); got != "a" {
		t.Fatalf("a quarter of an hour later: %s, want a probe", got)
	}
	p.report("a", 0, cooldown.Finding{Success: true})
	if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "a"} {
		t.Errorf("after the probe was served: %v", got)
	}
}

func TestFamilyCoolsTogether(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", func(a *selector.Auth) { a.Models = []string{"claude-*"} }), auth("b", func(a *selector.Auth) { a.Prefix = "team" }))
	weekly := rateLimited()
	weekly.ModelFamily, weekly.Until, weekly.Hint = "claude-opus-*", p.now.Add(time.Hour), true
	for _, id := range []string{"a", "b"} {
		_, err := p.Report(selector.Attempt{AuthID: id, Model: "claude-opus-4-5(high)", Started: p.now}, weekly, p.now)
		p.must(err)
	}
	for model, want := range map[string]bool{
		"claude-opus-4-5": false, "claude-opus-4-1": false, "team/claude-opus-4-1": false, "claude-sonnet-4-5": true, "": true,
	} {
		if _, err := p.Pick(&selector.Request{Provider: "p", Model: model}, p.now); (err == nil) != want {
			t.Errorf("Pick(%q) = %v, want ready: %t", model, err, want)
		}
	}
	p.must(p.CheckIndex())
}

func domain(names ...string) func(*selector.Auth) {
	return func(a *selector.Auth) { a.Domains = names }
}

func TestLimitCoolsExactlyWhatSharesIt(t *testing.T) {
	p := newPlayer(t, selector.Config{},
		auth("a", domain("org:acme", "project:one")), auth("b", domain("org:acme")), auth("c", domain("org:other")), auth("d"),
		auth("x", domain("org:acme"), func(a *selector.Auth) { a.Provider = "q" }),
	)
	limit := rateLimited()
	limit.Domain = "org"
	c := p.report("a", 0, limit)
	if !slices.Equal(c.Domains, []string{"org:acme"}) || !c.Others {
		t.Errorf("Report = %+v, want org:acme to cool down, and others", c)
	}
	if got := []string{p.tryPick(), p.tryPick(), p.tryPick()}; !slices.Equal(got, []string{"c", "d", "c"}) {
		t.Errorf("picks = %v", got)
	}
	if got := p.pick(selector.Request{Provider: "q", Model: "m"}); got != "x" {
		t.Errorf("a namesake at another provider: %s", got)
	}
	for id, want := range map[string]int{"a": 1, "b": 1, "c": 0, "d": 0, "x": 0} {
		s, err := p.Status(id, p.now)
		p.must(err)
		if len(s.Blocks) != want || want > 0 && s.Blocks[0].Domain != "org:acme" {
			t.Errorf("%s has blocks %+v, want %d", id, s.Blocks, want)
		}
	}
	// Success of one proves it for all.
	p.now = p.now.Add(time.Second)
	p.report("b", 0, cooldown.Finding{Success: true})
	if got := p.tryPick("b", "c", "d"); got != "a" {
		t.Errorf("after a success of b: %s, want a", got)
	}
	// An auth that declares none of that kind is on its own.
	if c := p.report("d", 0, limit); len(c.Domains) > 0 || p.tryPick("b", "c", "d") != "a" {
		t.Errorf("Report = %+v", c)
	}
	p.must(p.CheckIndex())
}

func TestRefusedSecretIsOutUntilThereIsAnother(t *testing.T) {
	p := newPlayer(t, selector.Config{Bindings: newSessionTable[selector.Slot](time.Hour)}, auth("a", secret("old")), auth("b"))
	p.pick(selector.Request{Provider: "p", Model: "m", Sessions: session(1), Exclude: []string{"b"}})
	p.now = p.now.Add(time.Second)
	c := p.report("a", time.Second, refused())
	if c.Action != cooldown.ActionInvalidate || c.Released != 1 || !c.Others || !c.Until.IsZero() {
		t.Errorf("Report = %+v", c)
	}
	if s, err := p.Status("a", p.now); err != nil || s.State != selector.StateBlocked || s.Why != "auth_invalid (rule common.auth): Replace the API key." {
		t.Errorf("Status = %+v, %v", s, err)
	}
	if got := p.tryPick("b"); got != "unavailable" {
		t.Errorf("with a refused secret: %s", got)
	}
	p.now = p.now.Add(time.Second)
	p.put(auth("a", secret("new")))
	if got := p.tryPick("b"); got != "a" {
		t.Errorf("with another secret: %s", got)
	}
	// The failure of a request that was sent with the old secret.
	if c := p.report("a", time.Second, refused()); c.Action != cooldown.ActionNone || c.Note == "" || p.tryPick("b") != "a" {
		t.Errorf("Report of an older request = %+v", c)
	}
	p.must(p.CheckIndex())
}

func TestThreeRefusalsWithinThreeHoursDisable(t *testing.T) {
	forbidden := cooldown.Finding{
		Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Other, Reason: "forbidden", Rule: "common.403",
		OperatorAction: "Look at the rights of this auth.", Repeat: cooldown.Repeat{Count: 3, Within: 3 * time.Hour, Action: cooldown.ActionDisable},
	}
	refuse := func(p *player) selector.Consequence {
		f := forbidden
		f.Until, f.Hint = p.now.Add(30*time.Minute), true
		return p.report("a", time.Second, f)
	}
	for name, test := range map[string]struct {
		gap  time.Duration
		good bool // served in between
		want cooldown.Action
	}{
		"one after the other":  {time.Hour, false, cooldown.ActionDisable},
		"with hours between":   {2 * time.Hour, false, cooldown.ActionCooldown},
		"in one burst":         {100 * time.Millisecond, false, cooldown.ActionCooldown},
		"served in the middle": {time.Hour, true, cooldown.ActionCooldown},
	} {
		p := newPlayer(t, selector.Config{}, auth("a"))
		var last selector.Consequence
		for i := range 3 {
			if last = refuse(p); i == 1 && test.good {
				p.now = p.now.Add(time.Minute)
				p.report("a", 0, cooldown.Finding{Success: true})
			}
			p.now = p.now.Add(test.gap)
		}
		if last.Action != test.want {
			t.Errorf("%s: action %d, want %d", name, last.Action, test.want)
		}
		if last.Action != cooldown.ActionDisable {
			continue
		}
		s, err := p.Status("a", p.now)
		p.must(err)
		if s.State != selector.StateDisabled || s.Why != "forbidden (rule common.403): Look at the rights of this auth." {
			t.Errorf("%s: %+v", name, s)
		}
		p.must(p.Enable("a", p.now))
		p.now = p.now.Add(time.Minute)
		disable := forbidden
		disable.Action, disable.Repeat = cooldown.ActionDisable, cooldown.Repeat{}
		if c := p.report("a", 2*time.Minute, disable); c.Action != cooldown.ActionNone || c.Note == "" {
			t.Errorf("%s: a request from before it was enabled: %+v", name, c)
		}
		// Whoever enabled it knew of the refusals before: they do not count any more.
		for i, want := range []cooldown.Action{cooldown.ActionCooldown, cooldown.ActionCooldown, cooldown.ActionDisable} {
			if c := refuse(p); c.Action != want {
				t.Errorf("%s: refusal %d after it was enabled: %+v", name, i+1, c)
			}
			p.now = p.now.Add(time.Minute)
		}
		p.must(p.Enable("a", p.now))
		p.now = p.now.Add(time.Minute)
		if c := p.report("a", time.Second, disable); c.Action != cooldown.ActionDisable {
			t.Errorf("%s: a request from after it was enabled: %+v", name, c)
		}
	}
}

func TestOperatorsClearIsNotUndoneByWhatWasKnownBefore(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", domain("org:acme")))
	shared := hinted(p.now.Add(time.Hour))
	shared.Domain = "org"
	p.report("a", 0, shared)
	p.report("a", 0, hinted(p.now.Add(time.Hour)))
	p.cool("a", "m", time.Hour)
	p.now = p.now.Add(time.Second)
	if n, err := p.ClearCooldown("a", "", p.now); err != nil || n != 3 {
		t.Errorf("ClearCooldown = %d, %v, want 3", n, err)
	}
	if got := p.tryPick(); got != "a" {
		t.Errorf("after the clear: %s", got)
	}
	p.must(p.CheckIndex())
}

func TestCallersFaultChangesNothing(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"))
	before, err := p.Status("a", p.now)
	p.must(err)
	for _, f := range []cooldown.Finding{{}, {Reason: "client_cancelled"}, {Reason: "context_length", Rule: "common.length"}} {
		if c := p.report("a", 0, f); c.Action != cooldown.ActionNone || !c.Until.IsZero() || !c.Others {
			t.Errorf("Report(%+v) = %+v", f, c)
		}
	}
	after, err := p.Status("a", p.now)
	p.must(err)
	if after.State != before.State || len(after.Blocks) > 0 || after.LastReport.What != "context_length" {
		t.Errorf("Status = %+v", after)
	}
	if _, err := p.Report(selector.Attempt{AuthID: "none"}, cooldown.Finding{}, p.now); !errors.Is(err, selector.ErrUnknownAuth) {
		t.Errorf("Report of an unknown auth = %v", err)
	}
}

func TestDeadAuthsAreFoundInOneTryEach(t *testing.T) {
	for name, dead := range map[string]cooldown.Finding{
		"refused": refused(),
		"closed":  {Action: cooldown.ActionDisable, Scope: cooldown.ScopeAuth, Reason: "account_disabled"},
		"spent":   {Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Quota, Ladder: cooldown.LadderQuota, Reason: "usage_window"},
		"missing": {Action: cooldown.ActionCooldown, Scope: cooldown.ScopeModel, Kind: cooldown.Other, Reason: "model_unavailable"},
	} {
		alive := fmt.Sprintf("auth-%06d", rand.IntN(10))
		p := newPlayer(t, selector.Config{}, numbered(10, func(_ int, a *selector.Auth) { secret(a.ID)(a); a.Identity = "" })...)
		tries := map[string]int{}
		for range 60 {
			id := p.tryPick()
			if tries[id]++; id == alive {
				p.report(id, 0, cooldown.Finding{Success: true})
				continue
			}
			f := dead
			if name == "missing" {
				f.Until, f.Hint = p.now.Add(12*time.Hour), true
			}
			if c := p.report(id, 0, f); !c.Others || c.Outage {
				t.Errorf("%s: Report(%s) = %+v, want others", name, id, c)
			}
			p.now = p.now.Add(10 * time.Millisecond)
		}
		for id, n := range tries {
			if id != alive && n > 1 {
				t.Errorf("%s: dead auth %s was tried %d times", name, id, n)
			}
		}
		if tries[alive] < 51 {
			t.Errorf("%s: the one that works was picked %d times of 60", name, tries[alive])
		}
		p.must(p.CheckIndex())
	}
}

func TestWindowsSeenAreKept(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	window := func(name string, used float64, seen time.Time) cooldown.Window {
		return cooldown.Window{Name: name, UsedShare: used, ResetsAt: seen.Add(time.Hour), SeenAt: seen}
	}
	for _, windows := range [][]cooldown.Window{
		{window("7d", 0.1, p.now), window("5h", 0.2, p.now)}, nil, {window("5h", 0.3, p.now.Add(time.Second))}, {window("5h", 0.1, p.now)},
	} {
		_, err := p.Report(selector.Attempt{AuthID: "a", Windows: windows}, cooldown.Finding{Success: true}, p.now)
		p.must(err)
	}
	s, err := p.Status("a", p.now)
	p.must(err)
	want := []cooldown.Window{window("5h", 0.3, p.now.Add(time.Second)), window("7d", 0.1, p.now)}
	if !slices.Equal(s.Windows, want) {
		t.Errorf("Windows = %+v, want %+v", s.Windows, want)
	}
	for i := range 100 {
		_, err := p.Report(selector.Attempt{AuthID: "a", Windows: []cooldown.Window{window(fmt.Sprint(i), 0, p.now)}}, cooldown.Finding{}, p.now)
		p.must(err)
	}
	if s, err := p.Status("a", p.now); err != nil || len(s.Windows) > 32 {
		t.Errorf("%d windows are kept", len(s.Windows))
	}
}

// A success long after its attempt began leaves nothing to remember of what it ends.
func TestALateSuccessEndsManyThingsAtOnce(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", func(a *selector.Auth) { a.Domains = []string{"org:a", "org:b", "org:c"} }))
	domains := hinted(p.now.Add(72 * time.Hour))
	domains.Domain = "org"
	p.report("a", 0, domains)
	for _, family := range []string{"m*", "*m", "?"} {
		f := hinted(p.now.Add(72 * time.Hour))
		f.Scope, f.ModelFamily = cooldown.ScopeModel, family
		p.report("a", 0, f)
	}
	p.now = p.now.Add(30 * time.Hour)
	p.report("a", 30*time.Hour-time.Second, cooldown.Finding{Success: true})
	if got := p.tryPick(); got != "a" {
		t.Errorf("Pick after the success: %s, want a", got)
	}
}
