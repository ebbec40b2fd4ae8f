package selector

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

func TestRefusalOfOneProviderIsNotFoundAnewWhenAnotherChanges(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p", Disabled: true}, &Auth{ID: "b", Provider: "q"})
	refuse := func() {
		t.Helper()
		if _, err := p.Pick(&Request{Provider: "p"}, start()); err == nil {
			t.Fatal("Pick of a disabled auth went well")
		}
	}
	refuse()
	provider := p.runtime.index.provider("p")
	found := provider.view("").census("")
	if _, err := p.Cooldown("b", Cooldown{Until: start().Add(time.Hour)}, start()); err != nil {
		t.Fatal(err)
	}
	if !found.Current(&provider.changes) {
		t.Error("a change of another provider made the pool look again")
	}
	if _, err := p.Cooldown("a", Cooldown{Until: start().Add(time.Hour)}, start()); err != nil {
		t.Fatal(err)
	}
	if found.Current(&provider.changes) {
		t.Error("a change of its own did not make the pool look again")
	}
	if refuse(); !found.Current(&provider.changes) {
		t.Error("a refused pick did not look at what changed")
	}
}

// A refused pick counts from what it keeps of each member; this looks at all of them.
func TestRefusalCountsWhatALookAtEveryMemberCounts(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		u := refusing{random: rand.New(rand.NewPCG(seed, 1)), now: start()}
		u.pool = New(Config{Settings: Settings{Strategy: Strategy(seed % 3)}})
		u.fill()
		refused := 0
		for range 300 {
			u.now = u.now.Add(time.Duration(u.random.IntN(5)) * time.Second)
			if err := u.change(); err != nil {
				t.Fatal(err)
			}
			if u.pool.compareRefusal(t, u.request(), u.now) {
				refused++
			}
		}
		if refused < 100 {
			t.Errorf("seed %d: only %d picks were refused", seed, refused)
		}
	}
}

// refusing is a pool of two providers in which something changes at random.
type refusing struct {
	random *rand.Rand
	pool   *Pool
	auths  []*Auth
	now    time.Time
}

func (u *refusing) fill() {
	for i := range 150 {
		weight := uint32(min(i%10, 1))
		a := &Auth{ID: fmt.Sprintf("a-%03d", i), Provider: []string{"p", "q"}[i%5/4], Weight: &weight, Disabled: i%17 == 0}
		if i%3 == 0 {
			a.Models = []string{"m*"}
		}
		if i%4 == 0 {
			a.Domains = []string{"org:x"}
		}
		if i%7 == 0 {
			a.ExpiresAt = start().Add(time.Duration(u.random.IntN(3000)) * time.Second)
		}
		u.auths = append(u.auths, a)
	}
	u.pool.Update(u.auths, nil, u.now)
}

func (u *refusing) change() error {
	id, kind := u.auths[u.random.IntN(len(u.auths))].ID, cooldown.Kind(u.random.IntN(3))
	if u.random.IntN(3) > 0 {
		kind = cooldown.Quota
	}
	switch u.random.IntN(6) {
	case 0, 1:
		_, err := u.pool.Cooldown(id, Cooldown{Until: u.now.Add(time.Duration(1+u.random.IntN(1000)) * time.Second), Kind: kind}, u.now)
		return err
	case 2:
		_, err := u.pool.Cooldown(u.auths[3*u.random.IntN(50)].ID, Cooldown{Model: "m1", Endless: u.random.IntN(2) == 0, Kind: kind}, u.now)
		return err
	case 3:
		return u.pool.Disable(id, "", u.now)
	case 4:
		_, err := u.pool.Report(Attempt{AuthID: id, Model: "m1"}, cooldown.Finding{
			Action: cooldown.ActionCooldown, Scope: cooldown.ScopeAuth, Domain: "org", Reason: "r", Until: u.now.Add(time.Hour), Hint: true,
		}, u.now)
		return err
	}
	return nil
}

// request is one that is likely to be refused: it excludes whoever is ready, most of the time.
func (u *refusing) request() Request {
	req := Request{
		Provider: []string{"p", "q", ""}[u.random.IntN(3)], Model: []string{"m1", "m2", "other", ""}[u.random.IntN(4)], Options: DryRun,
	}
	some := u.random.IntN(4) == 0
	for _, a := range u.auths {
		if u.pool.runtime.index.byID[a.ID].ready() && (!some || u.random.IntN(9) > 0) || u.random.IntN(50) == 0 {
			req.Exclude = append(req.Exclude, a.ID)
		}
	}
	return req
}

// The providers' limit on censuses that know each member: what is dropped is found anew.
func TestRefusalsOfMoreModelsThanCensusesAreKeptOf(t *testing.T) {
	p := internalPool(t, &Auth{ID: "a", Provider: "p"}, &Auth{ID: "b", Provider: "p"})
	view := p.runtime.index.provider("p").view("m0")
	picks := 2 * maxRoutes
	if testing.Short() {
		picks = maxRoutes + 100
	}
	for i := range picks {
		model := fmt.Sprint("m", i%(maxRoutes+10))
		for _, id := range []string{"a", "b"} {
			if _, err := p.Cooldown(id, Cooldown{Model: model, Until: start().Add(time.Hour + time.Duration(i)*time.Second)}, start()); err != nil {
				t.Fatal(err)
			}
		}
		if !p.compareRefusal(t, Request{Provider: "p", Model: model}, start()) {
			t.Fatalf("a pick of %s was not refused", model)
		}
		if i%1000 == 0 {
			for _, c := range view.censuses {
				c.Forget() // as makeRoom does of a large provider
			}
		}
	}
	if n := len(view.censuses); n > maxRoutes {
		t.Errorf("%d censuses, want at most %d", n, maxRoutes)
	}
}

// compareRefusal reports whether a pick was refused, and compares what it says with a look at every member.
func (p *Pool) compareRefusal(t *testing.T, req Request, now time.Time) bool {
	t.Helper()
	_, err := p.Pick(&req, now)
	var unavailable *UnavailableError
	var cooling *CooldownError
	var counts Counts
	var wait time.Duration
	switch {
	case errors.As(err, &unavailable):
		counts, wait = unavailable.Counts, unavailable.Wait
	case errors.As(err, &cooling):
		counts, wait = cooling.Counts, cooling.Wait
	default:
		return false
	}
	q := query{pool: p, req: &req, now: cooldown.InstantOf(now), provider: p.runtime.index.provider(req.Provider)}
	q.find()
	q.exclude()
	want, candidates, quota, earliest := Counts{}, 0, 0, time.Duration(0)
	for _, m := range q.provider.members {
		s := q.eligibility(m)
		want[s.reason]++
		if s.reason == ReasonExcluded || s.until == cooldown.Never {
			continue
		}
		if candidates++; s.quota {
			quota++
		}
		if end := time.Duration(max(s.until-q.now, 0)); s.until != 0 && (earliest == 0 || end < earliest) {
			earliest = end
		}
	}
	if counts != want || wait != earliest || (cooling != nil) != (candidates > 0 && candidates == quota) {
		t.Fatalf("Pick(%+v) = %v, wait %s, want %v, %s, %d of %d cooling", req, counts, wait, want, earliest, quota, candidates)
	}
	return true
}

// The members may be many, and others wait for the lock.
func TestFirstRefusalLooksAtFewMembersAtATime(t *testing.T) {
	const many = 20 * pickCounted
	auths := make([]*Auth, many)
	for i := range auths {
		auths[i] = &Auth{ID: fmt.Sprintf("a-%05d", i), Provider: "p", Disabled: i%2 == 0}
	}
	p := internalPool(t, auths...)
	for i := 1; i < many; i += 2 {
		if _, err := p.Cooldown(auths[i].ID, Cooldown{Until: start().Add(time.Hour)}, start()); err != nil {
			t.Fatal(err)
		}
	}
	tries := 1
	for ; tries < 100; tries++ {
		if _, err := p.pickOnce(&Request{Provider: "p"}, start()); !errors.Is(err, errAgain) {
			break
		}
		// What changes meanwhile, before and behind what was looked at, counts.
		for _, i := range []int{1, many/2 + 1, many - 1} {
			if err := p.Disable(auths[i].ID, "", start()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if tries < many/pickCounted || tries > 2*many/pickCounted {
		t.Errorf("%d tries, want at least %d, and few more", tries, many/pickCounted)
	}
	if !p.compareRefusal(t, Request{Provider: "p"}, start()) {
		t.Error("the pick was not refused")
	}
}

func TestFirstRefusalEndsThoughTheMembershipChangesMeanwhile(t *testing.T) {
	auths := make([]*Auth, 3*pickCounted)
	for i := range auths {
		auths[i] = &Auth{ID: fmt.Sprintf("a-%05d", i), Provider: "p", Disabled: true}
	}
	p := internalPool(t, auths...)
	if _, err := p.pickOnce(&Request{Provider: "p"}, start()); !errors.Is(err, errAgain) {
		t.Fatalf("the first look: %v, want %v", err, errAgain)
	}
	p.Update([]*Auth{{ID: "b", Provider: "p"}}, nil, start())
	if got := p.mustPick(t, &Request{Provider: "p"}, start()); got.ID != "b" {
		t.Errorf("Pick = %s, want b, which came meanwhile", got.ID)
	}
}

// pickOnce is a pick as far as it gets under one hold of the lock.
func (p *Pool) pickOnce(req *Request, now time.Time) (Pick, error) {
	q := query{pool: p, req: req, now: cooldown.InstantOf(now), limit: pickCounted}
	err := q.pick(now)
	return q.answer, err
}

// A provider may have many auths, and all requests that are under way fail.
func TestOneMoreFailureInAnOutageHasNobodyCountedAgain(t *testing.T) {
	auths := make([]*Auth, 5)
	for i := range auths {
		auths[i] = &Auth{ID: fmt.Sprint("a-", i), Provider: "p"}
	}
	p := internalPool(t, auths...)
	now := start()
	fail := func(i int) bool {
		f := cooldown.Finding{Kind: cooldown.Transient, Ladder: cooldown.LadderOverload, Reason: "upstream_error", Shared: true}
		now = now.Add(time.Millisecond)
		c, err := p.Report(Attempt{AuthID: auths[i%5].ID, Model: "m", Started: start()}, f, now)
		if err != nil {
			t.Fatal(err)
		}
		return c.Outage
	}
	w := p.Watch()
	defer w.Close()
	i := 0
	for ; !fail(i); i++ {
		if i > 20 {
			t.Fatal("no outage after 20 failures")
		}
	}
	if got := w.Take(); len(got) != len(auths) {
		t.Errorf("when the outage begins: Take = %v, want every auth", got)
	}
	changes := &p.runtime.index.provider("p").changes
	before := changes.Count()
	for range 10 {
		i++
		fail(i)
	}
	if got := changes.Count() - before; got != 0 {
		t.Errorf("%d auths were to be counted again, want none", got)
	}
	if got := w.Take(); len(got) != len(auths) {
		t.Errorf("when the outage grows longer: Take = %v, want every auth", got)
	}
	if !p.compareRefusal(t, Request{Provider: "p", Model: "m"}, now) {
		t.Error("the pick was not refused")
	}
	now = now.Add(time.Minute)
	p.Advance(now, 100)
	if changes.Count() == before {
		t.Error("the end of what keeps everybody away must be counted")
	}
}
