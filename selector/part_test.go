package selector_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/allow"
)

// partWorld has a pool with allow lists, and for each of the lists a pool that holds nothing but what the list admits. To a
// request that has the list, the two are the same.
type partWorld struct {
	r     *rand.Rand
	now   time.Time
	whole *selector.Pool
	puts  int
	lists []*allow.List
	alone []*selector.Pool
}

func oneOf[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func newPartWorld(seed uint64) *partWorld {
	w := &partWorld{r: rand.New(rand.NewPCG(seed, 1)), now: historyStart()}
	// Weighted rotations begin anew with each index, and the two have not equally many.
	settings := selector.Settings{Strategy: selector.Strategy(w.r.IntN(2)), Failback: w.r.IntN(2) == 0}
	for range 1 + w.r.IntN(3) {
		w.lists = append(w.lists, allow.New(w.rules()))
		w.alone = append(w.alone, selector.New(selector.Config{Settings: settings, Bindings: newSessionTable[selector.Slot](time.Hour), Seed: seed}))
	}
	settings.Lists = w.lists
	w.whole = selector.New(selector.Config{Settings: settings, Bindings: newSessionTable[selector.Slot](time.Hour), Seed: seed})
	return w
}

func (w *partWorld) rules() (rules []allow.Rule) {
	for range 1 + w.r.IntN(2) {
		var rule allow.Rule
		if w.r.IntN(2) == 0 {
			rule.Providers = []string{oneOf(w.r, "p", "q", "?", "none")}
		}
		switch w.r.IntN(4) {
		case 0:
			rule.IDs = []string{oneOf(w.r, "a*", "*1", "b?"), oneOf(w.r, "a2", "c*")}
		case 1:
			rule.Labels = []string{oneOf(w.r, "x", "y", "*")}
		case 2:
			rule.Domains = []string{oneOf(w.r, "org:1", "org:*")}
		}
		if w.r.IntN(3) == 0 {
			rule.Models = []string{oneOf(w.r, "m", "m*", "n")}
		}
		rules = append(rules, rule)
	}
	return rules
}

// admitted is an auth as a list admits it, worked out by itself; nil: it does not. An auth that serves every model serves those
// of the list.
func admitted(list *allow.List, a *selector.Auth) *selector.Auth {
	globs, ok := list.Models(&allow.Auth{ID: a.ID, Provider: a.Provider, Label: a.Label, Domains: a.Domains})
	if !ok {
		return nil
	}
	if c := *a; len(globs) > 0 {
		c.Models = globs
		return &c
	}
	return a
}

func (w *partWorld) put() {
	id := oneOf(w.r, "a", "b", "c") + oneOf(w.r, "1", "2", "3")
	if w.r.IntN(4) == 0 {
		w.whole.Update(nil, []string{id}, w.now)
		for _, alone := range w.alone {
			alone.Update(nil, []string{id}, w.now)
		}
		return
	}
	a := &selector.Auth{ID: id, Provider: "p", Label: oneOf(w.r, "", "x", "y")}
	if w.puts++; id[0] != 'c' {
		// It begins anew, because a pool that did not have it does not know what became of it.
		weight := uint32(w.r.IntN(3))
		a.Identity, a.Weight, a.Provider = fmt.Sprint(id, w.puts), &weight, oneOf(w.r, "p", "q", "r")
		a.Prefix, a.Attributes = oneOf(w.r, "", "", "t"), map[string]string{"priority": oneOf(w.r, "0", "0", "1")}
		if w.r.IntN(2) == 0 {
			a.Domains = []string{oneOf(w.r, "org:1", "org:2")}
		}
	}
	w.whole.Update([]*selector.Auth{a}, nil, w.now)
	for i, alone := range w.alone {
		if only := admitted(w.lists[i], a); only != nil {
			alone.Update([]*selector.Auth{only}, nil, w.now)
		} else {
			alone.Update(nil, []string{id}, w.now)
		}
	}
}

// change does the same to an auth of the whole and to it where it is alone.
func (w *partWorld) change() {
	id := oneOf(w.r, "a", "b") + oneOf(w.r, "1", "2", "3")
	do := oneOf(w.r,
		func(p *selector.Pool) { _ = p.Disable(id, "test", w.now) },
		func(p *selector.Pool) { _ = p.Enable(id, w.now) },
		func(p *selector.Pool) { _ = p.Enable(id, w.now) },
		func(p *selector.Pool) { _, _ = p.Cooldown(id, selector.Cooldown{Until: w.now.Add(time.Minute)}, w.now) },
		func(p *selector.Pool) {
			_, _ = p.Cooldown(id, selector.Cooldown{Model: "m", Until: w.now.Add(time.Minute)}, w.now)
		},
		func(p *selector.Pool) { _, _ = p.ClearCooldown(id, "", w.now) },
		func(p *selector.Pool) { _, _ = p.Release(id, "test", w.now) },
	)
	do(w.whole)
	for _, alone := range w.alone {
		do(alone)
	}
}

func (w *partWorld) pick() error {
	i := w.r.IntN(len(w.lists))
	req := selector.Request{
		Provider: oneOf(w.r, "p", "q", "r", "none", "", "mixed"), Model: oneOf(w.r, "m", "m2", "n", "t/m"), Options: selector.Options(w.r.IntN(8)),
	}
	if w.r.IntN(2) == 0 {
		req.Sessions = []selector.Session{{Key: selector.SessionKey{Hi: uint64(i) + 1, Lo: uint64(w.r.IntN(5))}}}
	}
	if w.r.IntN(4) == 0 {
		req.Exclude = []string{oneOf(w.r, "a1", "b2", "c3")}
	}
	want, wantErr := w.alone[i].Pick(&req, w.now)
	req.Allow = w.lists[i]
	got, err := w.whole.Pick(&req, w.now)
	if was, is := describe(&want, wantErr), describe(&got, err); was != is {
		return fmt.Errorf("a pick %+v\nof a part is   %s\nof a pool like it %s", req, is, was)
	}
	return nil
}

// describe is all that a pick says.
func describe(p *selector.Pick, err error) string {
	e := p.Explanation
	var cooling *selector.CooldownError
	var unavailable *selector.UnavailableError
	switch {
	case errors.As(err, &cooling):
		e = cooling.Explanation
	case errors.As(err, &unavailable):
		e = unavailable.Explanation
	}
	text := fmt.Sprint(err)
	switch {
	case err == nil:
		text = fmt.Sprint(p.Auth.ID, " ", p.Model, p.Binding, p.Identity, p.From, p.BoundUntil)
	case cooling != nil:
		text += fmt.Sprint(cooling.Counts)
	case unavailable != nil:
		text += fmt.Sprint(unavailable.Wait, unavailable.Counts)
	}
	if e != nil {
		text += fmt.Sprint(e.Strategy, e.Position, e.Counts)
		for _, c := range e.Candidates {
			text += fmt.Sprint(" ", c.Auth.ID, c.Reason, c.Until, c.Bound, c.Detail)
		}
	}
	return text
}

func (w *partWorld) list() error {
	i := w.r.IntN(len(w.lists))
	f := selector.Filter{Provider: oneOf(w.r, "", "p"), Model: oneOf(w.r, "", "m", "n"), State: selector.State(w.r.IntN(3)), Limit: w.r.IntN(3)}
	show := func(p *selector.Pool, f selector.Filter) string {
		page, total := p.List(f, w.now)
		text := fmt.Sprint(total, p.Counts(f.Allow, w.now))
		for _, s := range page {
			text += fmt.Sprint(" ", s.Auth.ID, s.State, s.Why, s.Until)
		}
		return text
	}
	want := show(w.alone[i], f)
	f.Allow = w.lists[i]
	if got := show(w.whole, f); got != want {
		return fmt.Errorf("a list %+v\nof a part is   %s\nof a pool like it %s", f, got, want)
	}
	return nil
}

// To who may use a part of the pool, it is as if there were nothing else: picks, explanations, errors, lists and counts.
func TestAPartIsLikeAPoolOfItsOwn(t *testing.T) {
	start := rand.Uint64()
	for seed := start; seed < start+150; seed++ {
		w := newPartWorld(seed)
		for step := range 300 {
			var err error
			switch n := w.r.IntN(20); {
			case n < 3 || step < 6:
				w.put()
			case n < 6:
				w.change()
			case n == 6:
				w.now = w.now.Add(time.Duration(w.r.IntN(90)) * time.Second)
			case n == 7:
				err = w.list()
			case n == 8 && w.r.IntN(10) == 0:
				settings := selector.Settings{Strategy: selector.Strategy(w.r.IntN(2))}
				for _, alone := range w.alone {
					alone.Configure(settings)
				}
				settings.Lists = slices.Clone(w.lists)
				w.whole.Configure(settings)
			default:
				err = w.pick()
			}
			if err == nil && step%50 == 49 {
				err = w.whole.CheckIndex()
			}
			if err != nil {
				t.Fatalf("seed %d, step %d: %v", seed, step, err)
			}
		}
	}
}

// A list that nobody spoke of admits nothing, and one that was dropped is known until the settings change again.
func TestListsThatAreNotKnown(t *testing.T) {
	list := allow.New([]allow.Rule{{}})
	p := newPlayer(t, selector.Config{}, &selector.Auth{ID: "a", Provider: "p"})
	pick := func() error {
		_, err := p.Pick(&selector.Request{Allow: list, Provider: "p"}, p.now)
		return err
	}
	for i, step := range []struct {
		lists []*allow.List
		known bool
	}{{nil, false}, {[]*allow.List{list}, true}, {nil, true}, {nil, false}} {
		p.Configure(selector.Settings{Lists: step.lists})
		if err := pick(); errors.Is(err, selector.ErrAuthNotFound) == step.known {
			t.Errorf("step %d: %v, known: want %t", i, err, step.known)
		}
		if err := p.CheckIndex(); err != nil {
			t.Errorf("step %d: %v", i, err)
		}
	}
	if page, total := p.List(selector.Filter{Allow: list}, p.now); len(page) > 0 || total > 0 {
		t.Errorf("List of what nobody knows = %v", page)
	}
}

// A reference of another's is one that nobody knows.
func TestAPinOutsideOfAPart(t *testing.T) {
	list := allow.New([]allow.Rule{{IDs: []string{"b"}}})
	p := newPlayer(t, selector.Config{Bindings: newSessionTable[selector.Slot](time.Hour), Settings: selector.Settings{Lists: []*allow.List{list}}},
		&selector.Auth{ID: "a", Provider: "p"}, &selector.Auth{ID: "b", Provider: "p"})
	pin := []selector.Session{{Key: selector.SessionKey{Lo: 1}}}
	if err := p.Answered(selector.Answer{AuthID: "a", Pins: pin}, p.now); err != nil {
		t.Fatal(err)
	}
	_, err := p.Pick(&selector.Request{Allow: list, Provider: "p", Pins: pin}, p.now)
	var pinned *selector.PinnedError
	if !errors.As(err, &pinned) || !pinned.Lost || pinned.AuthID != "" {
		t.Errorf("Pick = %v, want that its auth is lost", err)
	}
}
