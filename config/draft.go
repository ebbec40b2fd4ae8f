package config

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/selector"
)

// The providers whose upstream wants something else than a bearer token, or has dialects of its own.
const (
	claude = "claude"
	gemini = "gemini"
	kimi   = "kimi"
)

// The words for the kinds of auth.
const (
	wordAPIKey = "api_key"
	wordOAuth  = "oauth"
)

// draft is an auth as it was read, its secrets still open. It lives for the reading of one auth.
type draft struct {
	auth    selector.Auth
	secret  string
	proxy   string
	headers map[string]string
	account string
}

// build closes the secrets and works out what follows from provider and kind.
func (d *draft) build(fingerprint [32]byte) *selector.Auth {
	a := d.auth
	if a.Dialect == "" {
		a.Dialect = dialect(a.Provider, a.Kind)
	}
	switch {
	case a.Kind == selector.KindOAuth && d.account != "":
		a.Identity = "account:" + a.Provider + ":" + d.account
	case a.Kind == selector.KindAPIKey && d.secret != "":
		a.Identity = "key:" + a.Provider + ":" + keyed(fingerprint, a.Provider, d.secret)
	}
	if d.proxy != "" {
		a.ProxyURL = selector.NewSecret(d.proxy)
	}
	a.Headers = d.send()
	return &a
}

// keyed is a fingerprint that says nothing about the secret to those who do not have the key.
func keyed(key [32]byte, provider, secret string) string {
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte(provider + "\x00" + secret))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// dialect is whose verdict rules apply where nothing else is said.
func dialect(provider string, kind selector.Kind) string {
	switch {
	case provider == claude && kind == selector.KindAPIKey:
		return "anthropic"
	case provider == claude && kind == selector.KindOAuth:
		return "claude-code"
	case provider == gemini && kind == selector.KindOAuth:
		return "gemini-code-assist"
	case provider == kimi && kind == selector.KindOAuth:
		return "kimi-code"
	case provider == kimi && kind == selector.KindAPIKey:
		return "moonshot"
	}
	return provider
}

// send is the headers of the upstream request in order of name: those that carry the secret, and those that are given,
// which win.
func (d *draft) send() []selector.Header {
	texts := make(map[string]selector.Header, len(d.headers)+2)
	set := func(name, text string) {
		texts[strings.ToLower(name)] = selector.Header{Name: name, Value: selector.NewSecret(text)}
	}
	if d.secret != "" {
		switch {
		case d.auth.Provider == claude && d.auth.Kind == selector.KindAPIKey:
			set("x-api-key", d.secret)
		case d.auth.Provider == gemini && d.auth.Kind == selector.KindAPIKey:
			set("x-goog-api-key", d.secret)
		default:
			set("Authorization", "Bearer "+d.secret)
		}
		if d.auth.Provider == claude && d.auth.Kind == selector.KindOAuth {
			set("anthropic-beta", "oauth-2025-04-20")
		}
	}
	for name, text := range d.headers {
		set(name, text)
	}
	headers := slices.Collect(maps.Values(texts))
	slices.SortFunc(headers, func(a, b selector.Header) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return headers
}

// The readers below are those of keys that mean the same in the YAML file and in auth files.

func (d *draft) readKind(v value) {
	switch v.word(wordAPIKey, wordOAuth) {
	case wordAPIKey:
		d.auth.Kind = selector.KindAPIKey
	case wordOAuth:
		d.auth.Kind = selector.KindOAuth
	}
}

func (d *draft) readAttributes(v value) {
	members := v.members()
	if len(members) > maxAttributes {
		v.problemf("has %d attributes; allowed: at most %d", len(members), maxAttributes)
		return
	}
	attributes := make(map[string]string, len(members))
	for _, m := range members {
		if wrong := wrongLine(m.key); wrong != "" || len(m.key) > maxID {
			m.problemf("is no name of an attribute; allowed: one line of at most %d bytes", maxID)
		} else if text, ok := m.scalar(maxAttribute); ok {
			attributes[m.key] = text
		}
	}
	if len(attributes) > 0 {
		d.auth.Attributes = attributes
	}
}

// readHeaders takes what reads one value.
func (d *draft) readHeaders(v value, read func(value) (string, bool)) {
	members := v.members()
	if len(members) > maxHeaders {
		v.problemf("has %d headers; allowed: at most %d", len(members), maxHeaders)
		return
	}
	d.headers = make(map[string]string, len(members))
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		lower := strings.ToLower(m.key)
		if wrong := wrongHeaderName(m.key); wrong != "" {
			// The name is not repeated: it may be a header and its secret in one.
			v.problemf("%s", "has a name that "+wrong)
			continue
		}
		if seen[lower] {
			m.problemf("is named twice; case does not count")
		}
		seen[lower] = true
		if text, ok := read(m.value); ok {
			d.headers[m.key] = text
		}
	}
}

func (d *draft) readDomains(v value) {
	for _, domain := range v.texts(maxDomains, maxDomain, wrongLine) {
		if !slices.Contains(d.auth.Domains, domain) {
			d.auth.Domains = append(d.auth.Domains, domain)
		}
	}
}

func (d *draft) readGlobs(v value) []string { return v.texts(maxGlobs, maxModel, wrongGlob) }

// readNote allows line breaks, unlike a label.
func (d *draft) readNote(v value) { d.auth.Note, _ = v.text(maxNote) }
