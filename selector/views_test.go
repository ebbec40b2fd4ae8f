package selector

import (
	"fmt"
	"testing"
	"time"

	"github.com/credbroker/credbroker/internal/glob"
)

func TestViewsAreBoundedAndGoLeastRecentlyUsedFirst(t *testing.T) {
	var auths []*Auth
	for i := range 10 {
		auths = append(auths, &Auth{ID: fmt.Sprint("a", i), Provider: "p", Models: []string{fmt.Sprintf("*%d*", i), "kept"}})
	}
	p := internalPool(t, auths...)
	pick := func(model string) string {
		t.Helper()
		got, err := p.Pick(&Request{Provider: "p", Model: model}, start())
		if err != nil {
			t.Fatalf("Pick(%q) = %v", model, err)
		}
		return got.Auth.ID
	}
	pick("kept")
	kept := p.routes.byKey[routeKey{provider: "p", model: "kept"}].view
	for subset := 1; subset < 1<<10; subset++ {
		model := ""
		for i := range 10 {
			if subset>>i&1 != 0 {
				model += fmt.Sprint(i)
			}
		}
		if id := pick(model); !glob.Match("*"+id[1:]+"*", model) {
			t.Fatalf("Pick(%q) = %s, which does not serve it", model, id)
		}
		pick("kept")
		if subset%64 == 0 {
			if err := p.CheckIndex(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := len(p.runtime.index.provider("p").views); n > maxViews {
		t.Errorf("%d views, want at most %d", n, maxViews)
	}
	if p.routes.byKey[routeKey{provider: "p", model: "kept"}].view != kept {
		t.Error("the view that was always in use was dropped")
	}
	// A view that was dropped is made again, and knows what changed in the meantime.
	if _, err := p.Cooldown("a0", Cooldown{Until: start().Add(time.Hour)}, start()); err != nil {
		t.Fatal(err)
	}
	if id := pick("01"); id != "a1" {
		t.Errorf("Pick(01) = %s, want a1", id)
	}
}
