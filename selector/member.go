package selector

import (
	"slices"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/selector/internal/deadline"
	"github.com/credbroker/credbroker/selector/internal/modelglob"
)

// member is one auth within one index.
type member struct {
	// What a pick without a session reads and writes comes first, in one cache line.
	auth       *Auth
	state      *identity
	name       string // of its identity
	priority   int64
	picks      uint64 // since the index was made; identity has those before
	lastPicked cooldown.Instant
	index      int32 // sorted by id, over the pool
	prefixed   bool  // it has a prefix
	expires    bool  // its token does
	halfOpen   bool

	id      string // of its auth
	prefix  string
	domains []*subject // of which something is known

	timer    deadline.Timer // of the end of its token
	weight   uint32
	webSocks bool
	parent   string
	patterns *modelglob.Served
	provider *provider
	// providerIndex is sorted by id, over the provider.
	providerIndex int
	expired       bool
	// refused: the upstream refused its secret, as far as time was worked off.
	refused bool
	print   cooldown.Fingerprint // of its secret; 0: not made yet
	born    uint64               // generation of the index in which an auth of this id and shape came up
	// secretSince is when its secret took the place of another; 0: it is the first that was seen.
	secretSince cooldown.Instant
	// excludedBy is the number of the last pick that excluded it.
	excludedBy uint64

	before *member // whose place it takes; nil once it is in use

	_ [8]byte // members lie side by side, each from the beginning of a cache line
}

func makeMember(m *member, a *Auth) {
	*m = member{
		auth: a, id: a.ID, priority: a.priority(), weight: a.weight(), prefix: a.Prefix,
		webSocks: a.webSockets(), parent: a.virtualParent(),
		prefixed: a.Prefix != "", expires: !a.ExpiresAt.IsZero(),
	}
	m.timer.Of = m
}

// sameShape reports whether an auth can take another's place without a new index.
func sameShape(a, b *Auth) bool { return sameRotation(a, b) && slices.Equal(a.Domains, b.Domains) }

// sameRotation reports whether an auth goes on where another was in the rotations.
func sameRotation(a, b *Auth) bool {
	return a.Provider == b.Provider && a.identity() == b.identity() &&
		a.priority() == b.priority() && a.weight() == b.weight() &&
		a.webSockets() == b.webSockets() && a.virtualParent() == b.virtualParent() &&
		slices.Equal(a.Models, b.Models) && slices.Equal(a.ExcludeModels, b.ExcludeModels) && a.Prefix == b.Prefix
}

// disabled by the configuration or by an operator.
func (m *member) disabled() bool { return m.auth.Disabled || m.state.change.Disabled }

// ready as far as time was worked off, single models aside.
func (m *member) ready() bool {
	return !m.disabled() && !m.expired && !m.refused && !m.state.whole.active && !m.domainBlocked()
}

// blockKey is the model key under which this auth keeps the state of a requested one: without its prefix.
func (m *member) blockKey(key string) string {
	return modelglob.WithoutPrefix(m.prefix, key)
}

// routeKeys calls f for each requested model key whose state this auth keeps under key.
func (m *member) routeKeys(key string, f func(string)) {
	if m.blockKey(key) == key {
		f(key)
	}
	if m.prefix != "" {
		f(m.prefix + "/" + key)
	}
}
