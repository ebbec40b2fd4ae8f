package selector_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// player is a pool with a clock, for tests that tell a story.
type player struct {
	*selector.Pool

	t   testing.TB
	now time.Time
}

func newPlayer(t testing.TB, c selector.Config, auths ...*selector.Auth) *player {
	t.Helper()
	p := &player{Pool: selector.New(c), t: t, now: historyStart()}
	p.put(auths...)
	return p
}

func (p *player) put(auths ...*selector.Auth) { p.Update(auths, nil, p.now) }

// pick returns the id of the auth that a request gets.
func (p *player) pick(req selector.Request) string {
	p.t.Helper()
	got, err := p.Pick(&req, p.now)
	if err != nil {
		p.t.Fatalf("Pick(%+v) = %v", req, err)
	}
	return got.Auth.ID
}

// cool blocks an auth, or one model of it, for a while.
func (p *player) cool(id, model string, d time.Duration) {
	p.t.Helper()
	if _, err := p.Cooldown(id, selector.Cooldown{Model: model, Until: p.now.Add(d)}, p.now); err != nil {
		p.t.Fatalf("Cooldown(%s) = %v", id, err)
	}
}

func (p *player) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// auth is an auth of provider p.
func auth(id string, change ...func(*selector.Auth)) *selector.Auth {
	a := &selector.Auth{ID: id, Provider: "p", Attributes: map[string]string{}}
	for _, f := range change {
		f(a)
	}
	return a
}

func weight(w uint32) func(*selector.Auth) { return func(a *selector.Auth) { a.Weight = &w } }

func priority(n int64) func(*selector.Auth) { return func(a *selector.Auth) { a.Priority = &n } }

// numbered makes n auths whose ids sort as their numbers do.
func numbered(n int, change func(i int, a *selector.Auth)) []*selector.Auth {
	auths := make([]*selector.Auth, n)
	for i := range auths {
		auths[i] = auth(fmt.Sprintf("auth-%06d", i))
		if change != nil {
			change(i, auths[i])
		}
	}
	return auths
}
