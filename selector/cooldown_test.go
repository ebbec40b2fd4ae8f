package selector_test

import (
	"errors"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

func TestExplicitCooldownOnlyLengthens(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	for _, step := range []struct {
		name string
		c    selector.Cooldown
		want time.Time
	}{
		{"the first", selector.Cooldown{Until: p.now.Add(time.Minute)}, p.now.Add(time.Minute)},
		{"a shorter one", selector.Cooldown{Until: p.now.Add(time.Second)}, p.now.Add(time.Minute)},
		{"a ladder's", selector.Cooldown{}, p.now.Add(time.Minute)},
		{"a longer one", selector.Cooldown{Until: p.now.Add(time.Hour)}, p.now.Add(time.Hour)},
		{"one without end", selector.Cooldown{Endless: true}, time.Time{}},
		{"one with an end after that", selector.Cooldown{Until: p.now.Add(48 * time.Hour)}, time.Time{}},
	} {
		got, err := p.Cooldown("a", step.c, p.now)
		if err != nil || !got.Until.Equal(step.want) {
			t.Errorf("after %s: until %v, %v, want %v", step.name, got.Until, err, step.want)
		}
	}
}

func TestLadderClimbsOncePerClosedWindowAndForgetsAfterADay(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	ladder := func(kind cooldown.Kind) selector.Block {
		t.Helper()
		b, err := p.Cooldown("a", selector.Cooldown{Kind: kind}, p.now)
		p.must(err)
		least, most := ladderBounds(kind, b.Level)
		if d := b.Until.Sub(p.now); d > most {
			t.Errorf("level %d lasts %v, want at most %v", b.Level, d, most)
		} else if d < least && b.Level == 1 {
			t.Errorf("level %d lasts %v, want at least %v", b.Level, d, least)
		}
		return b
	}
	for _, kind := range []cooldown.Kind{cooldown.Quota, cooldown.Transient, cooldown.Authentication, cooldown.Other} {
		for level := 1; level <= 12; level++ {
			b := ladder(kind)
			if again := ladder(kind); b.Level != level || again != b {
				t.Fatalf("kind %d, window %d: %+v, then in the same window %+v", kind, level, b, again)
			}
			p.now = b.Until
		}
		p.now = p.now.Add(24*time.Hour - 1)
		if b := ladder(kind); b.Level != 13 {
			t.Errorf("kind %d: level %d just before a day is over, want 13", kind, b.Level)
		} else {
			p.now = b.Until.Add(24 * time.Hour)
		}
		if b := ladder(kind); b.Level != 1 {
			t.Errorf("kind %d: level %d when a day is over, want 1", kind, b.Level)
		}
	}
}

func TestExplicitCooldownDoesNotReviveALadderThatWasForgotten(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	first, err := p.Cooldown("a", selector.Cooldown{}, p.now)
	p.must(err)
	p.now = first.Until.Add(24 * time.Hour)
	p.cool("a", "", time.Second)
	p.now = p.now.Add(time.Second)
	if b, err := p.Cooldown("a", selector.Cooldown{}, p.now); err != nil || b.Level != 1 {
		t.Errorf("Cooldown = %+v, %v, want level 1: the step before is more than a day old", b, err)
	}
}

func TestEndsBeyondWhatNanosecondsReachAreStillEnds(t *testing.T) {
	far := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	p := newPlayer(t, selector.Config{},
		auth("a", func(a *selector.Auth) { a.ExpiresAt = far }),
		auth("old", func(a *selector.Auth) { a.ExpiresAt = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC) }),
	)
	for range 3 {
		if got := p.pick(selector.Request{}); got != "a" {
			t.Errorf("Pick = %s, want a: its token lasts until %v", got, far)
		}
	}
	if b, err := p.Cooldown("a", selector.Cooldown{Until: far}, p.now); err != nil || !b.Until.After(p.now) {
		t.Errorf("Cooldown until %v = %+v, %v", far, b, err)
	}
	var cooling *selector.UnavailableError
	var cooldownErr *selector.CooldownError
	if _, err := p.Pick(&selector.Request{}, p.now); errors.As(err, &cooling) || !errors.As(err, &cooldownErr) {
		t.Errorf("Pick = %v, want a CooldownError", err)
	}
}

func secret(text string) func(*selector.Auth) {
	return func(a *selector.Auth) {
		a.Identity = "account"
		a.Headers = []selector.Header{{Name: "Authorization", Value: selector.NewSecret(text)}}
	}
}

func TestRefusedSecretKeepsOutWhoHasItAndNobodyElse(t *testing.T) {
	for name, change := range map[string]func(p *player){
		"the same secret":                   func(p *player) { p.put(auth("a", secret("old"))) },
		"a new secret":                      func(p *player) { p.put(auth("a", secret("new"))) },
		"a new secret and priority":         func(p *player) { p.put(auth("a", secret("new"), priority(1))) },
		"a new label":                       func(p *player) { p.put(auth("a", secret("old"), func(a *selector.Auth) { a.Label = "x" })) },
		"a rename":                          func(p *player) { p.Update([]*selector.Auth{auth("b", secret("old"))}, []string{"a"}, p.now) },
		"a rename with a new secret":        func(p *player) { p.Update([]*selector.Auth{auth("b", secret("new"))}, []string{"a"}, p.now) },
		"a second auth with the old secret": func(p *player) { p.put(auth("b", secret("old"))) },
		"a second auth with a new secret":   func(p *player) { p.put(auth("b", secret("new"))) },
		"going and coming back": func(p *player) {
			p.Update(nil, []string{"a"}, p.now)
			p.put(auth("z"))
			p.put(auth("a", secret("old")))
		},
		"going and coming back with a new secret": func(p *player) {
			p.Update(nil, []string{"a"}, p.now)
			p.put(auth("z"))
			p.put(auth("a", secret("new")))
		},
		"going and coming back renamed with a new secret": func(p *player) {
			p.Update(nil, []string{"a"}, p.now)
			p.put(auth("b", secret("new")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlayer(t, selector.Config{}, auth("a", secret("old")))
			for _, c := range []selector.Cooldown{
				{Kind: cooldown.Authentication, Endless: true}, {Model: "m", Kind: cooldown.Authentication, Endless: true}, {Model: "n", Until: p.now.Add(time.Hour)},
			} {
				_, err := p.Cooldown("a", c, p.now)
				p.must(err)
			}
			change(p)
			page, _ := p.List(selector.Filter{}, p.now)
			for _, s := range page {
				if s.Auth.Identity != "account" {
					continue
				}
				want := 3
				if s.Auth.Headers[0].Value.Equal(selector.NewSecret("new")) {
					want = 2
				}
				if len(s.Blocks) != want {
					t.Errorf("%s has blocks %v, want %d", s.Auth.ID, s.Blocks, want)
				}
			}
		})
	}
}

func TestCommandsRefuseWhatTheyCannotDo(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", func(a *selector.Auth) { a.Models = []string{"m"} }), auth("off", func(a *selector.Auth) { a.Disabled = true }))
	_, unknown := p.Cooldown("none", selector.Cooldown{}, p.now)
	_, notServed := p.Cooldown("a", selector.Cooldown{Model: "other"}, p.now)
	_, past := p.Cooldown("a", selector.Cooldown{Until: p.now}, p.now)
	_, cleared := p.ClearCooldown("none", "", p.now)
	_, release := p.Release("none", "", p.now)
	_, status := p.Status("none", p.now)
	for name, check := range map[string]struct{ got, want error }{
		"Cooldown": {unknown, selector.ErrUnknownAuth}, "ClearCooldown": {cleared, selector.ErrUnknownAuth},
		"Release": {release, selector.ErrUnknownAuth}, "Status": {status, selector.ErrUnknownAuth},
		"Enable": {p.Enable("none", p.now), selector.ErrUnknownAuth}, "Disable": {p.Disable("none", "", p.now), selector.ErrUnknownAuth},
		"Enable of what the configuration disables": {p.Enable("off", p.now), selector.ErrManagedByConfig},
	} {
		if !errors.Is(check.got, check.want) {
			t.Errorf("%s = %v, want %v", name, check.got, check.want)
		}
	}
	for field, err := range map[string]error{"model": notServed, "until": past} {
		var got *selector.FieldError
		if !errors.As(err, &got) || got.Field != field {
			t.Errorf("error %v, want one about %s", err, field)
		}
	}
}
