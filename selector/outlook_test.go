package selector

import (
	"testing"
	"time"
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
	found := &p.index.provider("p").view("").outlook
	found.counts[ReasonNone] = 42 // a mark
	if _, err := p.Cooldown("b", Cooldown{Until: start().Add(time.Hour)}, start()); err != nil {
		t.Fatal(err)
	}
	if refuse(); found.counts[ReasonNone] != 42 {
		t.Error("a change of another provider made the pool look again")
	}
	if _, err := p.Cooldown("a", Cooldown{Until: start().Add(time.Hour)}, start()); err != nil {
		t.Fatal(err)
	}
	if refuse(); found.counts[ReasonNone] == 42 {
		t.Error("a change of its own did not make the pool look again")
	}
}
