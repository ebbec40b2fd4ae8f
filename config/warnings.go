package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/providers"
	"github.com/credbroker/credbroker/selector"
)

// Warnings are what is in force and is perhaps a mistake: the first hundred, in order of file and line.
func (s *Source) Warnings() Problems {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.warnings)
}

// findWarnings looks at the names of providers and dialects that are in force, each where the auth of the least id has it, and at
// who can read secrets.
func (s *Source) findWarnings() Problems {
	first := make(map[[2]string]*selector.Auth) // by provider and dialect
	for id, auth := range s.catalog.inForce {
		if found := first[namesOf(auth)]; found == nil || id < found.ID {
			first[namesOf(auth)] = auth
		}
	}
	dialects := s.config.Rules.Dialects()
	var list Problems
	for _, auth := range first {
		if field, message := perhapsWrong(auth, dialects); field != "" {
			list = append(list, Problem{File: sourceOf(auth), Field: field, Message: message})
		}
	}
	list = ordered(slices.Concat(list, apart(first), s.exposures()))
	return list[:min(len(list), maxStatusProblems)]
}

// perhapsWrong warns of a name that nothing is known of, and of a dialect without rules.
func perhapsWrong(a *selector.Auth, dialects []string) (field, message string) {
	p, known := providers.Lookup(a.Provider)
	follows := p.DialectOf(a.Kind == selector.KindOAuth)
	switch {
	case slices.Contains(dialects, a.Dialect), known && a.Dialect == follows:
		return "", ""
	case known || a.Dialect != follows:
		return "dialect", fmt.Sprintf("%q has no rules of its own; the rules for every dialect judge the answers", a.Dialect)
	}
	return "provider", fmt.Sprintf("nothing is known of the name %q: a secret is sent in %s, and the rules for every dialect judge the answers, "+
		"unless headers and dialect say otherwise", a.Provider, p.SecretHeader(false))
}

// apart warns of auths of one provider that bear different names of it: a request gets those whose name it uses.
func apart(auths map[[2]string]*selector.Auth) Problems {
	names := make(map[string]map[string]*selector.Auth) // by what they mean
	for _, auth := range auths {
		p, known := providers.Lookup(auth.Provider)
		if !known {
			continue
		}
		if names[p.Name] == nil {
			names[p.Name] = make(map[string]*selector.Auth)
		}
		if found := names[p.Name][auth.Provider]; found == nil || auth.ID < found.ID {
			names[p.Name][auth.Provider] = auth
		}
	}
	var list Problems
	for _, borne := range names {
		if len(borne) > 1 {
			sorted := slices.Sorted(maps.Keys(borne))
			list = append(list, Problem{File: sourceOf(borne[sorted[0]]), Field: "provider", Message: "the names " + strings.Join(sorted, ", ") +
				" mean one provider, but a request gets only the auths that bear the name it uses"})
		}
	}
	return list
}
