package selector

import (
	"slices"

	"github.com/credbroker/credbroker/selector/allow"
	"github.com/credbroker/credbroker/selector/internal/census"
	"github.com/credbroker/credbroker/selector/internal/doubt"
	"github.com/credbroker/credbroker/selector/internal/modelglob"
	"github.com/credbroker/credbroker/selector/internal/readyset"
)

// mixed is the provider that a request names to mean every provider; so does the empty one.
const mixed = "mixed"

// maxViews bounds the combinations of globs, per provider, that an index is kept for.
const maxViews = 256

// index is what a membership is turned into: its members, and for each provider the views that picks look at. The
// members are fixed; their readiness and the views change under the pool's lock.
type index struct {
	members   []*member // sorted by id
	byID      map[string]*member
	providers map[string]*provider
	meanings  map[string]*provider // by what their names mean
	everyone  *provider
	prefixes  map[string]bool
	domains   map[domainKey][]*member
	parents   map[string]bool // virtual ones
	missing   error           // what a request gets that means nobody
	// lists are the parts of it that allow lists admit, and parts their providers that each member is in, by index.
	lists map[*allow.List]*index
	parts [][]*provider
	// generation counts the indexes of a pool.
	generation uint64
}

// provider are the auths that one provider name of a request means.
type provider struct {
	name     string
	scope    int
	changes  readyset.Changes // of readiness, or of why not, by index in members
	members  []*member        // sorted by id
	patterns []*modelglob.Served
	admitted []*modelglob.Served   // what is served of each member, in a part of the pool; nil: as the member says
	views    map[string]*modelView // by signature
	orders   []*orderedMembers     // of all views
	doubted  doubt.Set[*subject]   // those of members, and limit domains, that keep auths out over what is doubtful
	served   uint64                // requests that were served since the index was made
	parents  bool                  // some member has a virtual parent
	zero     bool                  // some member has weight 0
}

// modelView are the auths of a provider that serve the same model keys: those whose patterns are in the signature.
type modelView struct {
	provider  *provider
	signature string
	orders    [numOrderKinds]*orderedMembers
	used      uint64
	// censuses count why its members are not ready, by model key that some member is blocked for; "": all others.
	censuses map[string]*census.Census
}

// newIndex takes members sorted by id.
func newIndex(members []*member, generation uint64) *index {
	x := &index{
		generation: generation,
		members:    members,
		byID:       make(map[string]*member, len(members)),
		providers:  make(map[string]*provider),
		everyone:   newProvider(mixed, scopeEveryone),
		prefixes:   make(map[string]bool),
		domains:    make(map[domainKey][]*member),
		parents:    make(map[string]bool),
	}
	shared := make(map[[2]string]*modelglob.Served) // by provider and models
	for i, m := range members {
		m.index = int32(i)
		x.byID[m.auth.ID] = m
		p := x.providers[m.auth.Provider]
		if p == nil {
			p = newProvider(m.auth.Provider, scopeOne)
			x.providers[m.auth.Provider] = p
		}
		m.provider = p
		if m.prefix != "" {
			x.prefixes[m.prefix] = true
		}
		if m.parent != "" {
			x.parents[m.parent] = true
		}
		key := [2]string{m.auth.Provider, modelglob.Key(m.prefix, m.auth.Models, m.auth.ExcludeModels)}
		if m.patterns = shared[key]; m.patterns == nil {
			m.patterns = modelglob.New(m.prefix, m.auth.Models, m.auth.ExcludeModels)
			shared[key] = m.patterns
			p.addPatterns(m.patterns)
			x.everyone.addPatterns(m.patterns)
		}
		p.add(m)
		x.everyone.add(m)
		x.addDomains(m)
	}
	for _, p := range x.providers {
		p.changes = readyset.NewChanges(len(p.members)>>6 + 1)
	}
	x.nameProviders()
	x.everyone.changes = readyset.NewChanges(len(members)>>6 + 1)
	return x
}

// Scopes of providers.
const (
	scopeOne      = iota // one provider
	scopeEveryone        // all of them
	numScopes
)

func newProvider(name string, scope int) *provider {
	return &provider{name: name, scope: scope, views: make(map[string]*modelView)}
}

func (p *provider) addPatterns(served *modelglob.Served) {
	served.Bit[p.scope] = len(p.patterns)
	p.patterns = append(p.patterns, served)
}

func (p *provider) add(m *member) {
	if p.scope == scopeOne {
		m.providerIndex = len(p.members)
	}
	p.members = append(p.members, m)
	p.parents = p.parents || m.parent != ""
	p.zero = p.zero || m.weight == 0
}

// view finds or makes the view of a model key.
func (p *provider) view(key string) *modelView {
	signature := make([]byte, (len(p.patterns)+7)/8)
	for bit, served := range p.patterns {
		if served.Serve(key) {
			signature[bit/8] |= 1 << (bit % 8)
		}
	}
	if v := p.views[string(signature)]; v != nil {
		return v
	}
	if len(p.views) >= maxViews {
		p.dropView()
	}
	v := &modelView{provider: p, signature: string(signature)}
	p.views[v.signature] = v
	return v
}

// dropView forgets the view that was used least recently. Routes that still hold it go on with what it knew of the
// members, so they must look for their view again: it is marked by an empty provider.
func (p *provider) dropView() {
	var oldest *modelView
	for _, v := range p.views {
		if oldest == nil || v.used < oldest.used {
			oldest = v
		}
	}
	delete(p.views, oldest.signature)
	p.orders = slices.DeleteFunc(p.orders, func(l *orderedMembers) bool { return l.view == oldest })
	oldest.provider = nil
}

func (v *modelView) serves(m *member) bool {
	served := m.patterns
	if p := v.provider; p.admitted != nil {
		served = p.admitted[p.indexOf(m)]
	}
	bit := served.Bit[v.provider.scope]
	return v.signature[bit/8]>>(bit%8)&1 != 0
}

// ordered finds or makes the members of a kind.
func (v *modelView) ordered(kind orderKind) *orderedMembers {
	if v.orders[kind] == nil {
		v.makeOrder(kind)
		v.orders[kind].fill()
	}
	return v.orders[kind]
}

// makeOrder makes the members of a kind, with nobody ready.
func (v *modelView) makeOrder(kind orderKind) {
	if v.orders[kind] == nil {
		v.orders[kind] = newOrderedMembers(v, kind)
		v.provider.orders = append(v.provider.orders, v.orders[kind])
	}
}

// fill sets the readiness of every member in every order.
func (p *provider) fill() {
	for _, l := range p.orders {
		l.fill()
	}
}

// plain has every member.
func (v *modelView) plain() *orderedMembers { return v.ordered(0) }
