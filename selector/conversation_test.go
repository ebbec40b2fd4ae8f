package selector_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// sessionPlayer is a player with a real table of bindings.
type sessionPlayer struct {
	*player

	table *bindings.Table
}

func newSessionPlayer(t *testing.T, auths int, settings selector.Settings) *sessionPlayer {
	t.Helper()
	table := bindings.New(bindings.Config{})
	return &sessionPlayer{newPlayer(t, selector.Config{Bindings: table, Settings: settings}, numbered(auths, nil)...), table}
}

// key is that of a session, whatever its role.
func (p *sessionPlayer) key(id string) selector.SessionKey { return p.table.Key("p", id, "m") }

// prefixes are a conversation, longest first, that is told by its turns; the last past ones are past.
func (p *sessionPlayer) prefixes(past int, ids ...string) *selector.Request {
	req := &selector.Request{Provider: "p", Model: "m"}
	for i, id := range ids {
		s := selector.Session{Key: p.key(id), Role: selector.RolePrefix}
		if i >= len(ids)-past {
			s.Role = selector.RolePast
		}
		req.Sessions = append(req.Sessions, s)
	}
	return req
}

func (p *sessionPlayer) firstTurn(id string) *selector.Request {
	req := p.prefixes(0, id)
	req.Options = selector.FirstTurn
	return req
}

// pinned adds a reference to a request.
func (p *sessionPlayer) pinned(req *selector.Request, reference string) *selector.Request {
	req.Pins = []selector.Session{{Key: p.key(reference)}}
	return req
}

// gets fails the test unless the pick has the wanted outcome, and returns the auth.
func (p *sessionPlayer) gets(req *selector.Request, want selector.Binding) string {
	p.t.Helper()
	got, err := p.Pick(req, p.now)
	if err != nil {
		p.t.Fatalf("Pick: %v", err)
	}
	if got.Binding != want {
		p.t.Fatalf("Pick = %s by %v, want it by %v", got.Auth.ID, got.Binding, want)
	}
	return got.Auth.ID
}

// stays fails the test unless the pick has the wanted outcome and auth.
func (p *sessionPlayer) stays(req *selector.Request, want selector.Binding, auth string) {
	p.t.Helper()
	if got := p.gets(req, want); got != auth {
		p.t.Fatalf("Pick = %s, want %s", got, auth)
	}
}

// leaves fails the test unless the pick has the wanted outcome and another auth.
func (p *sessionPlayer) leaves(req *selector.Request, want selector.Binding, auth string) string {
	p.t.Helper()
	got := p.gets(req, want)
	if got == auth {
		p.t.Fatalf("Pick = %s, want another", got)
	}
	return got
}

// issued tells that an auth issued a reference.
func (p *sessionPlayer) issued(auth, reference string) {
	p.t.Helper()
	p.must(p.Answered(selector.Answer{AuthID: auth, Pins: []selector.Session{{Key: p.key(reference)}}}, p.now))
}

func (p *sessionPlayer) answered(auth string, firstTurn *selector.Request, ids ...string) {
	p.t.Helper()
	a := selector.Answer{AuthID: auth}
	if firstTurn != nil {
		a.FirstTurn = firstTurn.Sessions[0].Key
	}
	for _, id := range ids {
		a.Sessions = append(a.Sessions, selector.Session{Key: p.key(id)})
	}
	p.must(p.Answered(a, p.now))
}

func TestAConversationIsFoundByItsLongestPrefix(t *testing.T) {
	p := newSessionPlayer(t, 5, selector.Settings{})
	auth := p.gets(p.firstTurn("hello"), selector.BindingNew)
	p.now = p.now.Add(time.Minute)
	p.stays(p.prefixes(0, "turn 2", "hello"), selector.BindingInherited, auth)
	p.stays(p.prefixes(0, "turn 2", "hello"), selector.BindingHit, auth)
	p.stays(p.prefixes(0, "turn 3", "turn 2", "hello"), selector.BindingInherited, auth)
	p.stays(p.prefixes(0, "turn 2, edited", "hello"), selector.BindingInherited, auth)
	if got := p.table.Len(); got != 4 {
		t.Errorf("%d bindings, want one for each prefix", got)
	}
}

func TestConversationsThatPartWaysPartTheirBindings(t *testing.T) {
	p := newSessionPlayer(t, 5, selector.Settings{})
	auth := p.gets(p.firstTurn("hello"), selector.BindingNew)
	p.stays(p.prefixes(0, "branch a", "hello"), selector.BindingInherited, auth)
	p.stays(p.prefixes(0, "branch b", "hello"), selector.BindingInherited, auth)
	p.cool(auth, "", time.Hour)
	other := p.leaves(p.prefixes(0, "branch a, turn 3", "branch a", "hello"), selector.BindingRebound, auth)
	p.now = p.now.Add(time.Minute)
	if _, err := p.ClearCooldown(auth, "", p.now); err != nil {
		t.Fatal(err)
	}
	p.stays(p.prefixes(0, "branch a, turn 4", "branch a, turn 3", "branch a", "hello"), selector.BindingInherited, other)
	p.stays(p.prefixes(0, "branch b, turn 3", "branch b", "hello"), selector.BindingInherited, auth)
}

func TestAShorterPrefixCountsWhereTheLongestCannotBeUsed(t *testing.T) {
	p := newSessionPlayer(t, 3, selector.Settings{})
	first := p.gets(p.prefixes(0, "short"), selector.BindingNew)
	second := p.leaves(p.prefixes(0, "long"), selector.BindingNew, first)
	p.cool(second, "", time.Minute)
	got, err := p.Pick(p.prefixes(0, "long", "short", "hello"), p.now)
	if err != nil || got.Auth.ID != first || got.Binding != selector.BindingInherited || got.From != second {
		t.Errorf("Pick = %s by %v from %q, %v; want %s inherited, from %s", got.Auth.ID, got.Binding, got.From, err, first, second)
	}
}

func TestARequestThatExcludesItsAuthMovesNothing(t *testing.T) {
	p := newSessionPlayer(t, 3, selector.Settings{})
	auth := p.gets(p.firstTurn("hello"), selector.BindingNew)
	again := p.prefixes(0, "turn 2", "hello")
	again.Exclude = []string{auth}
	p.leaves(again, selector.BindingDiverted, auth)
	p.stays(p.prefixes(0, "turn 2", "hello"), selector.BindingInherited, auth)
	p.leaves(again, selector.BindingDiverted, auth)
	p.stays(p.prefixes(0, "turn 2", "hello"), selector.BindingHit, auth)
}

// A conversation of a thousand turns keeps a handful of bindings, and is found when it is rolled back to any of them.
func TestOldPrefixesGo(t *testing.T) {
	p := newSessionPlayer(t, 3, selector.Settings{})
	ids := []string{"turn 0"}
	auth := p.gets(p.firstTurn(ids[0]), selector.BindingNew)
	for i := range 1000 {
		p.now = p.now.Add(time.Second)
		ids = append([]string{fmt.Sprintf("turn %d", i+1)}, ids[:min(len(ids), 6)]...)
		p.stays(p.prefixes(max(0, len(ids)-4), ids...), selector.BindingInherited, auth)
	}
	if got := p.table.Len(); got != 4 {
		t.Errorf("%d bindings after a thousand turns, want 4", got)
	}
	p.stays(p.prefixes(0, "another way", ids[3]), selector.BindingInherited, auth)
}

func TestMarksFollowThePick(t *testing.T) {
	p := newSessionPlayer(t, 3, selector.Settings{})
	marked := func(id string) *selector.Request {
		req := p.prefixes(0, id)
		req.Marks = []selector.Session{{Key: p.key("mark")}}
		return req
	}
	first := p.gets(marked("a"), selector.BindingNew)
	p.stays(p.prefixes(0, "x", "mark"), selector.BindingInherited, first)
	second := p.leaves(marked("b"), selector.BindingNew, first)
	p.stays(p.prefixes(0, "y", "mark"), selector.BindingInherited, second)
	p.stays(marked("a"), selector.BindingHit, first)
	p.stays(p.prefixes(0, "z", "mark"), selector.BindingInherited, first)
	diverted := marked("a")
	diverted.Exclude = []string{first}
	p.leaves(diverted, selector.BindingDiverted, first)
	p.stays(p.prefixes(0, "zz", "mark"), selector.BindingInherited, first)
}

func TestFirstTurnsAreSpread(t *testing.T) {
	p := newSessionPlayer(t, 20, selector.Settings{})
	picks := map[string]int{}
	for range 1000 {
		picks[p.gets(p.firstTurn("hello"), selector.BindingNew)]++
		p.now = p.now.Add(30 * time.Second)
	}
	for auth, n := range picks {
		if n != 50 {
			t.Errorf("%s got %d of 1,000 first turns that are alike, want 50", auth, n)
		}
	}
}

func TestABurstOfFirstTurnsIsSpread(t *testing.T) {
	p := newSessionPlayer(t, 20, selector.Settings{})
	picks := map[string]int{}
	for range 50 {
		got, err := p.Pick(p.firstTurn("hello"), p.now)
		if err != nil {
			t.Fatal(err)
		}
		picks[got.Auth.ID]++
		p.now = p.now.Add(20 * time.Millisecond)
	}
	if most := slices.Max(slices.Collect(maps.Values(picks))); most > 3 || len(picks) < 17 {
		t.Errorf("50 first turns within a second went to %d auths, %d to one of them; want at most 3 to each", len(picks), most)
	}
}

func TestWhatEndsTheTimeInWhichAFirstTurnIsRepeated(t *testing.T) {
	for _, tt := range []struct {
		name   string
		happen func(p *sessionPlayer, auth string)
		stays  bool
	}{
		{"nothing", func(*sessionPlayer, string) {}, true},
		{"almost five seconds", func(p *sessionPlayer, _ string) { p.now = p.now.Add(5*time.Second - 1) }, true},
		{"five seconds", func(p *sessionPlayer, _ string) { p.now = p.now.Add(5 * time.Second) }, false},
		{"its answer", func(p *sessionPlayer, auth string) { p.answered(auth, p.firstTurn("hello")) }, false},
		{"the answer to another one", func(p *sessionPlayer, auth string) { p.answered(auth, p.firstTurn("bye")) }, true},
		{"its continuation", func(p *sessionPlayer, auth string) {
			p.stays(p.prefixes(0, "turn 2", "hello"), selector.BindingInherited, auth)
		}, false},
		{"one repetition", func(p *sessionPlayer, auth string) { p.stays(p.firstTurn("hello"), selector.BindingHit, auth) }, true},
		{"two repetitions", func(p *sessionPlayer, auth string) {
			p.stays(p.firstTurn("hello"), selector.BindingHit, auth)
			p.stays(p.firstTurn("hello"), selector.BindingHit, auth)
		}, false},
		{"a repetition elsewhere", func(p *sessionPlayer, auth string) {
			req := p.firstTurn("hello")
			req.Exclude = []string{auth}
			p.leaves(req, selector.BindingDiverted, auth)
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newSessionPlayer(t, 3, selector.Settings{})
			auth := p.gets(p.firstTurn("hello"), selector.BindingNew)
			tt.happen(p, auth)
			if tt.stays {
				p.stays(p.firstTurn("hello"), selector.BindingHit, auth)
				return
			}
			got, err := p.Pick(p.firstTurn("hello"), p.now)
			if err != nil || got.Auth.ID == auth || got.Binding != selector.BindingNew || got.From != auth {
				t.Errorf("Pick = %s by %v from %q, %v; want another than %s, new", got.Auth.ID, got.Binding, got.From, err, auth)
			}
		})
	}
}

// Conversations may begin alike; from the first answer on each is found by its own.
func TestAnswersTellApartConversationsThatBeginAlike(t *testing.T) {
	p := newSessionPlayer(t, 4, selector.Settings{})
	auths := make([]string, 4)
	for i := range auths {
		auths[i] = p.gets(p.firstTurn("hello"), selector.BindingNew)
		p.answered(auths[i], p.firstTurn("hello"), fmt.Sprintf("hello, answer %d", i))
	}
	for i, auth := range auths {
		p.stays(p.prefixes(0, fmt.Sprintf("turn 2 of %d", i), fmt.Sprintf("hello, answer %d", i), "hello"), selector.BindingInherited, auth)
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(auths))); len(distinct) != 4 {
		t.Errorf("conversations that begin alike went to %v, want each to its own", distinct)
	}
}

// A first turn is bound to where the latest conversation began that begins alike. When their auth is out, not all of
// them move there.
func TestConversationsThatBeginAlikeAreSpreadWhenTheirAuthIsOut(t *testing.T) {
	p := newSessionPlayer(t, 6, selector.Settings{})
	auth := p.gets(p.firstTurn("hello"), selector.BindingNew)
	for i := range 20 {
		p.answered(auth, p.firstTurn("hello"), fmt.Sprintf("answer %d", i))
	}
	p.leaves(p.firstTurn("hello"), selector.BindingNew, auth)
	p.cool(auth, "", time.Hour)
	picks := map[string]int{}
	for i := range 20 {
		picks[p.gets(p.prefixes(0, fmt.Sprintf("turn 2 of %d", i), fmt.Sprintf("answer %d", i), "hello"), selector.BindingRebound)]++
	}
	for to, n := range picks {
		if n != 4 {
			t.Errorf("%d of 20 conversations moved to %s, want 4", n, to)
		}
	}
}

// Agents put an answer of their own before the first question, so a request with one answer may still be a first turn. It is
// none if what it continues is known.
func TestAFirstTurnThatContinuesSomethingIsNotAmbiguous(t *testing.T) {
	p := newSessionPlayer(t, 3, selector.Settings{})
	second := p.prefixes(0, "turn 2", "hello")
	second.Options = selector.FirstTurn
	first := p.gets(p.firstTurn("hello"), selector.BindingNew)
	p.stays(second, selector.BindingInherited, first)
	p.now = p.now.Add(time.Minute)
	p.leaves(p.firstTurn("hello"), selector.BindingNew, first)
	p.stays(second, selector.BindingHit, first)

	begun := p.prefixes(1, "hello, begun", "hello")
	begun.Options = selector.FirstTurn
	begun.Marks = begun.Sessions[1:]
	first = p.leaves(begun, selector.BindingInherited, "")
	p.now = p.now.Add(time.Minute)
	p.leaves(begun, selector.BindingNew, first)

	alone := p.prefixes(0, "greeting, hello", "greeting")
	alone.Options = selector.FirstTurn
	first = p.gets(alone, selector.BindingNew)
	p.now = p.now.Add(time.Minute)
	p.leaves(alone, selector.BindingNew, first)
}

func TestSubAgentsFollowTheirParent(t *testing.T) {
	p := newSessionPlayer(t, 20, selector.Settings{})
	parent := p.gets(&selector.Request{Provider: "p", Model: "m", Sessions: []selector.Session{{Key: p.key("header:parent")}}}, selector.BindingNew)
	picks := map[string]int{}
	for i := range 50 {
		req := p.firstTurn(fmt.Sprintf("agent %d", i))
		req.Parent = p.key("header:parent")
		p.stays(req, selector.BindingInherited, parent)
		picks[p.gets(p.firstTurn(fmt.Sprintf("agent %d of nobody", i)), selector.BindingNew)]++
	}
	if most := slices.Max(slices.Collect(maps.Values(picks))); most > 3 {
		t.Errorf("50 sub-agents that spread went to %d auths, %d to one; want at most 3", len(picks), most)
	}

	t.Run("a member has its own binding", func(t *testing.T) {
		p.t = t
		child := &selector.Request{Provider: "p", Model: "m", Sessions: []selector.Session{{Key: p.key("header:child")}}, Parent: p.key("header:parent")}
		p.stays(child, selector.BindingInherited, parent)
		p.cool(parent, "", time.Minute)
		moved := p.leaves(child, selector.BindingRebound, parent)
		p.now = p.now.Add(2 * time.Minute)
		p.stays(child, selector.BindingHit, moved)
	})
	t.Run("a parent that is out is not followed", func(t *testing.T) {
		p.t = t
		p.cool(parent, "", time.Minute)
		req := p.firstTurn("late")
		req.Parent = p.key("header:parent")
		p.leaves(req, selector.BindingNew, parent)
	})
}
