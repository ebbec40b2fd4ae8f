package server

import (
	"net/url"

	"github.com/credbroker/credbroker/access"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
)

// This file is the only one that reveals secrets.

// credentialMessage is what one pick hands out to a caller. The maps of the auth are shared with it: both are read only.
func credentialMessage(p *selector.Pick, caller *access.Caller) *credbrokerv1.Credential {
	a := p.Auth
	m := &credbrokerv1.Credential{
		AuthId:     a.ID,
		Provider:   a.Provider,
		Label:      a.Label,
		Attributes: a.Attributes,
		BaseUrl:    a.BaseURL,
		ExpiresAt:  timeMessage(a.ExpiresAt),
		Model:      p.Model,
	}
	if caller != nil && caller.NoSecrets {
		return m
	}
	m.RequestHeaders = make(map[string]string, len(a.Headers))
	for _, h := range a.Headers {
		m.RequestHeaders[h.Name] = h.Value.Reveal()
	}
	m.ProxyUrl = a.ProxyURL.Reveal()
	return m
}

// proxyWithoutPassword is for listings: scheme, user and host. What is no URL with a host may hold a password anywhere
// and is left out whole.
func proxyWithoutPassword(a *selector.Auth) string {
	if a.ProxyURL.IsEmpty() {
		return ""
	}
	u, err := url.Parse(a.ProxyURL.Reveal())
	if err != nil || u.Host == "" {
		return ""
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host}
	if name := u.User.Username(); name != "" {
		shown.User = url.User(name)
	}
	return shown.String()
}
