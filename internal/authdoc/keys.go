package authdoc

import (
	"math"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
)

// Secrets are types of values that refer to a secret, or may do so; they hand on its text.
type Secrets struct {
	Reference func(take func(text string)) document.Type
	Literal   func(take func(v document.Value, text string)) document.Type
}

// Keys are those of an auth of the YAML file.
func (d *Draft) Keys(secrets Secrets) document.Keys {
	a := &d.Auth
	return document.Keys{
		"note": d.note(), "models": d.models(), "attributes": d.attributes(), "domains": d.domains(), "kind": d.kind(), "disabled": d.disabled(),
		"id": Line(&a.ID, MaxID).Doc("Names the auth in the pool and in reports. Unique."),
		"provider": document.Text(&a.Provider, MaxProvider, wrongProvider).
			With(document.Schema{"not": document.Schema{"const": everyProvider}}).
			Doc("What requests ask for, such as claude, codex, gemini, openai or openrouter; any name but mixed."),
		"label": document.Text(&a.Label, maxLabel, wrongLabel).Doc("A human-readable name."),
		"priority": document.Optional(&a.Priority, priority).
			Doc("Auths of the greatest priority that has a ready one are used; the others wait. Absent: the attribute priority, else 0."),
		"weight": document.Optional(&a.Weight, weight).With(document.Schema{"default": 1}).
			Doc("Share under weighted-round-robin; 0: never by it."),
		"exclude_models": globs(&a.ExcludeModels).Doc("Globs of the model keys that it does not serve; they beat models."),
		"prefix": document.Text(&a.Prefix, maxModel, wrongPrefix).With(document.Schema{"pattern": "^[^/](.*[^/])?$"}).
			Doc("Names its models prefix/model as well."),
		"base_url": document.Text(&a.BaseURL, maxURL, wrongBaseURL).With(document.Schema{"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/]"}).
			Doc("Where to send requests. Absent: the gateway's default."),
		"proxy_url": secrets.proxy(&d.proxy).
			Doc("Proxy to send requests through: an http, https, socks5 or socks5h URL, or direct or none."),
		"headers": d.headersType(secrets.Literal).
			Doc("Headers of the upstream request, over those that follow from provider and kind."),
		"secret":  secrets.Reference(func(text string) { d.secret = text }).Doc("The key or access token. Absent: only the headers are sent."),
		"dialect": Line(&a.Dialect, maxDialect).Doc("Whose rules say what upstream answers mean. Absent: follows from provider and kind."),
		"account": Line(&d.account, maxAccount).
			Doc("Account that an oauth token belongs to, so that its state outlives the token. Absent: state belongs to the id."),
	}
}

func priority(to *int64) document.Type { return document.Integer(to, math.MinInt64, math.MaxInt64) }

func weight(to *uint32) document.Type { return document.Integer(to, 0, selector.MaxWeight) }

func (secrets Secrets) proxy(to *string) document.Type {
	return secrets.Literal(func(v document.Value, text string) {
		if wrong := wrongProxyURL(text); wrong != "" || len(text) > maxURL {
			v.Problemf("%s", wrong)
			return
		}
		*to = text
	})
}
