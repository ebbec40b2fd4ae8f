package state

import (
	"fmt"
	"strings"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// What the text of a key begins with.
const (
	identityPrefix = "identity:"
	domainPrefix   = "domain:"
	providerPrefix = "provider:"
)

// FormatKey is the text that a record is kept under, such as `domain:claude:org:acme`. Different keys have different texts.
func FormatKey(key cooldown.RecordKey) string {
	switch key.Kind {
	case cooldown.RecordDomain:
		return domainPrefix + escapeColons(key.Provider) + ":" + key.Name
	case cooldown.RecordProvider:
		return providerPrefix + key.Provider
	default:
		return identityPrefix + key.Name
	}
}

// ParseKey reads what FormatKey gives.
func ParseKey(text string) (cooldown.RecordKey, error) {
	if name, ok := strings.CutPrefix(text, identityPrefix); ok {
		return cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: name}, nil
	}
	if provider, ok := strings.CutPrefix(text, providerPrefix); ok {
		return cooldown.RecordKey{Kind: cooldown.RecordProvider, Provider: provider}, nil
	}
	if rest, ok := strings.CutPrefix(text, domainPrefix); ok {
		if provider, name, ok := strings.Cut(rest, ":"); ok {
			return cooldown.RecordKey{Kind: cooldown.RecordDomain, Provider: unescapeColons(provider), Name: name}, nil
		}
	}
	return cooldown.RecordKey{}, fmt.Errorf("read the key %q: %w", text, ErrDamaged)
}

// A provider has no colon as a rule; one that has must not run into the name that follows.
func escapeColons(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "%", "%25"), ":", "%3A")
}

func unescapeColons(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "%3A", ":"), "%25", "%")
}
