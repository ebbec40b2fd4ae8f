package state

import (
	"slices"
	"testing"

	"github.com/credbroker/credbroker/selector"
)

func TestPermitListIsASetThatKeepsItsOrder(t *testing.T) {
	key := func(model string) selector.PermitKey { return selector.PermitKey{Model: model} }
	var l permitList
	for _, model := range []string{"a", "b", "a", "c"} {
		l.add(key(model))
	}
	if !l.remove(key("a")) || l.remove(key("a")) || l.remove(key("d")) {
		t.Error("remove does not tell what was there")
	}
	l.add(key("a"))
	if got, want := l.drain(), []selector.PermitKey{key("b"), key("c"), key("a")}; !slices.Equal(got, want) {
		t.Errorf("take = %v, want %v", got, want)
	}
	if got := l.drain(); len(got) > 0 {
		t.Errorf("take again = %v, want nothing", got)
	}
}
