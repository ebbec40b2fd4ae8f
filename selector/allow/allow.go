package allow

import (
	"slices"

	"github.com/credbroker/credbroker/internal/glob"
)

// Rule names auths by globs: those that match each of its lists. An empty list matches every auth.
type Rule struct {
	// Providers are as auths name theirs.
	Providers, Labels, IDs []string
	// Domains are limit domains, such as `org:acme`, of which an auth must have one.
	Domains []string
	// Models are model keys without the auth's prefix: for those alone the auth may be used. None: for all that it serves.
	Models []string
}

// Auth is what a rule looks at.
type Auth struct {
	ID, Provider, Label string
	Domains             []string
}

// List is an allow list: what one of its rules names may be used, and nothing else. Nil: everything.
type List struct{ rules []Rule }

// New makes the list of rules, which must not be changed afterwards. None: nil.
func New(rules []Rule) *List {
	if len(rules) == 0 {
		return nil
	}
	return &List{rules}
}

// Nothing is a list that names no auth.
func Nothing() *List { return &List{} }

// Same reports whether two lists have the same rules.
func (l *List) Same(o *List) bool {
	if l == nil || o == nil {
		return l == o
	}
	return slices.EqualFunc(l.rules, o.rules, func(a, b Rule) bool {
		return slices.Equal(a.Providers, b.Providers) && slices.Equal(a.Labels, b.Labels) && slices.Equal(a.IDs, b.IDs) &&
			slices.Equal(a.Domains, b.Domains) && slices.Equal(a.Models, b.Models)
	})
}

// Admits reports whether an auth may be used, for some model at least.
func (l *List) Admits(a *Auth) bool {
	return l == nil || slices.ContainsFunc(l.rules, func(r Rule) bool { return r.names(a) })
}

// Models are the globs on model keys for which an auth may be used; none: for all. False: it may not be used.
func (l *List) Models(a *Auth) (globs []string, ok bool) {
	if l == nil {
		return nil, true
	}
	for i := range l.rules {
		r := &l.rules[i]
		switch {
		case !r.names(a):
		case len(r.Models) == 0:
			return nil, true
		default:
			globs, ok = append(globs, r.Models...), true
		}
	}
	return globs, ok
}

func (r *Rule) names(a *Auth) bool {
	return matches(r.Providers, a.Provider) && matches(r.Labels, a.Label) && matches(r.IDs, a.ID) && matches(r.Domains, a.Domains...)
}

// matches reports whether one of the texts matches one of the globs; without globs it does.
func matches(globs []string, texts ...string) bool {
	return len(globs) == 0 || slices.ContainsFunc(texts, func(text string) bool { return glob.MatchAny(globs, text) })
}
