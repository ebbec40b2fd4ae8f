package broker_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/broker"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/verdict"
)

// TestPolicies makes random requests by callers with random rules, and compares what they get with a plain evaluator of rules.
// CREDBROKER_POLICIES is how many requests, CREDBROKER_SEED the first seed.
func TestPolicies(t *testing.T) {
	t.Parallel()
	requests, seed := 20_000, rand.Uint64()
	if testing.Short() {
		requests = 2000
	}
	for variable, set := range map[string]func(uint64){
		"CREDBROKER_POLICIES": func(n uint64) { requests = int(n) },
		"CREDBROKER_SEED":     func(n uint64) { seed = n },
	} {
		if text := os.Getenv(variable); text != "" {
			n, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				t.Fatalf("%s: %v", variable, err)
			}
			set(n)
		}
	}
	rules, err := verdict.Load()
	if err != nil {
		t.Fatal(err)
	}
	for done := 0; done < requests; seed++ {
		w := newPolicyWorld(seed, rules)
		for range 100 {
			if err := w.step(t); err != nil {
				t.Fatalf("CREDBROKER_SEED=%d: %v\ncallers %+v\nrules %+v", seed, err, w.names, w.rules)
			}
			done++
		}
	}
}

// policyWorld is a broker, and all that its plain evaluator needs.
type policyWorld struct {
	r      *rand.Rand
	now    time.Time
	broker *broker.Broker
	auths  map[string]*selector.Auth
	off    map[string]bool
	judge  *verdict.Rules
	names  []string
	rules  map[string][]allow.Rule
	// used are the sessions of each caller.
	used map[string]bool
}

func some[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func newPolicyWorld(seed uint64, rules *verdict.Rules) *policyWorld {
	w := &policyWorld{
		judge: rules, r: rand.New(rand.NewPCG(seed, 2)), now: noon, auths: map[string]*selector.Auth{}, off: map[string]bool{},
		names: []string{"one", "two", "three"}, rules: map[string][]allow.Rule{}, used: map[string]bool{},
	}
	w.broker = broker.New(broker.Config{Settings: w.settings(), Seed: seed})
	for range 3 + w.r.IntN(6) {
		w.put()
	}
	return w
}

// settings are new rules for every caller.
func (w *policyWorld) settings() broker.Settings {
	s := broker.Settings{Affinity: true, Rules: w.judge, Selection: selector.Settings{Strategy: selector.Strategy(w.r.IntN(3))}}
	for _, name := range w.names {
		w.rules[name] = nil
		for range w.r.IntN(3) {
			var rule allow.Rule
			for _, list := range []struct {
				of    *[]string
				globs []string
			}{
				{&rule.Providers, []string{"p", "q", "?", "none", "*"}}, {&rule.Labels, []string{"x", "y", ""}}, {&rule.IDs, []string{"a*", "*2", "b?", "c1"}},
				{&rule.Domains, []string{"org:1", "org:*", "egress:*"}}, {&rule.Models, []string{"m", "m*", "n", "*-1"}},
			} {
				for w.r.IntN(3) == 0 {
					*list.of = append(*list.of, some(w.r, list.globs...))
				}
			}
			w.rules[name] = append(w.rules[name], rule)
		}
		s.Callers = append(s.Callers, broker.Caller{Name: name, Allow: allow.New(w.rules[name])})
	}
	return s
}

func (w *policyWorld) put() {
	a := &selector.Auth{
		ID: some(w.r, "a", "b", "c") + some(w.r, "1", "2", "3"), Provider: some(w.r, "p", "q", "secret-r"), Label: some(w.r, "", "x", "y"),
		Prefix: some(w.r, "", "", "t"), Attributes: map[string]string{"priority": some(w.r, "0", "1")},
		Models: some(w.r, nil, nil, []string{"m*"}, []string{"n"}), Domains: some(w.r, nil, []string{"org:1"}, []string{"org:2", "egress:eu"}),
	}
	w.auths[a.ID] = a
	w.broker.Update([]*selector.Auth{a}, nil, w.now)
}

// matches is the plain evaluator's own reading of globs.
func matches(globs []string, texts ...string) bool {
	if len(globs) == 0 {
		return true
	}
	for _, g := range globs {
		for _, text := range texts {
			if matchesOne(g, text) {
				return true
			}
		}
	}
	return false
}

func matchesOne(glob, text string) bool {
	switch {
	case glob == "":
		return text == ""
	case glob[0] == '*':
		return matchesOne(glob[1:], text) || text != "" && matchesOne(glob, text[1:])
	}
	return text != "" && (glob[0] == '?' || glob[0] == text[0]) && matchesOne(glob[1:], text[1:])
}

// allowed reports whether a caller may use an auth, and for a model, if one is given.
func (w *policyWorld) allowed(caller string, a *selector.Auth, model *string) bool {
	rules := w.rules[caller]
	if len(rules) == 0 {
		return true
	}
	return slices.ContainsFunc(rules, func(r allow.Rule) bool {
		return matches(r.Providers, a.Provider) && matches(r.Labels, a.Label) && matches(r.IDs, a.ID) &&
			matches(r.Domains, a.Domains...) && (model == nil || len(r.Models) == 0 || *model != "" && matches(r.Models, bare(a, *model)))
	})
}

// bare is a model without the auth's prefix.
func bare(a *selector.Auth, model string) string {
	if rest, ok := strings.CutPrefix(model, a.Prefix+"/"); ok && a.Prefix != "" && rest != "" {
		return rest
	}
	return model
}

// pool are the auths of a provider that a caller may use for some model.
func (w *policyWorld) pool(caller, provider string) (ids []string) {
	for id, a := range w.auths {
		if w.allowed(caller, a, nil) && (provider == "" || provider == "mixed" || a.Provider == provider) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// ready are those of them that can take a request for a model, of the best tier.
func (w *policyWorld) ready(caller, provider, model string) (ids []string, best bool) {
	best = false
	for _, id := range w.pool(caller, provider) {
		a := w.auths[id]
		if w.off[id] || !w.allowed(caller, a, &model) || model != "" && !matches(a.Models, bare(a, model)) {
			continue
		}
		if high := a.Attributes["priority"] == "1"; high && !best {
			ids, best = nil, true
		} else if !high && best {
			continue
		}
		ids = append(ids, id)
	}
	return ids, best
}

func (w *policyWorld) step(t *testing.T) error {
	t.Helper()
	w.now = w.now.Add(time.Second)
	caller := w.broker.Caller(some(w.r, w.names...))
	switch w.r.IntN(12) {
	case 0:
		w.put()
		return nil
	case 1:
		id := some(w.r, "a", "b", "c") + some(w.r, "1", "2", "3")
		if w.off[id] = w.r.IntN(2) == 0 && w.auths[id] != nil; w.off[id] {
			_, err := w.broker.Disable(t.Context(), broker.Caller{}, id, "", w.now)
			return err
		}
		_, err := w.broker.Enable(t.Context(), broker.Caller{}, id, w.now)
		if errors.Is(err, selector.ErrUnknownAuth) && w.auths[id] == nil {
			err = nil
		}
		return err
	case 2:
		if w.r.IntN(5) == 0 {
			w.broker.Configure(w.settings())
		}
		return nil
	case 3:
		return w.inspect(t, caller)
	}
	return w.pick(t, caller)
}

func (w *policyWorld) pick(t *testing.T, caller broker.Caller) error {
	t.Helper()
	provider, model, session := some(w.r, "p", "q", "secret-r", "none", "", "mixed"), some(w.r, "m", "m-1", "n", "t/m", ""), some(w.r, "", "s", "u")
	req := &broker.PickRequest{Caller: caller, Provider: provider, Model: model, Options: selector.Explain}
	if session != "" {
		req.Session, _ = sessions.Caller(session)
	}
	pool := w.pool(caller.Name, provider)
	ready, _ := w.ready(caller.Name, provider, model)
	picked, err := w.broker.Pick(t.Context(), req, w.now)
	about := fmt.Sprintf("pick of %s for %q at %q in session %q", caller.Name, model, provider, session)
	if err != nil {
		return w.refused(about, err, caller, pool, ready)
	}
	id := picked.Auth.ID
	key := fmt.Sprintf("%q %q %q %q", caller.Name, provider, model, session)
	switch {
	case !slices.Contains(pool, id) || !w.allowed(caller.Name, picked.Auth, &model):
		return fmt.Errorf("%s gets %s, of its pool %q", about, id, pool)
	case session == "" && picked.Binding != selector.BindingNone, session != "" && (picked.Binding == selector.BindingNew) == w.used[key]:
		return fmt.Errorf("%s is bound as %v, of which it should know: %t", about, picked.Binding, w.used[key])
	case picked.Binding <= selector.BindingNew && !slices.Contains(ready, id):
		return fmt.Errorf("%s gets %s, ready are %q", about, id, ready)
	}
	w.used[key] = session != ""
	return w.explained(about, picked.Explanation, pool)
}

// refused checks that an error is the right one and tells of nothing outside of the pool.
func (w *policyWorld) refused(about string, err error, caller broker.Caller, pool, ready []string) error {
	var unavailable *selector.UnavailableError
	switch {
	case errors.Is(err, selector.ErrAuthNotFound) && len(pool) > 0, len(ready) > 0:
		return fmt.Errorf("%s is refused: %w, though there are %q", about, err, pool)
	case errors.As(err, &unavailable):
		return w.explained(about, unavailable.Explanation, pool)
	case !errors.Is(err, selector.ErrAuthNotFound):
		return fmt.Errorf("%s is refused: %w", about, err)
	}
	for _, a := range w.auths {
		if strings.Contains(err.Error(), a.Provider) && len(a.Provider) > 1 && len(w.pool(caller.Name, a.Provider)) == 0 {
			return fmt.Errorf("%s is told of provider %s: %w", about, a.Provider, err)
		}
	}
	return nil
}

func (w *policyWorld) explained(about string, e *selector.Explanation, pool []string) error {
	sum := 0
	for _, n := range e.Counts {
		sum += n
	}
	var ids []string
	for _, c := range e.Candidates {
		ids = append(ids, c.Auth.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, pool) || sum != len(pool) {
		return fmt.Errorf("%s is explained with %q and %d counted, of the pool %q", about, ids, sum, pool)
	}
	return nil
}

// inspect compares what a caller sees with its pool.
func (w *policyWorld) inspect(t *testing.T, caller broker.Caller) error {
	t.Helper()
	pool := w.pool(caller.Name, "")
	page, total := w.broker.Auths(caller, selector.Filter{}, w.now)
	var ids []string
	for i := range page {
		ids = append(ids, page[i].Auth.ID)
	}
	counted := 0
	status := w.broker.Status(caller, w.now)
	for _, c := range status.Pool {
		counted += c.Count
	}
	if !slices.Equal(ids, pool) || total != len(pool) || counted != len(pool) {
		return fmt.Errorf("%s sees %q, %d and %d, of the pool %q", caller.Name, ids, total, counted, pool)
	}
	own := 0
	for key, used := range w.used {
		if used && strings.HasPrefix(key, strconv.Quote(caller.Name)+" ") {
			own++
		}
	}
	bound, err := w.broker.Sessions(caller, "", 0, "", w.now)
	if err != nil || len(bound.Sessions) != own || bound.Total != own || status.Bindings != own {
		return fmt.Errorf("%s sees %d of %d sessions and %d in its status, %w, and has %d", caller.Name, len(bound.Sessions), bound.Total, status.Bindings, err, own)
	}
	for _, id := range []string{"a1", "b2", "c3", "nobody"} {
		_, err := w.broker.Auth(caller, id, w.now)
		_, errCooldown := w.broker.Cooldown(t.Context(), caller, &broker.CooldownOrder{AuthID: id, Cooldown: selector.Cooldown{Until: w.now}}, w.now)
		_, errReport := w.broker.Report(t.Context(), &broker.Report{Caller: caller, AuthID: id, Outcome: verdict.Outcome{Status: 200}}, w.now)
		_, errRelease := w.broker.Sessions(caller, id, 0, "", w.now)
		_, errInvalidate := w.broker.Invalidate(t.Context(), w.broker.Caller("stranger"), broker.Invalidation{AuthID: id, Disable: true}, w.now)
		for _, err := range []error{err, errCooldown, errReport, errRelease} {
			if errors.Is(err, selector.ErrUnknownAuth) == slices.Contains(pool, id) {
				return fmt.Errorf("%s asks for %s: %w, of the pool %q", caller.Name, id, err, pool)
			}
		}
		if !errors.Is(errInvalidate, selector.ErrUnknownAuth) {
			return fmt.Errorf("an auth outside of a pool is invalidated: %w", errInvalidate)
		}
	}
	return nil
}
