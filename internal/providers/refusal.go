package providers

import (
	"net/url"
	"strings"
)

// Sending is how a secret is to reach its upstream.
type Sending struct {
	// Secret is the API key or the access token, and Account whether it is said to be the latter.
	Secret  string
	Account bool
	// Header that it goes in.
	Header string
	// Given tells whether a header is given by itself, over the one that follows; nil: none is.
	Given func(header string) bool
	// BaseURL it goes to; empty: where the gateway sends requests of that provider.
	BaseURL string
}

// endpoints are the upstreams that take an API key in one header only, but for the paths that speak OpenAI's protocol.
var endpoints = [...]struct{ host, openAI, provider string }{
	{"api.anthropic.com", "/v1", claude},
	{"generativelanguage.googleapis.com", "/openai", gemini},
	{".openai.azure.com", "/openai/v1", azureOpenAI},
}

// forms are what secrets look like whose vendor takes them in one header only.
var forms = [...]struct {
	prefix, provider string
	account          bool
}{
	{"sk-ant-oat", claude, true},
	{"sk-ant-api", claude, false},
	{"AIza", gemini, false},
	{"ya29.", gemini, true},
	{"eyJ", "", true}, // a JSON web token, whose ever
}

// Refusal says why the vendor would refuse the secret in that header, and what would be right, without repeating it. Empty:
// nothing is known against it, as of all that goes to a relay.
func (s *Sending) Refusal() string {
	vendor, openAI := s.endpoint()
	if s.BaseURL != "" && vendor == "" {
		return ""
	}
	account := s.Account
	for _, form := range forms {
		if strings.HasPrefix(s.Secret, form.prefix) {
			account = form.account
			if vendor == "" {
				vendor = form.provider
			}
			break
		}
	}
	p, _ := Lookup(vendor)
	takes := p.SecretHeader(account)
	switch {
	case strings.EqualFold(s.Header, takes), openAI && s.Header == Authorization, vendor == "" && !account:
		return ""
	case s.Given != nil && (s.Given(s.Header) || s.Given(takes)):
		return ""
	case account:
		return "is an access token, which no upstream takes in " + s.Header + "; allowed: the kind oauth"
	case s.Account:
		return "is an API key, which " + vendor + " refuses in " + s.Header + "; allowed: the kind api_key"
	}
	return "would be sent in " + s.Header + ", where " + vendor + " refuses API keys; allowed: the provider " + vendor +
		", or the key in headers as " + takes
}

// endpoint is whose upstream the base URL is; empty: nobody's that is known. OpenAI tells whether it is the part that takes every
// key in Authorization.
func (s *Sending) endpoint() (provider string, openAI bool) {
	u, err := url.Parse(s.BaseURL)
	if err != nil {
		return "", false
	}
	host := strings.ToLower(u.Hostname())
	for _, e := range endpoints {
		if host == e.host || e.host[0] == '.' && strings.HasSuffix(host, e.host) {
			return e.provider, strings.Contains(u.Path, e.openAI)
		}
	}
	return "", false
}
