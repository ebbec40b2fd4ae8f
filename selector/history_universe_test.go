package selector_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// universe is what a random history can be about. Few of everything, so that things meet.
type universe struct {
	ids, identities, providers []string
	requested                  []string // providers of requests
	priorities, parents, globs []string
	prefixes, webSockets       []string
	models                     []string
	strategies                 []selector.Settings
	start                      int // auths at the beginning
	puts                       int // most auths of one update
	excludes                   []int
	advance                    int // ends that are worked off beside picks
	checkEvery                 int
	storm                      int // cooldowns at the beginning
	domains                    []string
}

func smallUniverse() *universe {
	return &universe{
		ids:        []string{"A", "B", "a", "a1", "b", "b/x", "c", "é"},
		identities: []string{"", "", "", "", "one", "two"},
		providers:  []string{"codex", "codex", "codex", "p"},
		requested:  []string{"codex", "codex", "codex", "p", "", "mixed", " CODEX ", "none"},
		priorities: []string{"", "", "", "1", "5", "-3", "x", " +1 "},
		parents:    []string{"", "x", "y", " x ", "z"},
		globs:      []string{"", "", "", "", "m*", "m1", "m2,m3", "*1,k?2"},
		prefixes:   []string{"", "", "", "m", "team"},
		webSockets: []string{"", "true", "0", "T", "maybe"},
		models:     []string{"", "m1", "m1(high)", " m2 ", "m2", "m3", "team/m1", "m/m1", "team/m3(low)", "(m1)", "kx2", "team/"},
		strategies: smallSettings(),
		domains:    []string{"", "", "org:a", "org:b", "org:a,egress:x", "egress:x,org:b,org:a"},
		start:      5, puts: 3, excludes: []int{0, 0, 0, 1, 2, 5}, checkEvery: 1,
	}
}

func smallSettings() []selector.Settings {
	return []selector.Settings{
		{MaxHint: 5 * time.Second, ProbeTimeout: 3 * time.Second}, {MaxHint: time.Second}, {ProbeTimeout: time.Second},
		{}, {Strategy: selector.FillFirst}, {Strategy: selector.WeightedRoundRobin},
		{Strategy: selector.WeightedRoundRobin, Failback: true}, {Failback: true},
		{Strategy: selector.WeightedRoundRobin, Rules: []selector.Rule{
			{Provider: "p", Strategy: selector.FillFirst}, {Model: "m1*", Strategy: selector.RoundRobin},
			{Provider: "codex", Model: "m?", Strategy: selector.WeightedRoundRobin}, {Provider: "mixed", Strategy: selector.FillFirst},
		}},
	}
}

// mediumUniverse has pools of several words of positions, many tiers, many parents and many names.
func mediumUniverse(r *rand.Rand) *universe {
	u := smallUniverse()
	u.ids, u.priorities, u.parents, u.prefixes = nil, nil, nil, []string{"", "", "team"}
	for i := range 100 + r.IntN(200) {
		u.ids = append(u.ids, fmt.Sprintf("auth-%d", i))
	}
	for i := range one(r, []int{1, 1, 2, 20}) {
		u.priorities = append(u.priorities, fmt.Sprint(i*i%7))
	}
	if u.parents = append(u.parents, ""); r.IntN(2) == 0 {
		u.parents = nil
	}
	for i := range 1 + r.IntN(40) {
		u.parents = append(u.parents, fmt.Sprintf("project-%d", i))
	}
	if r.IntN(2) == 0 {
		u.globs = []string{"", "m*"}
	}
	u.providers, u.requested = append(u.providers, u.providers...), append(u.requested, "codex", "codex", "codex")
	u.models = []string{"", "m1", "m1(high)", "team/m1", "m2", "m3"}
	u.storm = r.IntN(150)
	u.start, u.puts, u.excludes, u.advance, u.checkEvery = 100+r.IntN(len(u.ids)-99), 40, []int{0, 0, 1, 20, 200}, 1<<30, 10
	return u
}

// narrow leaves most histories few names to ask for, so that they come back to the same rotations.
func (u *universe) narrow(r *rand.Rand) {
	if r.IntN(4) > 0 {
		u.models = some(r, u.models, 1+r.IntN(3))
		u.requested = some(r, u.requested, 1+r.IntN(2))
	}
	if r.IntN(2) == 0 {
		u.priorities, u.globs = some(r, u.priorities, 2), some(r, u.globs, 2)
	}
}

func (u *universe) history(r *rand.Rand, length int) *history {
	u.narrow(r)
	h := &history{
		config: selector.Config{Settings: one(r, u.strategies), Seed: r.Uint64(), CursorStart: uint64(r.IntN(3))},
		bound:  r.IntN(3) > 0, models: u.models, checkEvery: u.checkEvery,
	}
	if r.IntN(10) == 0 {
		h.config.CursorStart = ^uint64(0) - 1
	}
	h.ops = append(h.ops, u.update(r, u.start, 0))
	for range u.storm {
		h.ops = append(h.ops, u.cooldown(r))
	}
	for len(h.ops) < length {
		h.ops = append(h.ops, u.operation(r))
	}
	return h
}

func one[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

func some[T any](r *rand.Rand, of []T, n int) []T {
	var found []T
	for range n {
		found = append(found, one(r, of))
	}
	return found
}

func (u *universe) operation(r *rand.Rand) operation {
	switch n := r.IntN(100); {
	case n < 50:
		return u.pick(r)
	case n < 55:
		return u.cooldown(r)
	case n < 64:
		return u.report(r)
	case n < 67:
		return u.answered(r)
	case n < 70:
		return opClear{one(r, u.ids), one(r, append(u.models, "", ""))}
	case n < 75:
		return opSwitch{one(r, u.ids), r.IntN(3) > 0}
	case n < 76:
		return opRelease{one(r, u.ids)}
	case n < 81:
		return u.update(r, r.IntN(u.puts+1), r.IntN(2)*r.IntN(u.puts+1))
	case n < 82:
		return opConfigure{one(r, u.strategies)}
	case n < 89:
		return opWait{one(r, []time.Duration{0, 1, time.Second, 2 * time.Second, 3 * time.Second, time.Minute, 24 * time.Hour}), u.advance}
	case n < 93:
		return u.wait(r)
	case n < 96:
		return opWatch{}
	case n < 98:
		return opStatus{one(r, u.ids)}
	default:
		return opList{selector.Filter{
			Provider: one(r, append(u.providers, "", "")), Model: one(r, append(u.models, "", "")),
			State: selector.State(r.IntN(5)), After: one(r, append(u.ids, "")), Limit: r.IntN(4),
		}}
	}
}

func (u *universe) wait(r *rand.Rand) operation {
	if u.advance == 0 {
		return opWaitForNext{time.Duration(r.IntN(3) - 1)}
	}
	return opWait{time.Second, u.advance}
}

func (u *universe) pick(r *rand.Rand) operation {
	p := opPick{
		Provider: one(r, u.requested), Model: one(r, u.models), Exclude: some(r, u.ids, one(r, u.excludes)),
		Options: one(r, []selector.Options{0, 0, selector.WebSocket, selector.Explain, selector.DryRun}),
	}
	u.sessions(r, &p)
	return p
}

// Numbers of sessions: names, then prefixes, then references.
const (
	firstName, names        = 1, 6
	firstPrefix, prefixes   = 10, 12
	firstReference, numRefs = 30, 3
)

func number(r *rand.Rand, first, count int) uint64 { return uint64(first + r.IntN(count)) }

// sessions are none, names or prefixes, now and then with a parent and references beside them.
func (u *universe) sessions(r *rand.Rand, p *opPick) {
	switch n := r.IntN(10); {
	case n < 4:
		for range r.IntN(3) {
			p.Sessions = append(p.Sessions, number(r, firstName, names))
		}
	case n < 8:
		p.Prefixes, p.Past = true, r.IntN(4)
		// A conversation is a run of prefixes, the last one its first turn.
		for at := r.IntN(prefixes); at >= 0 && len(p.Sessions) < 8; at -= 1 + r.IntN(2)*r.IntN(3) {
			p.Sessions = append(p.Sessions, uint64(firstPrefix+at))
		}
	default:
		p.Prefixes, p.Options = true, p.Options|selector.FirstTurn
		p.Sessions = []uint64{number(r, firstPrefix, 3)}
		if r.IntN(4) == 0 {
			p.Sessions = append(p.Sessions, number(r, firstPrefix, prefixes))
		}
	}
	for range max(0, r.IntN(6)-3) {
		p.Marks = append(p.Marks, number(r, firstPrefix, prefixes))
	}
	if r.IntN(6) == 0 {
		p.Parent = one(r, []uint64{number(r, firstName, names), number(r, firstPrefix, prefixes)})
	}
	for range max(0, r.IntN(8)-5) {
		p.Pins = append(p.Pins, number(r, firstReference, numRefs))
	}
}

func (u *universe) answered(r *rand.Rand) operation {
	op := opAnswered{ID: one(r, u.ids)}
	for range r.IntN(3) {
		op.Sessions = append(op.Sessions, number(r, firstPrefix, prefixes))
	}
	for range r.IntN(3) {
		op.Pins = append(op.Pins, number(r, firstReference, numRefs))
	}
	if r.IntN(2) == 0 {
		op.FirstTurn = number(r, firstPrefix, 3)
	}
	return op
}

func (u *universe) cooldown(r *rand.Rand) operation {
	return opCooldown{
		one(r, u.ids), one(r, u.models),
		one(r, []cooldown.Kind{cooldown.Quota, cooldown.Quota, cooldown.Quota, cooldown.Transient, cooldown.Authentication, cooldown.Other}),
		one(r, []int{0, 0, 1, 1, 2, 3, 3, 10, 60, -1}),
	}
}

// report is a success, or one of the findings that verdicts lead to. Reasons differ, so that nothing looks like an outage.
func (u *universe) report(r *rand.Rand) operation {
	op := opReport{
		ID: one(r, u.ids), Model: one(r, u.models), Nth: r.IntN(4),
		Ago: one(r, []time.Duration{-1, -1, 0, 1, time.Second, 3 * time.Second, time.Minute}),
	}
	if r.IntN(4) == 0 {
		op.Finding.Success = true
		return op
	}
	op.Finding = cooldown.Finding{
		Action:      one(r, []cooldown.Action{cooldown.ActionNone, cooldown.ActionCooldown, cooldown.ActionCooldown, cooldown.ActionCooldown, cooldown.ActionInvalidate, cooldown.ActionDisable}),
		Scope:       one(r, []cooldown.Scope{cooldown.ScopeNone, cooldown.ScopeModel, cooldown.ScopeModel, cooldown.ScopeAuth}),
		ModelFamily: one(r, []string{"", "", "", "m*", "*1"}), Domain: one(r, []string{"", "", "", "org", "egress"}),
		Kind:   one(r, []cooldown.Kind{cooldown.Quota, cooldown.Quota, cooldown.Transient, cooldown.Other}),
		Ladder: cooldown.Ladder(r.IntN(int(cooldown.LadderRefusal))), Hint: r.IntN(4) > 0,
		Reason: fmt.Sprint("reason ", r.Uint32()), Rule: one(r, []string{"", "row"}), OperatorAction: one(r, []string{"", "do it"}),
	}
	op.In = one(r, []time.Duration{0, 0, -1, 1, time.Second, 10 * time.Second, time.Minute, time.Hour, 18 * 24 * time.Hour})
	if r.IntN(6) == 0 {
		op.Finding.Reason, op.Finding.Action = "again "+op.ID, cooldown.ActionCooldown
		op.Finding.Repeat = cooldown.Repeat{Count: 2 + r.IntN(2), Within: 3 * time.Hour, Action: cooldown.ActionDisable}
	}
	return op
}

func (u *universe) update(r *rand.Rand, put, remove int) operation {
	op := opUpdate{Remove: some(r, u.ids, remove)}
	for range put {
		op.Put = append(op.Put, authSpec{
			ID: one(r, u.ids), Provider: one(r, u.providers), Identity: one(r, u.identities), Priority: one(r, u.priorities),
			Weight: r.IntN(5) - 1, Models: one(r, u.globs), Except: one(r, append([]string{"", "", "", ""}, u.globs...)),
			Prefix: one(r, u.prefixes), Parent: one(r, u.parents), WebSockets: one(r, u.webSockets),
			Disabled: r.IntN(10) == 0, Expires: max(0, r.IntN(20)-10), Secret: r.IntN(2), Domains: one(r, u.domains),
		})
	}
	return op
}
