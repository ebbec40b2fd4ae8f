package access

import (
	"net/url"
	"strings"
)

// MaxName is the longest name of a caller, in bytes.
const MaxName = 64

// WrongName is what is wrong with the name of a caller; empty: nothing.
func WrongName(text string) string {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-", rune(c)) {
			return "is no name of a caller; allowed: letters, digits, `.`, `_` and `-`"
		}
	}
	if text == "" {
		return "is empty"
	}
	return ""
}

// WrongURI is what is wrong with a pattern on URI names; empty: nothing. Who issued a name shows in its authority, so that no wildcard may
// stand for part of it.
func WrongURI(text string) string {
	const allowed = "; allowed: a URI such as spiffe://example.org/gateway, with * and ? behind the first slash of the path only"
	scheme, rest, ok := strings.Cut(text, "://")
	authority, _, path := strings.Cut(rest, "/")
	switch {
	case !ok || scheme == "" || authority == "" || strings.ContainsAny(scheme+authority, "*? "):
		return "is no URI with an authority of its own" + allowed
	case !path && strings.ContainsAny(text, "*?"):
		return "has a wildcard in front of the path" + allowed
	}
	if _, err := url.Parse(scheme + "://" + authority); err != nil {
		return "is no URI" + allowed
	}
	return ""
}

// WrongDNS is what is wrong with a pattern on DNS names; empty: nothing.
func WrongDNS(text string) string {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune(".-_*?", rune(c)) {
			return "is no DNS name; allowed: a name such as gateway.example.org, in which * stands for any text and ? for one character"
		}
	}
	if text == "" {
		return "is empty"
	}
	return ""
}
