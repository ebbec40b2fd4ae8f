package authdoc

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/internal/providers"
	"github.com/credbroker/credbroker/selector"
)

// Draft is an auth as it was read, its secrets still open. It lives for the reading of one auth.
type Draft struct {
	Auth    selector.Auth
	secret  string
	proxy   string
	headers map[string]string
	account string
	// secretless: the upstream wants no secret.
	secretless bool
}

// HasSecret tells whether there is an API key or an access token.
func (d *Draft) HasSecret() bool { return d.secret != "" }

// Sends tells whether there is something to send, or it was said that there is nothing. An auth file without either is
// somebody else's.
func (d *Draft) Sends() bool { return d.secret != "" || len(d.headers) > 0 || d.secretless }

// Refusal says why the upstream would refuse the secret in the header that it would go in; empty: nothing is known against it.
func (d *Draft) Refusal() string {
	if d.secret == "" {
		return ""
	}
	p, _ := providers.Lookup(d.Auth.Provider)
	account := d.Auth.Kind == selector.KindOAuth
	sending := providers.Sending{
		Secret: d.secret, Account: account, Header: p.SecretHeader(account), BaseURL: d.Auth.BaseURL, Given: d.gives,
	}
	return sending.Refusal()
}

// gives tells whether the headers that are given name one.
func (d *Draft) gives(header string) bool {
	for name := range d.headers {
		if strings.EqualFold(name, header) {
			return true
		}
	}
	return false
}

// Build closes the secrets and works out what follows from provider and kind.
func (d *Draft) Build(fingerprint [32]byte) *selector.Auth {
	a := d.Auth
	if a.Dialect == "" {
		p, _ := providers.Lookup(a.Provider)
		a.Dialect = p.DialectOf(a.Kind == selector.KindOAuth)
	}
	switch {
	case a.Kind == selector.KindOAuth && d.account != "":
		a.Identity = "account:" + a.Provider + ":" + d.account
	case a.Kind == selector.KindAPIKey && d.secret != "":
		a.Identity = "key:" + a.Provider + ":" + Fingerprint(fingerprint, a.Provider, d.secret)
	}
	if d.proxy != "" {
		a.ProxyURL = selector.NewSecret(d.proxy)
	}
	a.Headers = d.send()
	return &a
}

// Fingerprint is a fingerprint that says nothing about the secret to those who do not have the key.
func Fingerprint(key [32]byte, provider, secret string) string {
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte(provider + "\x00" + secret))
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// send is the headers of the upstream request in order of name: those that carry the secret, and those that are given,
// which win.
func (d *Draft) send() []selector.Header {
	texts := make(map[string]selector.Header, len(d.headers)+2)
	set := func(name, text string) {
		texts[strings.ToLower(name)] = selector.Header{Name: name, Value: selector.NewSecret(text)}
	}
	if d.secret != "" {
		p, _ := providers.Lookup(d.Auth.Provider)
		account := d.Auth.Kind == selector.KindOAuth
		if name := p.SecretHeader(account); name == providers.Authorization {
			set(name, "Bearer "+d.secret)
		} else {
			set(name, d.secret)
		}
		if account && p.AccountBeta != "" {
			set("anthropic-beta", p.AccountBeta)
		}
	}
	for name, text := range d.headers {
		set(name, text)
	}
	headers := slices.Collect(maps.Values(texts))
	slices.SortFunc(headers, func(a, b selector.Header) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return headers
}

// The keys below mean the same in the YAML file and in auth files.

func (d *Draft) note() document.Type {
	return document.Text(&d.Auth.Note, maxNote, anyText).Doc("Free text for human readers.")
}

func (d *Draft) models() document.Type {
	return globs(&d.Auth.Models).Doc("Globs of the model keys that it serves. Absent or empty: every model.")
}

func (d *Draft) disabled() document.Type {
	return document.Boolean(&d.Auth.Disabled).Doc("It is never picked.")
}

func (d *Draft) domains() document.Type {
	return document.List(&d.Auth.Domains, maxDomains, domain).Then(d.dropRepeated).
		Doc("Limit domains that it shares with other auths, such as org:acme.")
}

// anyText allows line breaks, unlike a label.
func anyText(string) string { return "" }

func domain(to *string) document.Type { return Line(to, maxDomain) }

func (d *Draft) dropRepeated(document.Value) {
	seen := make(map[string]bool, len(d.Auth.Domains))
	d.Auth.Domains = slices.DeleteFunc(d.Auth.Domains, func(domain string) bool {
		before := seen[domain]
		seen[domain] = true
		return before
	})
}

func (d *Draft) kind() document.Type {
	return document.Enum(&d.Auth.Kind, selector.KindAPIKey, selector.KindOAuth).
		Doc("What sort of secret it is: an API key, or the access token of an account.")
}

// pairs is a mapping of at most limit names to values.
func pairs(limit int, value func() document.Schema, what string, read func(v document.Value, members []document.Member)) document.Type {
	schema := func() document.Schema {
		return document.Schema{"type": []string{"object", "null"}, "maxProperties": limit, "additionalProperties": value()}
	}
	return document.NewType(schema, func(v document.Value) {
		members := v.Members()
		if len(members) > limit {
			v.Problemf("has %d %s; allowed: at most %d", len(members), what, limit)
			return
		}
		read(v, members)
	})
}

func (d *Draft) attributes() document.Type {
	schema := func() document.Schema { return document.Schema{"type": []string{"string", "number", "boolean"}} }
	return pairs(maxAttributes, schema, "attributes", func(_ document.Value, members []document.Member) {
		for _, m := range members {
			if wrong := WrongLine(m.Key); wrong != "" || len(m.Key) > MaxID {
				m.Problemf("is no name of an attribute; allowed: one line of at most %d bytes", MaxID)
			} else if text, ok := m.Scalar(maxAttribute); ok {
				if d.Auth.Attributes == nil {
					d.Auth.Attributes = make(map[string]string, len(members))
				}
				d.Auth.Attributes[m.Key] = text
			}
		}
	}).Doc("Settings for the gateway; never secret. The broker itself reads priority, websockets and gemini_virtual_parent.")
}

// headersType takes the type of one value.
func (d *Draft) headersType(value func(take func(document.Value, string)) document.Type) document.Type {
	schema := func() document.Schema { return value(nil).Schema() }
	names := document.Schema{"propertyNames": document.Schema{"not": document.Schema{"pattern": anyCase(connectionHeaders())}}}
	return pairs(maxHeaders, schema, "headers", func(v document.Value, members []document.Member) {
		d.headers = make(map[string]string, len(members))
		seen := make(map[string]bool, len(members))
		for _, m := range members {
			lower := strings.ToLower(m.Key)
			if wrong := wrongHeaderName(m.Key); wrong != "" {
				// The name is not repeated: it may be a header and its secret in one.
				v.Problemf("%s", "has a name that "+wrong)
				continue
			}
			if slices.Contains(connectionHeaders(), lower) {
				m.Problemf("is about the connection, which the gateway's HTTP client makes; allowed: headers for the upstream itself")
				continue
			}
			if seen[lower] {
				m.Problemf("is named twice; case does not count")
			}
			seen[lower] = true
			m.Read(value(func(_ document.Value, text string) { d.headers[m.Key] = text }))
		}
	}).With(names)
}

// anyCase is a pattern of words in which case does not count, without what only some readers of patterns know.
func anyCase(words []string) string {
	var b strings.Builder
	for i, word := range words {
		if i > 0 {
			b.WriteByte('|')
		}
		for _, c := range word {
			if c == '-' {
				b.WriteByte('-')
			} else {
				fmt.Fprintf(&b, "[%c%c]", c-'a'+'A', c)
			}
		}
	}
	return "^(" + b.String() + ")$"
}
