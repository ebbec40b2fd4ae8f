package selector_test

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// reasoned is a request of a conversation whose answers may hold encrypted reasoning, for a model; some carry it.
func (p *sessionPlayer) reasoned(model string, carries bool, req *selector.Request) *selector.Request {
	req.Model = model
	for i, s := range req.Sessions {
		req.Reasoning = append(req.Reasoning, selector.Session{Key: p.table.Key("p", s.Key.String(), " "), Role: s.Role})
		req.Sessions[i].Key = p.table.Key("p", s.Key.String(), model)
	}
	if carries {
		req.Options |= selector.CarriesReasoning
	}
	return req
}

func (p *sessionPlayer) named(id string) *selector.Request {
	return &selector.Request{Provider: "p", Sessions: []selector.Session{{Key: p.key(id)}}}
}

// organized is a pool of four auths, two and two of which share an organization.
func organized(t *testing.T) *sessionPlayer {
	t.Helper()
	p := newSessionPlayer(t, 4, selector.Settings{})
	for i, id := range []string{"auth-000000", "auth-000001", "auth-000002", "auth-000003"} {
		p.put(auth(id, func(a *selector.Auth) { a.Domains = []string{[]string{"org:a", "org:b"}[i/2], "account:all"} }))
	}
	return p
}

func mate(auth string) string {
	return map[string]string{
		"auth-000000": "auth-000001", "auth-000001": "auth-000000", "auth-000002": "auth-000003", "auth-000003": "auth-000002",
	}[auth]
}

func TestReasoningStaysWithItsWriter(t *testing.T) {
	p := newSessionPlayer(t, 4, selector.Settings{})
	auth := p.gets(p.reasoned("m", false, p.named("c")), selector.BindingNew)
	p.gets(p.reasoned("m", false, p.named("other")), selector.BindingNew)
	p.stays(p.reasoned("another", true, p.named("c")), selector.BindingInherited, auth)
	p.stays(p.reasoned("another", true, p.named("c")), selector.BindingHit, auth)
	title := p.reasoned("a third", false, p.named("c"))
	title.Exclude = []string{auth}
	p.leaves(title, selector.BindingNew, auth)
	p.stays(p.reasoned("a fourth one", true, p.named("c")), selector.BindingInherited, auth)

	chain := p.gets(p.reasoned("m", false, p.firstTurn("hello")), selector.BindingNew)
	p.stays(p.reasoned("another", true, p.prefixes(0, "turn 2", "hello")), selector.BindingInherited, chain)
	p.stays(p.reasoned("a third", true, p.prefixes(1, "turn 3", "turn 2", "hello")), selector.BindingInherited, chain)
}

func TestReasoningThatItsWriterCannotServe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		happen func(p *sessionPlayer, writer string)
		want   selector.Binding
		mate   bool
	}{
		{"it cools down", func(p *sessionPlayer, writer string) { p.cool(writer, "", time.Hour) }, selector.BindingRebound, true},
		{"its model cools down", func(p *sessionPlayer, writer string) { p.cool(writer, "another", time.Hour) }, selector.BindingRebound, true},
		{"it does not serve the model", func(p *sessionPlayer, writer string) {
			p.put(auth(writer, func(a *selector.Auth) { a.Models, a.Domains = []string{"m"}, domainsBefore(writer) }))
		}, selector.BindingRebound, true},
		{"its organization is out", func(p *sessionPlayer, writer string) {
			p.cool(writer, "", time.Hour)
			p.cool(mate(writer), "", time.Hour)
		}, selector.BindingRebound, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := organized(t)
			writer := p.gets(p.reasoned("m", false, p.named("c")), selector.BindingNew)
			tt.happen(p, writer)
			got := p.leaves(p.reasoned("another", true, p.named("c")), tt.want, writer)
			if (got == mate(writer)) != tt.mate {
				t.Errorf("%s writes, %s goes on", writer, got)
			}
			p.stays(p.reasoned("another", true, p.named("c")), selector.BindingHit, got)
			p.stays(p.reasoned("a third", true, p.named("c")), selector.BindingInherited, got)
		})
	}
}

func domainsBefore(auth string) []string {
	if auth < "auth-000002" {
		return []string{"org:a"}
	}
	return []string{"org:b"}
}

// A request that excludes the writer goes to its organization for once.
func TestReasoningIsDiverted(t *testing.T) {
	p := organized(t)
	writer := p.gets(p.reasoned("m", false, p.named("c")), selector.BindingNew)
	again := p.reasoned("another", true, p.named("c"))
	again.Exclude = []string{writer}
	p.stays(again, selector.BindingDiverted, mate(writer))
	again.Exclude = append(again.Exclude, mate(writer))
	p.leaves(again, selector.BindingDiverted, writer)
	p.stays(p.reasoned("another", true, p.named("c")), selector.BindingInherited, writer)
}

// Back at the model that it began with, the conversation stays with the auth that it was moved to.
func TestReasoningIsNotMovedBack(t *testing.T) {
	p := newSessionPlayer(t, 4, selector.Settings{})
	first := p.gets(p.reasoned("m", false, p.named("c")), selector.BindingNew)
	p.cool(first, "another", time.Minute)
	second := p.leaves(p.reasoned("another", true, p.named("c")), selector.BindingRebound, first)
	p.stays(p.reasoned("m", true, p.named("c")), selector.BindingInherited, second)
	p.stays(p.reasoned("m", true, p.named("c")), selector.BindingHit, second)
}
