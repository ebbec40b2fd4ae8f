package access

import (
	"crypto/subtle"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/credbroker/credbroker/internal/glob"
)

// Why a call belongs to nobody. The one who made it must not be told which it is.
var (
	// ErrNothingShown: neither a name of a certificate nor a token nor a user was shown.
	ErrNothingShown = errors.New("nothing was shown")
	// ErrUnknown: what was shown belongs to no caller.
	ErrUnknown = errors.New("no caller has what was shown")
	// ErrExpired: the token is over.
	ErrExpired = errors.New("the token has expired")
	// ErrAmbiguous: what was shown belongs to more than one caller.
	ErrAmbiguous = errors.New("what was shown belongs to more than one caller")
)

// Policy is the callers there are. Make it with NewPolicy.
type Policy struct {
	callers   map[string]bool
	uris, dns names
	uids      map[uint32]*Caller
	tokens    map[tokenKey][]heldToken
}

// tokenKey is the begin of a hash. Finding it takes a time that tells of these bytes; of a hash that is no help to anybody.
type tokenKey [8]byte

type heldToken struct {
	Token
	caller *Caller
}

// names are of certificates.
type names struct {
	exact map[string]*Caller
	globs []globbed
}

type globbed struct {
	pattern string
	caller  *Caller
}

// Conflict is something that two callers have.
type Conflict struct {
	// Caller and Other are indices of NewPolicy's argument; they are equal where one caller has it twice.
	Caller, Other int
	// Field is the key of the configuration: name, uris, dns, uids or tokens; Index says which of them.
	Field string
	Index int
}

// NewPolicy makes a Policy of callers, which must not be changed afterwards. With conflicts it is not to be used.
func NewPolicy(callers []Caller) (*Policy, []Conflict) {
	p := &Policy{
		callers: make(map[string]bool), uris: names{exact: make(map[string]*Caller)}, dns: names{exact: make(map[string]*Caller)},
		uids: make(map[uint32]*Caller), tokens: make(map[tokenKey][]heldToken),
	}
	b := builder{policy: p, owners: make(map[string]int)}
	for i := range callers {
		b.add(i, &callers[i])
	}
	return p, b.conflicts
}

// builder finds what two callers have.
type builder struct {
	policy    *Policy
	owners    map[string]int // of names, users and hashes, by field and text
	patterns  []owned
	conflicts []Conflict
}

type owned struct {
	field, pattern string
	caller         int
}

func (b *builder) add(i int, c *Caller) {
	p := b.policy
	b.claim(i, "name", 0, c.Name)
	p.callers[c.Name] = true
	for n, pattern := range c.URIs {
		b.pattern(i, "uris", n, pattern)
		p.uris.add(pattern, c)
	}
	for n, pattern := range c.DNS {
		pattern = strings.ToLower(pattern)
		b.pattern(i, "dns", n, pattern)
		p.dns.add(pattern, c)
	}
	for n, uid := range c.UIDs {
		b.claim(i, "uids", n, strconv.FormatUint(uint64(uid), 10))
		p.uids[uid] = c
	}
	for n, token := range c.Tokens {
		b.claim(i, "tokens", n, token.Hash.String())
		key := tokenKey(token.Hash[:8])
		p.tokens[key] = append(p.tokens[key], heldToken{token, c})
	}
}

// claim notes a text that nobody else may have.
func (b *builder) claim(caller int, field string, index int, text string) {
	if other, taken := b.owners[field+" "+text]; taken {
		b.conflicts = append(b.conflicts, Conflict{caller, other, field, index})
		return
	}
	b.owners[field+" "+text] = caller
}

// pattern notes a pattern. Nobody else may have one that the same name can match.
func (b *builder) pattern(caller int, field string, index int, pattern string) {
	for _, other := range b.patterns {
		if other.caller != caller && other.field == field && glob.Overlap(other.pattern, pattern) {
			b.conflicts = append(b.conflicts, Conflict{caller, other.caller, field, index})
			return
		}
	}
	b.patterns = append(b.patterns, owned{field, pattern, caller})
}

func (n *names) add(pattern string, c *Caller) {
	if strings.ContainsAny(pattern, "*?") {
		n.globs = append(n.globs, globbed{pattern, c})
		return
	}
	n.exact[pattern] = c
}

// Identify is the caller that a call belongs to, by its connection and its bearer token; an empty token is none. A token that
// is shown must be good, whatever the connection shows besides.
func (p *Policy) Identify(e *Evidence, token string, now time.Time) (*Caller, error) {
	byPeer, err := e.caller(p)
	if err != nil {
		return nil, err
	}
	if token == "" {
		switch {
		case byPeer != nil:
			return byPeer, nil
		case e.isEmpty():
			return nil, ErrNothingShown
		}
		return nil, ErrUnknown
	}
	byToken, err := p.bearer(token, now)
	if err == nil && byPeer != nil && byPeer != byToken {
		return nil, ErrAmbiguous
	}
	return byToken, err
}

func (p *Policy) bearer(token string, now time.Time) (*Caller, error) {
	hash, ok := HashOf(token)
	if !ok {
		return nil, ErrUnknown
	}
	for _, held := range p.tokens[tokenKey(hash[:8])] {
		if subtle.ConstantTimeCompare(held.Hash[:], hash[:]) == 0 {
			continue
		}
		if !held.Expires.IsZero() && !now.Before(held.Expires) {
			return nil, ErrExpired
		}
		return held.caller, nil
	}
	return nil, ErrUnknown
}

// Knows tells whether there is a caller of that name.
func (p *Policy) Knows(name string) bool { return p.callers[name] }
