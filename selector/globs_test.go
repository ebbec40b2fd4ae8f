package selector

import (
	"fmt"
	"testing"
	"time"
)

func start() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

func internalPool(t *testing.T, auths ...*Auth) *Pool {
	t.Helper()
	p := New(Config{})
	p.Update(auths, nil, start())
	return p
}

// An auth without globs at one provider has the same members whatever globs auths of another provider have.
func TestProviderHasNoViewsForTheGlobsOfOthers(t *testing.T) {
	auths := []*Auth{{ID: "plain", Provider: "p"}}
	for i := range 300 {
		auths = append(auths, &Auth{ID: fmt.Sprint("other-", i), Provider: "q", Models: []string{fmt.Sprint("m", i)}})
	}
	p := internalPool(t, auths...)
	for i := range 300 {
		if _, err := p.Pick(&Request{Provider: "p", Model: fmt.Sprint("m", i)}, start()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(p.runtime.index.provider("p").views); n != 1 {
		t.Errorf("%d views of an auth that serves every model, want 1", n)
	}
}

func TestAuthsShareGlobsOnlyIfTheyAreTheSame(t *testing.T) {
	for _, pair := range [][2]*Auth{
		{{Models: []string{""}, ExcludeModels: []string{"x"}}, {ExcludeModels: []string{"x"}}},
		{{Models: []string{"a", "b"}}, {Models: []string{"a\x00b"}}},
		{{Models: []string{"a"}, ExcludeModels: []string{"b\x01"}, Prefix: "c"}, {Models: []string{"a\x01b"}, Prefix: "c"}},
		{{Prefix: "m"}, {Models: []string{"m"}}},
		{{Models: []string{"m"}}, {ExcludeModels: []string{"m"}}},
	} {
		one, two := *pair[0], *pair[1]
		one.ID, one.Provider, two.ID, two.Provider = "one", "p", "two", "p"
		p := internalPool(t, &one, &two)
		if p.runtime.index.byID["one"].patterns == p.runtime.index.byID["two"].patterns || sameShape(&one, &two) {
			t.Errorf("%+v and %+v are taken for the same", pair[0], pair[1])
		}
	}
}
