package selector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// doubtful is a finding that may be the fault of the request.
func doubtful(f cooldown.Finding) cooldown.Finding {
	f.Doubt = true
	return f
}

// fail reports that an attempt of a request failed with an auth.
func (p *player) fail(tag uint64, id string, f cooldown.Finding) selector.Consequence {
	p.t.Helper()
	p.now = p.now.Add(time.Millisecond)
	a, _ := p.Auth(id)
	c, err := p.Report(selector.Attempt{AuthID: id, Model: "m", Started: p.now, Tag: tag, Again: againOf(a, "m", tag)}, f, p.now)
	p.must(err)
	return c
}

func (p *player) wantReady(when string) {
	p.t.Helper()
	page, _ := p.List(selector.Filter{}, p.now)
	for _, s := range page {
		if s.State != selector.StateReady || len(s.Blocks) > 0 {
			p.t.Errorf("%s: %s is out: %s, %+v", when, s.Auth.ID, s.Why, s.Blocks)
		}
	}
	p.must(p.CheckIndex())
}

func TestRequestThatFailsAlikeOnIndependentAuthsIsTheSuspect(t *testing.T) {
	org := func(a *selector.Auth) { a.Domains = []string{"org:acme"} }
	otherReason := cooldown.Finding{Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Kind: cooldown.Other, Reason: "other", Doubt: true}
	for name, c := range map[string]struct {
		auths  []*selector.Auth
		second cooldown.Finding
		want   bool
	}{
		"independent":             {[]*selector.Auth{auth("a"), auth("b", org)}, doubtful(forbidden(historyStart())), true},
		"one limit domain":        {[]*selector.Auth{auth("a", org), auth("b", org)}, doubtful(forbidden(historyStart())), false},
		"one account":             {[]*selector.Auth{auth("a", func(a *selector.Auth) { a.Identity = "x" }), auth("b", func(a *selector.Auth) { a.Identity = "x" })}, doubtful(forbidden(historyStart())), false},
		"another way":             {[]*selector.Auth{auth("a"), auth("b")}, otherReason, false},
		"the second beyond doubt": {[]*selector.Auth{auth("a"), auth("b")}, forbidden(historyStart()), false},
	} {
		p := newPlayer(t, selector.Config{}, c.auths...)
		if got := p.fail(1, "a", doubtful(forbidden(p.now))); got.Suspect || got.Until.Sub(p.now) != cooldown.DoubtSpan {
			t.Errorf("%s: the first failure: %+v, want a cooldown of a minute", name, got)
		}
		got := p.fail(1, "b", c.second)
		if got.Suspect != c.want || c.want && got.Action != cooldown.ActionNone {
			t.Errorf("%s: the second failure: %+v, want suspect %t", name, got, c.want)
		}
		if !c.want {
			continue
		}
		p.wantReady(name)
		if got := p.fail(1, "a", doubtful(forbidden(p.now))); !got.Suspect {
			t.Errorf("%s: the third failure: %+v, want a suspect", name, got)
		}
		p.wantReady(name + ", third")
	}
}

func TestFailureOfAnotherRequestIsOrdinary(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"), auth("c"))
	p.fail(1, "a", doubtful(forbidden(p.now)))
	if got := p.fail(2, "a", doubtful(forbidden(p.now))); got.Until.Sub(p.now) < 29*time.Minute {
		t.Errorf("Report = %+v, want half an hour", got)
	}
	if got := p.fail(2, "b", doubtful(forbidden(p.now))); !got.Suspect {
		t.Errorf("Report = %+v, want a suspect", got)
	}
	if status, err := p.Status("a", p.now); err != nil || len(status.Blocks) != 1 || status.Blocks[0].Until.Sub(p.now) > cooldown.DoubtSpan {
		t.Errorf("what is left is %+v, %v, want the doubt of the first request", status.Blocks, err)
	}
	if got := p.fail(3, "a", forbidden(p.now)); got.Until.Sub(p.now) < 29*time.Minute || got.Suspect {
		t.Errorf("Report of a failure beyond doubt = %+v, want half an hour", got)
	}
}

func TestDoubtDisablesOnlyWhenItIsOver(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"))
	for tag := range uint64(10) {
		if got := p.fail(1+tag, "a", doubtful(forbidden(p.now))); got.Action != cooldown.ActionCooldown {
			t.Fatalf("failure %d at one time: %+v", tag, got)
		}
	}
	p.report("a", 0, cooldown.Finding{Success: true})
	for i := range uint64(4) {
		p.now = p.now.Add(31 * time.Minute)
		if got, want := p.fail(100+i, "a", doubtful(forbidden(p.now))).Action, i == 3; (got == cooldown.ActionDisable) != want {
			t.Errorf("failure %d, half an hour after the last: %v", i, got)
		}
	}
	q := newPlayer(t, selector.Config{}, auth("a"))
	revoked := cooldown.Finding{Action: cooldown.ActionInvalidate, Scope: cooldown.ScopeAuth, Kind: cooldown.Authentication, Reason: "auth_invalid", Doubt: true}
	if got := q.fail(1, "a", revoked); got.Action != cooldown.ActionCooldown || got.Until.Sub(q.now) != cooldown.DoubtSpan {
		t.Errorf("a doubtful refusal of the secret: %+v, want a cooldown of a minute", got)
	}
	if got := q.fail(0, "a", revoked); got.Action != cooldown.ActionInvalidate {
		t.Errorf("without a request: %+v, want what the finding says", got)
	}
}

func TestOneBadRequestLeavesAPoolOfOne(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	p.fail(1, "a", doubtful(forbidden(p.now)))
	if got := p.tryPick(); got != "a" {
		t.Errorf("after one bad request: %s, want a", got)
	}
	p.fail(2, "a", doubtful(forbidden(p.now)))
	if got := p.tryPick(); got != "unavailable" {
		t.Errorf("after a second one: %s, want nobody", got)
	}
	p.must(p.CheckIndex())
}

// A further attempt may use what several requests failed with; a first one may not.
func TestSecondAttemptsSeeThroughDoubt(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"), auth("c"))
	p.fail(2, "b", doubtful(forbidden(p.now)))
	p.fail(3, "b", doubtful(forbidden(p.now)))
	p.cool("c", "", time.Hour)
	for _, tag := range []uint64{4, 1} {
		if got := p.fail(tag, "a", doubtful(forbidden(p.now))); !got.Others {
			t.Errorf("Report = %+v, want another auth for a second attempt", got)
		}
	}
	if got := p.tryPick(); got != "unavailable" {
		t.Errorf("a new request got %s", got)
	}
	again := selector.Request{Provider: "p", Model: "m", Exclude: []string{"a"}, Tag: 1}
	if got := p.pick(again); got != "b" {
		t.Errorf("the second attempt got %s, want b", got)
	}
	again.Exclude = append(again.Exclude, "b")
	if _, err := p.Pick(&again, p.now); err == nil {
		t.Error("the third attempt got an auth that is out beyond doubt")
	}
	p.fail(1, "b", doubtful(forbidden(p.now)))
}

// What one replica withdraws is withdrawn on all, whichever they hear of first.
func TestReplicasAgreeOnWithdrawals(t *testing.T) {
	for _, failureFirst := range []bool{true, false} {
		auths := []*selector.Auth{auth("a"), auth("b")}
		one, other := newPlayer(t, selector.Config{Recording: true}, auths...), newPlayer(t, selector.Config{Recording: true}, auths...)
		one.fail(1, "a", doubtful(forbidden(one.now)))
		failure, _, _ := one.Take(10)
		one.fail(1, "b", doubtful(forbidden(one.now)))
		withdrawal, _, _ := one.Take(10)
		if other.now = one.now; failureFirst {
			other.Merge(failure, other.now)
			other.Merge(withdrawal, other.now)
		} else {
			other.Merge(withdrawal, other.now)
			other.Merge(failure, other.now)
		}
		other.wantReady(fmt.Sprint("failure first: ", failureFirst))
		if got := other.fail(1, "a", doubtful(forbidden(other.now))); !got.Suspect {
			t.Errorf("the other replica: %+v, want a suspect", got)
		}
	}
}

// Several requests at a time fail with a key that was revoked: each time counts once, and is not forgotten over the others.
func TestDoubtOfManyRequestsAtATimeDisables(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"))
	for tag := uint64(1); tag <= 12; tag++ {
		started := p.now
		p.now = p.now.Add(time.Duration(tag) * time.Millisecond)
		got, err := p.Report(selector.Attempt{AuthID: "a", Model: "m", Started: started, Tag: tag}, doubtful(forbidden(p.now)), p.now)
		p.must(err)
		if want := tag == 10; (got.Action == cooldown.ActionDisable) != want {
			t.Errorf("failure %d: %v", tag, got.Action)
		}
		if p.now = started; tag%3 == 0 {
			p.now = p.now.Add(31 * time.Minute)
		}
	}
}

// A report that withdraws what it says of other auths is not acknowledged before that is kept.
func TestReportWaitsForWhatItWithdraws(t *testing.T) {
	p := newPlayer(t, selector.Config{Recording: true}, auth("a"), auth("b"))
	p.fail(1, "a", doubtful(forbidden(p.now)))
	p.Take(10)
	if got := p.fail(1, "b", doubtful(forbidden(p.now))); !got.Suspect || !got.Changed {
		t.Fatalf("Report = %+v, want a suspect", got)
	}
	if got, want := p.ChangedAt("b"), p.Changes(); got != want {
		t.Errorf("ChangedAt = %d, want %d", got, want)
	}
}

// Three failures beyond doubt show an outage; one in doubt that is the last to make it most auths does not make it doubtful.
func TestOutageThatADoubtfulFailureConfirmsIsBeyondDoubt(t *testing.T) {
	p := newPlayer(t, selector.Config{}, numbered(6, nil)...)
	for i := range 3 {
		p.fail(0, fmt.Sprintf("auth-%06d", i), unreachable())
	}
	c := p.fail(1, "auth-000003", doubtful(unreachable()))
	if !c.Outage || c.Until.Sub(p.now) < 59*time.Minute {
		t.Fatalf("Report = %+v, want an outage of an hour", c)
	}
	if got := p.tryPick(); got != "unavailable" {
		t.Errorf("during the outage: %s", got)
	}
	if c := p.fail(1, "auth-000004", doubtful(unreachable())); !c.Suspect {
		t.Errorf("Report = %+v, want a suspect", c)
	}
	if got := p.tryPick(); got != "unavailable" {
		t.Errorf("during the outage, after one request turned out to be to blame: %s", got)
	}
	p.must(p.CheckIndex())
}

// The one of too many models that goes is the one whose cooldown ends first, which two requests' doubt may be the last of.
func TestDoubtIsNotTheFirstToGoOfManyModels(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"))
	f := doubtful(forbidden(p.now))
	f.Scope, f.Repeat = cooldown.ScopeModel, cooldown.Repeat{}
	p.fail(1, "a", f)
	p.fail(2, "a", f)
	for i := range 1024 {
		p.cool("a", fmt.Sprint("other-", i), time.Minute)
	}
	if got := p.tryPick("b"); got != "cooling" && got != "unavailable" {
		t.Errorf("the model that failed for two requests got %s", got)
	}
	p.must(p.CheckIndex())
}

// A replica that hears of a withdrawal keeps it for the failures that it hears of later, though it knows nothing else of the domain.
func TestWithdrawalOutlivesAnEmptyDomain(t *testing.T) {
	p := newPlayer(t, selector.Config{Recording: true}, auth("a", func(a *selector.Auth) { a.Domains = []string{"org:acme"} }))
	key := cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: "p", Name: "org:acme"}
	at := cooldown.InstantOf(p.now)
	withdrawal := cooldown.Record{Key: key}
	withdrawal.Withdrawn.Add(1, at)
	p.Merge([]cooldown.Record{withdrawal}, p.now)
	p.must(p.CheckIndex())
	failure := cooldown.Record{Key: key, Scopes: []cooldown.ScopeRecord{{}}}
	failure.Scopes[0].Other.AddDoubt(cooldown.Doubt{
		Observation: cooldown.Observation{Received: at, Until: at.Add(time.Hour), Probe: at.Add(time.Hour), Reason: "forbidden"}, Tag: 1,
	})
	p.Merge([]cooldown.Record{failure}, p.now)
	p.wantReady("after the failure")
	for range 3 {
		p.now = p.now.Add(13 * time.Hour)
		p.Advance(p.now, 100)
		p.must(p.CheckIndex())
	}
	if n := len(p.Records()); n != 0 {
		t.Errorf("two days later there are %d records", n)
	}
}

// What one replica heard of must not keep another from lending what only doubt keeps out.
func TestAReplicaLendsWhatAnotherHeardOf(t *testing.T) {
	auths := []*selector.Auth{auth("a")}
	one, other := newPlayer(t, selector.Config{Recording: true}, auths...), newPlayer(t, selector.Config{Recording: true}, auths...)
	one.fail(1, "a", doubtful(forbidden(one.now)))
	failure, _, _ := one.Take(10)
	other.now = one.now
	other.Merge(failure, other.now)
	if got := other.tryPick(); got != "a" {
		t.Errorf("the replica that heard of one bad request gives %s, want a", got)
	}
	other.must(other.CheckIndex())
	other.put(auth("a"), auth("b"))
	other.Update(nil, []string{"b"}, other.now)
	if got := other.tryPick(); got != "a" {
		t.Errorf("after changes of the pool it gives %s, want a", got)
	}
	other.must(other.CheckIndex())
}

// However many fail elsewhere, what only doubt keeps out is found.
func TestFailuresElsewhereHideNoAuthInDoubt(t *testing.T) {
	for _, many := range []int{100, 1000} {
		elsewhere := numbered(many, func(_ int, a *selector.Auth) { a.Provider = "q" })
		p := newPlayer(t, selector.Config{}, append(elsewhere, auth("a", domain("org:acme")), auth("b", domain("org:acme")))...)
		f := doubtful(forbidden(p.now))
		f.Domain = "org"
		p.fail(1, "a", f)
		for i, a := range elsewhere {
			p.fail(uint64(2+i), a.ID, doubtful(forbidden(p.now)))
		}
		if got := [2]string{p.tryPick(), p.tryPick()}; got != [2]string{"a", "b"} && got != [2]string{"b", "a"} {
			t.Errorf("after %d failures elsewhere: %v, want a and b in turn", many, got)
		}
		if got, err := p.Pick(&selector.Request{Model: "m"}, p.now); err != nil {
			t.Errorf("a request to any provider got %v, %v", got.Auth, err)
		}
		p.must(p.CheckIndex())
		p.now = p.now.Add(time.Minute)
		p.Advance(p.now, 10_000)
		p.must(p.CheckIndex())
		p.wantReady("a minute later")
	}
}

// That a request was no suspect where it failed makes none of it later: what was taken back of it was the auth's fault.
func TestWhatWasTakenBackMakesNoSuspect(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", domain("org:acme")), auth("b"), auth("c", domain("org:acme")), auth("d"))
	served := cooldown.Finding{Success: true}
	for i := range uint64(2) { // a and b fail whoever asks
		p.fail(100+i, "a", doubtful(forbidden(p.now)))
		p.fail(200+i, "b", doubtful(forbidden(p.now)))
		p.fail(300+i, "d", served)
	}
	for i := range uint64(12) {
		p.fail(400+i, "d", served)
	}
	ofOrg := doubtful(forbidden(p.now))
	ofOrg.Domain = "org"
	for _, id := range []string{"a", "b", "a", "c"} {
		f := doubtful(forbidden(p.now))
		if id != "b" {
			f = ofOrg
		}
		if got := p.fail(1, id, f); got.Suspect {
			t.Errorf("with %s the request became a suspect", id)
		}
	}
	if got := p.fail(1, "d", served); got.Suspect {
		t.Error("served, it is a suspect")
	}
}
