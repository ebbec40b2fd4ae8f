package authdoc

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/providers"
	"github.com/credbroker/credbroker/selector"
)

// Draft is an auth as it was read, its secrets still open. It lives for the reading of one auth, or as long as the auth where a
// program prints its secret anew.
type Draft struct {
	Auth    selector.Auth
	secret  string
	proxy   string
	headers map[string]string
	account string
	// secretless: the upstream wants no secret.
	secretless bool
	// inFile: it is read from an auth file, which other programs write, too.
	inFile bool
}

// HasSecret tells whether there is an API key or an access token.
func (d *Draft) HasSecret() bool { return d.secret != "" }

// SetSecret sets the API key or access token of an auth whose secret did not stand in the document.
func (d *Draft) SetSecret(text string) { d.secret = text }

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
