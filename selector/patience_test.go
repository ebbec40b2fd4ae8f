package selector_test

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// A session that is bound stays with an auth that is back soon, and takes another meanwhile.
func TestSessionsArePatient(t *testing.T) {
	for name, c := range map[string]struct {
		out      func(p *player)
		patience time.Duration
		want     selector.Binding
	}{
		"a short limit":            {func(p *player) { p.cool("a", "m", 10*time.Second) }, 10 * time.Second, selector.BindingDiverted},
		"a longer one":             {func(p *player) { p.cool("a", "m", 11*time.Second) }, 10 * time.Second, selector.BindingRebound},
		"a short limit, impatient": {func(p *player) { p.cool("a", "m", time.Second) }, 0, selector.BindingRebound},
		"of the whole auth":        {func(p *player) { p.cool("a", "", time.Second) }, time.Second, selector.BindingDiverted},
		"doubt":                    {func(p *player) { p.fail(1, "a", doubtful(forbidden(p.now))) }, time.Second, selector.BindingDiverted},
		"disabled":                 {func(p *player) { p.must(p.Disable("a", "", p.now)) }, time.Hour, selector.BindingRebound},
		"gone":                     {func(p *player) { p.Update(nil, []string{"a"}, p.now) }, time.Hour, selector.BindingRebound},
	} {
		p := newPlayer(t, selector.Config{Bindings: bindings.New(bindings.Config{}), Settings: selector.Settings{Patience: c.patience}}, auth("a"))
		req := selector.Request{Provider: "p", Model: "m", Sessions: []selector.Session{{Key: selector.SessionKey{Lo: 1}}}}
		p.pick(req)
		p.put(auth("b"))
		c.out(p)
		got, err := p.Pick(&req, p.now)
		if err != nil || got.Auth.ID != "b" || got.Binding != c.want {
			t.Errorf("%s: Pick = %+v, %v, want b, %v", name, got, err, c.want)
		}
		p.now = p.now.Add(2 * time.Minute)
		after, err := p.Pick(&req, p.now)
		if stays := err == nil && after.Auth.ID == "a"; stays != (c.want == selector.BindingDiverted) {
			t.Errorf("%s: two minutes later: %+v, %v", name, after, err)
		}
	}
}
