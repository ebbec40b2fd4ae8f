package selector_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/selector"
)

// oracleRotation is what is kept for one provider text and model key.
type oracleRotation struct {
	plain *uint64
	group *uint64
	inner map[string]uint64
	lags  map[bool]map[string]float64 // by whether WebSockets were preferred: how far behind its share an auth is
}

// oracleChoice is what the strategy takes. Most of the time it is one auth; where the rules leave it open, several.
type oracleChoice struct {
	list    []*selector.Auth // after the WebSocket preference
	allowed []*selector.Auth
	kind    choiceKind
	cursor  uint64
	parents []string
	drawn   bool // the group cursor starts at random
	byWS    bool
}

type choiceKind int

const (
	choiceFirst choiceKind = iota
	choicePlain
	choiceGroup
	choiceWeight
)

func (o *oracle) rotation(route oracleRoute) *oracleRotation {
	if o.rotations[route] == nil {
		o.rotations[route] = &oracleRotation{inner: map[string]uint64{}, lags: map[bool]map[string]float64{false: {}, true: {}}}
	}
	return o.rotations[route]
}

// choose is sections 4 and 5.
func (o *oracle) choose(p *oraclePick, req *selector.Request) oracleChoice {
	c := oracleChoice{list: p.tier}
	if req.Options&selector.WebSocket != 0 && strings.EqualFold(strings.TrimSpace(req.Provider), "codex") {
		if on := slices.DeleteFunc(slices.Clone(p.tier), func(a *selector.Auth) bool { return !webSocketsOf(a) }); len(on) > 0 {
			c.list, c.byWS = on, true
		}
	}
	switch p.strategy {
	case selector.FillFirst:
		c.allowed = c.list[:1]
	case selector.WeightedRoundRobin:
		o.chooseByWeight(p, &c)
	default:
		o.chooseInTurn(p, &c)
	}
	return c
}

func (o *oracle) chooseInTurn(p *oraclePick, c *oracleChoice) {
	r := o.rotation(p.route)
	groups := map[string][]*selector.Auth{}
	for _, a := range c.list {
		groups[parentOf(a)] = append(groups[parentOf(a)], a)
	}
	if len(groups[""]) > 0 || len(groups) < 2 {
		c.kind, c.cursor = choicePlain, o.cursorStart
		if r.plain != nil {
			c.cursor = *r.plain
		}
		i := int(c.cursor % uint64(len(c.list)))
		c.allowed = c.list[i : i+1]
		return
	}
	c.kind, c.parents = choiceGroup, slices.Sorted(maps.Keys(groups))
	turn := func(parent string) *selector.Auth {
		return groups[parent][r.inner[parent]%uint64(len(groups[parent]))]
	}
	if c.drawn = r.group == nil; c.drawn {
		for _, parent := range c.parents {
			c.allowed = append(c.allowed, turn(parent))
		}
		return
	}
	c.cursor = *r.group
	c.allowed = []*selector.Auth{turn(c.parents[c.cursor%uint64(len(c.parents))])}
}

// chooseByWeight takes whoever is furthest behind its share; who is out neither earns nor loses.
func (o *oracle) chooseByWeight(p *oraclePick, c *oracleChoice) {
	c.kind = choiceWeight
	lags := o.rotation(p.route).lags[c.byWS]
	const noise = 1e-9 // of binary fractions: at a tie either is right
	most := lags[c.list[0].ID]
	for _, a := range c.list {
		most = max(most, lags[a.ID])
	}
	for _, a := range c.list {
		if lags[a.ID] >= most-noise {
			c.allowed = append(c.allowed, a)
		}
	}
}

// advance turns the rotation.
func (o *oracle) advance(p *oraclePick, taken *selector.Auth) {
	c, r := &p.choice, o.rotation(p.route)
	next := c.cursor + 1
	switch c.kind {
	case choicePlain:
		r.plain = &next
	case choiceGroup:
		parent := parentOf(taken)
		if c.drawn {
			next = uint64(slices.Index(c.parents, parent)) + 1
		}
		r.group = &next
		r.inner[parent]++
	case choiceWeight:
		sum := 0.0
		for _, a := range c.list {
			sum += float64(weightOf(a))
		}
		lags := r.lags[c.byWS]
		for _, a := range c.list {
			lags[a.ID] += 1 / sum
		}
		lags[taken.ID] -= 1 / float64(weightOf(taken))
	}
}

// forget drops the lags of an auth that left or changed what it is: if it comes back it is new.
func (o *oracle) forget(id string) {
	for _, r := range o.rotations {
		for _, lags := range r.lags {
			delete(lags, id)
		}
	}
}

// sameRotation: the auth is to rotations what it was before.
func sameRotation(a, b *selector.Auth) bool {
	return a.Provider == b.Provider && identityOf(a) == identityOf(b) && priorityOf(a) == priorityOf(b) &&
		weightOf(a) == weightOf(b) && webSocketsOf(a) == webSocketsOf(b) && parentOf(a) == parentOf(b) &&
		slices.Equal(a.Models, b.Models) && slices.Equal(a.ExcludeModels, b.ExcludeModels) && a.Prefix == b.Prefix
}
