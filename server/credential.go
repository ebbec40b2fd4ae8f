package server

import (
	"net/url"

	"github.com/credbroker/credbroker/access"
	"github.com/credbroker/credbroker/audit"
	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
)

// This file is the only one that reveals secrets.

// release is what one pick hands out, once the line of the audit log has its room.
func (b *credentialBroker) release(c *call, slot *audit.Slot, picked *broker.Picked, req *credbrokerv1.PickCredentialRequest) *credbrokerv1.Credential {
	if b.config.Audit != nil {
		e := b.entry(c, "PickCredential")
		e.Outcome, e.Provider, e.Model, e.PickID, e.DryRun = audit.OutcomeOK, picked.Auth.Provider, req.GetModel(), picked.ID, req.GetDryRun()
		if c.caller != nil && c.caller.NoSecrets {
			e.Note = "without secrets"
		}
		slot.Write(&e)
	}
	return credentialMessage(&picked.Pick, c.caller)
}

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
