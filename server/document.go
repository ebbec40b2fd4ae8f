package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/http/httpguts"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
)

// document is an auth file, as docs/behaviour.md describes it, with what AuthConfig says beyond that.
type document struct {
	ID            string            `json:"id"`
	Type          string            `json:"type"`
	Kind          string            `json:"kind,omitempty"`
	Label         string            `json:"label,omitempty"`
	Note          string            `json:"note,omitempty"`
	Disabled      bool              `json:"disabled,omitempty"`
	Priority      int64             `json:"priority,omitempty"`
	Weight        *uint32           `json:"weight,omitempty"`
	Models        []string          `json:"models,omitempty"`
	ExcludeModels []string          `json:"excluded_models,omitempty"`
	Prefix        string            `json:"prefix,omitempty"`
	BaseURL       string            `json:"base_url,omitempty"`
	ProxyURL      string            `json:"proxy_url,omitempty"`
	Attributes    map[string]string `json:"attributes,omitempty"`
	Domains       []string          `json:"domains,omitempty"`
	Dialect       string            `json:"dialect,omitempty"`

	APIKey      string            `json:"api_key,omitempty"`
	AccessToken string            `json:"access_token,omitempty"`
	Expired     string            `json:"expired,omitempty"`
	AccountID   string            `json:"account_id,omitempty"`
	Headers     map[string]string `json:"headers,omitempty"`
}

// The kinds of an auth as files write them.
const (
	documentAPIKey = "api_key"
	documentOAuth  = "oauth"
)

// authDocument checks a PutAuth and makes the auth file of it.
func authDocument(req *credbrokerv1.PutAuthRequest) ([]byte, error) {
	var v violations
	config, secret := req.GetConfig(), req.GetSecret()
	v.checkConfig(config)
	kind := v.kind(config.GetKind(), secret)
	if secret != nil {
		v.checkSecret(secret)
	}
	if err := v.err(); err != nil {
		return nil, err
	}
	d := document{
		ID: config.GetId(), Type: config.GetProvider(), Kind: kind, Label: config.GetLabel(), Note: config.GetNote(),
		Disabled: config.GetDisabled(), Priority: config.GetPriority(), Weight: config.Weight,
		Models: config.GetModels(), ExcludeModels: config.GetExcludeModels(), Prefix: config.GetPrefix(),
		BaseURL: config.GetBaseUrl(), ProxyURL: config.GetProxyUrl(), Attributes: config.GetAttributes(),
		Domains: config.GetDomains(), Dialect: config.GetDialect(),
		APIKey: secret.GetApiKey(), AccessToken: secret.GetAccessToken(), AccountID: secret.GetAccount(),
		Headers: secret.GetHeaders(),
	}
	if end := secret.GetExpiresAt(); end != nil {
		d.Expired = end.AsTime().Format(time.RFC3339Nano)
	}
	return json.Marshal(&d) //nolint:gosec // the secret is what is to be kept
}

func (v *violations) checkConfig(c *credbrokerv1.AuthConfig) {
	v.authID("config.id", c.GetId())
	v.present("config.provider", c.GetProvider())
	v.text("config.provider", c.GetProvider(), maxProvider)
	if c.GetProvider() == broker.MixedProvider {
		v.add("config.provider", "`mixed` stands for every provider")
	}
	v.text("config.label", c.GetLabel(), maxLabel)
	v.size("config.note", len(c.GetNote()), maxNote)
	if c.GetWeight() > selector.MaxWeight {
		v.add("config.weight", fmt.Sprintf("is %d; at most %d is allowed", c.GetWeight(), selector.MaxWeight))
	}
	v.list("config.models", c.GetModels(), maxPatterns)
	v.list("config.exclude_models", c.GetExcludeModels(), maxPatterns)
	v.text("config.prefix", c.GetPrefix(), maxModel)
	v.url("config.base_url", c.GetBaseUrl(), "https", "http")
	if u, err := url.Parse(c.GetBaseUrl()); err == nil && u.User != nil {
		v.add("config.base_url", "must not hold a user: it is shown in listings")
	}
	v.url("config.proxy_url", c.GetProxyUrl(), "http", "https", "socks5", "socks5h")
	v.pairs("config.attributes", c.GetAttributes(), maxAttributeEntries, maxAttributes)
	v.list("config.domains", c.GetDomains(), maxDomains)
	v.text("config.dialect", c.GetDialect(), maxDialect)
}

func (v *violations) checkSecret(s *credbrokerv1.AuthSecret) {
	switch secret := s.GetSecret().(type) {
	case *credbrokerv1.AuthSecret_ApiKey:
		v.secret("secret.api_key", secret.ApiKey)
	case *credbrokerv1.AuthSecret_AccessToken:
		v.secret("secret.access_token", secret.AccessToken)
	default:
		v.add("secret", "needs an api_key or an access_token; leave the whole secret out to keep the present one")
	}
	if end := s.GetExpiresAt(); end != nil && end.CheckValid() != nil {
		v.add("secret.expires_at", "is not a valid time")
	}
	v.pairs("secret.headers", s.GetHeaders(), maxSecretHeaders, maxSecret)
	for name, value := range s.GetHeaders() {
		// Neither name nor value is repeated: the value is secret, and the name may be a mistyped one.
		if !httpguts.ValidHeaderFieldName(name) {
			v.add("secret.headers", "has a name that is no HTTP header name")
		}
		if !httpguts.ValidHeaderFieldValue(value) {
			v.add("secret.headers", "has a value that no HTTP header can have")
		}
	}
	v.text("secret.account", s.GetAccount(), maxAccount)
}

// kind is the word for the kind, given or implied by the secret.
func (v *violations) kind(kind credbrokerv1.AuthKind, secret *credbrokerv1.AuthSecret) string {
	implied := credbrokerv1.AuthKind_AUTH_KIND_UNSPECIFIED
	switch secret.GetSecret().(type) {
	case *credbrokerv1.AuthSecret_ApiKey:
		implied = credbrokerv1.AuthKind_AUTH_KIND_API_KEY
	case *credbrokerv1.AuthSecret_AccessToken:
		implied = credbrokerv1.AuthKind_AUTH_KIND_OAUTH
	}
	if kind == credbrokerv1.AuthKind_AUTH_KIND_UNSPECIFIED {
		kind = implied
	}
	switch {
	case implied != credbrokerv1.AuthKind_AUTH_KIND_UNSPECIFIED && kind != implied:
		v.add("config.kind", "does not go with the secret: API_KEY has an api_key, OAUTH an access_token")
	case kind == credbrokerv1.AuthKind_AUTH_KIND_API_KEY:
		return documentAPIKey
	case kind == credbrokerv1.AuthKind_AUTH_KIND_OAUTH:
		return documentOAuth
	case kind != credbrokerv1.AuthKind_AUTH_KIND_UNSPECIFIED:
		v.add("config.kind", "is not a kind of auth")
	}
	return ""
}

// authID refuses ids that cannot be the path of a file below a folder.
func (v *violations) authID(field, id string) {
	v.present(field, id)
	v.text(field, id, maxAuthID)
	if id == "" {
		return
	}
	for part := range strings.SplitSeq(id, "/") {
		if part == "" || part == "." || part == ".." || strings.Contains(part, `\`) {
			v.add(field, "must be a relative path without empty parts, `.`, `..` and backslashes")
			return
		}
	}
}

// text refuses control characters, and more than limit bytes.
func (v *violations) text(field, text string, limit int) {
	v.size(field, len(text), limit)
	if strings.ContainsFunc(text, unicode.IsControl) {
		v.add(field, "has a control character")
	}
}

// secret refuses what cannot stand in a header.
func (v *violations) secret(field, secret string) {
	v.required(field, secret, maxSecret)
	if !httpguts.ValidHeaderFieldValue(secret) {
		v.add(field, "cannot stand in an HTTP header")
	}
}

// url refuses what is not empty and not an absolute URL of one of the schemes.
func (v *violations) url(field, text string, schemes ...string) {
	if text == "" {
		return
	}
	v.size(field, len(text), maxURL)
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		// The error of Parse repeats the URL, and so the password that may be in it.
		v.add(field, "is not an absolute URL")
		return
	}
	if !slices.Contains(schemes, u.Scheme) {
		v.add(field, "must begin with "+strings.Join(schemes, ":// or ")+"://")
	}
}

// inRequest names the field of the request where a store refused a member of the document.
func inRequest(err error) error {
	var refused *selector.FieldError
	if !errors.As(err, &refused) {
		return err
	}
	member, rest := refused.Field, ""
	if i := strings.IndexAny(member, ".["); i >= 0 {
		member, rest = member[:i], member[i:]
	}
	field := "config." + member
	switch member {
	case "document":
		field = "config"
	case "type":
		field = "config.provider"
	case "excluded_models":
		field = "config.exclude_models"
	case "secret":
		field = member // a store may ask for the whole of it
	case "api_key", "access_token", "headers":
		field = "secret." + member
	case "expired":
		field = "secret.expires_at"
	case "account_id":
		field = "secret.account"
	}
	return &selector.FieldError{Field: field + rest, Problem: refused.Problem}
}
