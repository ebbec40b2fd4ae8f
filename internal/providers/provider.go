package providers

import "cmp"

// Provider is what is known of one: what it is called, and what its upstream wants.
type Provider struct {
	// Name is the one that documents use.
	Name string
	// Aliases are what else people call it.
	Aliases []string
	// Dialect is whose manner its answers have; empty: that of its name. AccountDialect is the one for access tokens; empty:
	// the same.
	Dialect, AccountDialect string
	// KeyHeader takes an API key; empty: Authorization does, behind `Bearer `, where access tokens always go.
	KeyHeader string
	// AccountBeta is the anthropic-beta header that goes with an access token; empty: none.
	AccountBeta string
}

// Lookup finds the provider that a name means. Case does not count, and _ is -. False: nothing is known of the name, which
// comes back as Name.
func Lookup(name string) (p Provider, known bool) {
	for _, p := range table {
		if same(p.Name, name) {
			return p, true
		}
		for _, alias := range p.Aliases {
			if same(alias, name) {
				return p, true
			}
		}
	}
	return Provider{Name: name}, false
}

// same compares a name of the table with one that somebody wrote.
func same(ours, theirs string) bool {
	if len(ours) != len(theirs) {
		return false
	}
	for i := range len(ours) {
		c := theirs[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == '_':
			c = '-'
		}
		if c != ours[i] {
			return false
		}
	}
	return true
}

// All returns every provider that something is known of, sorted by name.
func All() []Provider { return append([]Provider(nil), table[:]...) }

// DialectOf is whose manner the answers to an API key have, or those to the access token of an account.
func (p *Provider) DialectOf(account bool) string {
	if account {
		return cmp.Or(p.AccountDialect, p.Dialect, p.Name)
	}
	return cmp.Or(p.Dialect, p.Name)
}

// SecretHeader is the header in which it takes an API key, or the access token of an account.
func (p *Provider) SecretHeader(account bool) string {
	if account {
		return Authorization
	}
	return cmp.Or(p.KeyHeader, Authorization)
}
