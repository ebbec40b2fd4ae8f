package selector_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

func TestWatcherHearsOfATokenThatEndedBeforeAnUpdate(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a", func(a *selector.Auth) { a.ExpiresAt = historyStart().Add(time.Minute) }))
	w := p.Watch()
	defer w.Close()
	p.now = p.now.Add(time.Minute)
	p.put(auth("b"))
	if got := w.Take(); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("Take = %v, want a, whose token is over, and b, which is new", got)
	}
}

func TestWatcherHearsOfEveryKindOfChangeOnce(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"), auth("b"), auth("b2", func(a *selector.Auth) { a.Identity = "b" }))
	w := p.Watch()
	defer w.Close()
	for _, step := range []struct {
		name string
		do   func()
		want []string
	}{
		{"nothing", func() {}, []string{}},
		{"a pick", func() { p.pick(selector.Request{}) }, []string{}},
		{"a cooldown", func() { p.cool("a", "", time.Second); p.cool("a", "m", time.Second) }, []string{"a"}},
		{"its end", func() { p.now = p.now.Add(time.Second); p.Advance(p.now, 10) }, []string{"a"}},
		{"disabling an auth that shares its identity", func() { p.must(p.Disable("b", "", p.now)) }, []string{"b", "b2"}},
		{"enabling it", func() { p.must(p.Enable("b2", p.now)) }, []string{"b", "b2"}},
		{"a new label", func() { p.put(auth("a", func(a *selector.Auth) { a.Label = "new" })) }, []string{"a"}},
		{"a new priority", func() { p.put(auth("a", priority(1))) }, []string{"a"}},
		{"a removal", func() { p.Update(nil, []string{"a"}, p.now) }, []string{"a"}},
		{"a return", func() { p.put(auth("a")) }, []string{"a"}},
	} {
		step.do()
		if signalled := len(w.Changed()) > 0; signalled != (len(step.want) > 0) {
			t.Errorf("after %s: signalled %t", step.name, signalled)
		}
		if got := w.Take(); !slices.Equal(got, step.want) {
			t.Errorf("after %s: Take = %v, want %v", step.name, got, step.want)
		}
		for len(w.Changed()) > 0 {
			<-w.Changed()
		}
	}
}

func TestWatcherThatIsClosedCollectsNothing(t *testing.T) {
	p := newPlayer(t, selector.Config{}, auth("a"))
	w := p.Watch()
	w.Close()
	p.must(p.Disable("a", "", p.now))
	if got := w.Take(); len(got) != 0 {
		t.Errorf("Take after Close = %v", got)
	}
}

func TestWatcherNamesAnAuthOnceHoweverOftenItChanged(t *testing.T) {
	p := newPlayer(t, selector.Config{}, numbered(10, nil)...)
	w := p.Watch()
	defer w.Close()
	for i := range 10_000 {
		p.cool(fmt.Sprintf("auth-%06d", i%10), fmt.Sprint("m", i), time.Second)
	}
	if got := w.Take(); len(got) != 10 {
		t.Errorf("Take = %d ids, want 10", len(got))
	}
}
