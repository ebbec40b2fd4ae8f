package config

import (
	"math"
	"strconv"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
)

// auth is an auth of the YAML file.
func (l *loader) auth(to **draft) document.Type {
	d := &draft{auth: selector.Auth{Kind: selector.KindAPIKey, Origin: selector.OriginConfig}}
	*to = d
	a := &d.auth
	keys := document.Keys{
		"note": d.note(), "models": d.models(), "attributes": d.attributes(), "domains": d.domains(), "kind": d.kind(), "disabled": d.disabled(),
		"id": l.id(&a.ID).Doc("Names the auth in the pool and in reports. Unique."),
		"provider": document.Text(&a.Provider, maxProvider, wrongProvider).
			With(document.Schema{"not": document.Schema{"const": everyProvider}}).
			Doc("What requests ask for, such as claude, codex, gemini, openai or openrouter; any name but mixed."),
		"label": document.Text(&a.Label, maxLabel, wrongLabel).Doc("A name for people."),
		"priority": document.Optional(&a.Priority, priority).
			Doc("Auths of the greatest priority that has a ready one are used; the others wait. Absent: the attribute priority, else 0."),
		"weight": document.Optional(&a.Weight, weight).With(document.Schema{"default": 1}).
			Doc("Share under weighted-round-robin; 0: never by it."),
		"exclude_models": globs(&a.ExcludeModels).Doc("Globs of the model keys that it does not serve; they beat models."),
		"prefix": document.Text(&a.Prefix, maxModel, wrongPrefix).With(document.Schema{"pattern": "^[^/](.*[^/])?$"}).
			Doc("Names its models prefix/model as well."),
		"base_url": document.Text(&a.BaseURL, maxURL, wrongBaseURL).With(document.Schema{"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/]"}).
			Doc("Where to send requests. Absent: the gateway's default."),
		"proxy_url": l.proxy(&d.proxy).
			Doc("Proxy to send requests through: an http, https, socks5 or socks5h URL, or the word direct or none."),
		"headers": d.headersType(l.literalOrSecret).
			Doc("Headers of the upstream request, over those that follow from provider and kind."),
		"secret":  l.secret(func(text string) { d.secret = text }).Doc("The key or access token. Absent: only the headers are sent."),
		"dialect": line(&a.Dialect, maxDialect).Doc("Whose rules say what upstream answers mean. Absent: follows from provider and kind."),
		"account": line(&d.account, maxAccount).
			Doc("Account that an oauth token belongs to, so that its state outlives the token. Absent: state belongs to the id."),
	}
	return document.Object(keys).Requires("id", "provider").Then(func(v document.Value) {
		a.Source = l.into.Path + ":" + strconv.Itoa(v.Line)
		if v.Has("account") && a.Kind != selector.KindOAuth {
			v.Problemf("has an account, but is not of kind: oauth; allowed: kind: oauth, or no account")
		}
	})
}

// id also holds the ids of the file apart.
func (l *loader) id(to *string) document.Type {
	return line(to, maxID).Then(func(v document.Value) {
		if *to == "" {
			return
		}
		if first, taken := l.ids[*to]; taken {
			v.Problemf("duplicate id %q; the first is at %s:%d", *to, l.into.Path, first)
			return
		}
		l.ids[*to] = v.Line
	})
}

func priority(to *int64) document.Type { return document.Integer(to, math.MinInt64, math.MaxInt64) }

func weight(to *uint32) document.Type { return document.Integer(to, 0, selector.MaxWeight) }

func globs(to *[]string) document.Type { return document.List(to, maxGlobs, glob) }

func (l *loader) proxy(to *string) document.Type {
	return l.literalOrSecret(func(v document.Value, text string) {
		if wrong := wrongProxyURL(text); wrong != "" || len(text) > maxURL {
			v.Problemf("%s", wrong)
			return
		}
		*to = text
	})
}
