package authdoc

import (
	"math"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
)

// Literal is the type of a text that may be secret; it hands on the text.
type Literal func(take func(v document.Value, text string)) document.Type

// Keys are those of an auth of the YAML file. There text that may be secret can be a reference, and the secret itself must be one.
func (d *Draft) Keys(literal Literal, reference func(take func(text string)) document.Type) document.Keys {
	keys := make(document.Keys)
	for _, s := range settings() {
		keys[s.key] = s.of(d, literal)
	}
	keys["id"] = Line(&d.Auth.ID, MaxID).Doc("Names the auth in the pool and in reports. Unique.")
	keys["provider"] = document.Text(&d.Auth.Provider, MaxProvider, wrongProvider).
		With(document.Schema{"not": document.Schema{"const": everyProvider}}).
		Doc("What requests ask for, such as claude, codex, gemini, openai or openrouter; any name but mixed.")
	keys["secret"] = reference(d.SetSecret).Doc("The key or access token. Absent: only the headers are sent.")
	keys["account"] = Line(&d.account, maxAccount).
		Doc("Account that an oauth token belongs to, so that its state outlives the token. Absent: state belongs to the id.")
	return keys
}

// setting is one of what the YAML file and auth files say alike, by its key. A type is made where a value is read: most auth files
// have few.
type setting struct {
	key string
	of  func(d *Draft, literal Literal) document.Type
}

// keyExclude has other names in auth files.
const keyExclude = "exclude_models"

func settings() [15]setting {
	return [...]setting{
		{"label", func(d *Draft, _ Literal) document.Type {
			return d.text(&d.Auth.Label, maxLabel, wrongLabel).Doc("A human-readable name.")
		}},
		{"note", func(d *Draft, _ Literal) document.Type {
			return document.Text(&d.Auth.Note, maxNote, anyText).Doc("Free text for human readers.")
		}},
		{"kind", func(d *Draft, _ Literal) document.Type {
			return document.Enum(&d.Auth.Kind, selector.KindAPIKey, selector.KindOAuth).
				Doc("What sort of secret it is: an API key, or the access token of an account.")
		}},
		{"disabled", func(d *Draft, _ Literal) document.Type {
			return document.Boolean(&d.Auth.Disabled).Doc("It is never picked.")
		}},
		{"priority", func(d *Draft, _ Literal) document.Type {
			return d.priority().
				Doc("Auths of the greatest priority that has a ready one are used; the others wait. Absent: the attribute priority, else 0.")
		}},
		{"weight", func(d *Draft, _ Literal) document.Type {
			return d.weight().With(document.Schema{"default": 1}).Doc("Share under weighted-round-robin; 0: never by it.")
		}},
		{"models", func(d *Draft, _ Literal) document.Type {
			return globs(&d.Auth.Models).Doc("Globs of the model keys that it serves. Absent or empty: every model.")
		}},
		{keyExclude, func(d *Draft, _ Literal) document.Type {
			return globs(&d.Auth.ExcludeModels).Doc("Globs of the model keys that it does not serve; they beat models.")
		}},
		{"prefix", func(d *Draft, _ Literal) document.Type {
			return d.prefix().With(document.Schema{"pattern": "^[^/](.*[^/])?$"}).Doc("Names its models prefix/model as well.")
		}},
		{"base_url", func(d *Draft, _ Literal) document.Type {
			return d.text(&d.Auth.BaseURL, maxURL, wrongBaseURL).With(document.Schema{"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://[^/]"}).
				Doc("Where to send requests. Absent: the gateway's default.")
		}},
		{"proxy_url", func(d *Draft, literal Literal) document.Type {
			return literal(d.readProxy).Doc("Proxy to send requests through: an http, https, socks5 or socks5h URL, or direct or none.")
		}},
		{"attributes", func(d *Draft, _ Literal) document.Type {
			return d.readAttributes().
				Doc("Settings for the gateway; never secret. The broker itself reads priority, websockets and gemini_virtual_parent.")
		}},
		{"headers", func(d *Draft, literal Literal) document.Type {
			return d.readHeaders(literal).Doc("Headers of the upstream request, over those that follow from provider and kind.")
		}},
		{"domains", func(d *Draft, _ Literal) document.Type {
			return document.List(&d.Auth.Domains, maxDomains, domain).Then(d.dropRepeated).
				Doc("Limit domains that it shares with other auths, such as org:acme.")
		}},
		{"dialect", func(d *Draft, _ Literal) document.Type {
			return d.text(&d.Auth.Dialect, maxDialect, WrongLine).Doc("Whose rules say what upstream answers mean. Absent: follows from provider and kind.")
		}},
	}
}

// text is text that a rule finds nothing wrong with. In auth files white space around it does not count.
func (d *Draft) text(to *string, limit int, rule func(string) string) document.Type {
	if !d.inFile {
		return document.Text(to, limit, rule)
	}
	return document.Text(to, limit, func(text string) string { return rule(strings.TrimSpace(text)) }).
		Then(func(document.Value) { *to = strings.TrimSpace(*to) })
}

// prefix may have slashes around it in auth files.
func (d *Draft) prefix() document.Type {
	to := &d.Auth.Prefix
	if !d.inFile {
		return document.Text(to, maxModel, wrongPrefix)
	}
	return d.text(to, maxModel, func(text string) string { return wrongPrefix(strings.Trim(text, "/")) }).
		Then(func(document.Value) { *to = strings.Trim(*to, "/") })
}

// priority is in auth files what other programs write for one.
func (d *Draft) priority() document.Type {
	if d.inFile {
		return filePriority(&d.Auth.Priority)
	}
	return document.Optional(&d.Auth.Priority, func(to *int64) document.Type { return document.Integer(to, math.MinInt64, math.MaxInt64) })
}

// weight may be text in auth files.
func (d *Draft) weight() document.Type {
	if d.inFile {
		return fileWeight(&d.Auth.Weight)
	}
	return document.Optional(&d.Auth.Weight, weight)
}

func weight(to *uint32) document.Type { return document.Integer(to, 0, selector.MaxWeight) }

func (d *Draft) readProxy(v document.Value, text string) {
	switch wrong := wrongProxyURL(text); {
	case len(text) > maxURL:
		v.Problemf("has %d bytes; allowed: at most %d", len(text), maxURL)
	case wrong != "":
		v.Problemf("%s", wrong)
	default:
		d.proxy = text
	}
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
