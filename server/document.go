package server

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/selector"
)

// authDocument checks a PutAuth and makes the auth file of it.
func authDocument(req *credbrokerv1.PutAuthRequest) ([]byte, error) {
	var v violations
	config, secret := cmp.Or(req.GetConfig(), &credbrokerv1.AuthConfig{}), req.GetSecret()
	members := map[string]any{
		"kind": v.kind(config.GetKind(), secret), "label": config.GetLabel(), "note": config.GetNote(), "disabled": config.GetDisabled(),
		"priority": config.GetPriority(), "weight": config.Weight, "models": config.GetModels(), "excluded_models": config.GetExcludeModels(),
		"prefix": config.GetPrefix(), "base_url": config.GetBaseUrl(), "proxy_url": config.GetProxyUrl(),
		"attributes": config.GetAttributes(), "domains": config.GetDomains(), "dialect": config.GetDialect(),
		authdoc.MemberAPIKey: secret.GetApiKey(), authdoc.MemberAccessToken: secret.GetAccessToken(),
		"account_id": secret.GetAccount(), "headers": secret.GetHeaders(),
	}
	v.checkPriority(config)
	v.together("config.attributes", config.GetAttributes(), maxAttributes)
	if secret != nil {
		v.checkSecret(secret)
	}
	if end := secret.GetExpiresAt(); end != nil {
		members["expired"] = end.AsTime().Format(time.RFC3339Nano)
	}
	data, problems, err := authdoc.Encode(config.GetId(), config.GetProvider(), members)
	for _, p := range problems {
		v.add(requestField(p.Field), p.Message)
	}
	if err != nil {
		return nil, err
	}
	return data, v.err()
}

// checkPriority keeps callers from priorities that nobody can go above. Files may have any of 64 bits.
func (v *violations) checkPriority(config *credbrokerv1.AuthConfig) {
	const name = "priority"
	check := func(field string, priority int64) {
		if priority < -maxPriority || priority > maxPriority {
			v.add(field, fmt.Sprintf("is %d; allowed: %d to %d", priority, -maxPriority, maxPriority))
		}
	}
	check("config."+name, config.GetPriority())
	check("config.attributes."+name, selector.PriorityOf(config.GetAttributes()[name]))
}

// checkSecret looks at what an auth file cannot say: there a member that is empty is absent.
func (v *violations) checkSecret(s *credbrokerv1.AuthSecret) {
	switch secret := s.GetSecret().(type) {
	case *credbrokerv1.AuthSecret_ApiKey:
		v.present("secret.api_key", secret.ApiKey)
	case *credbrokerv1.AuthSecret_AccessToken:
		v.present("secret.access_token", secret.AccessToken)
	default:
		v.add("secret", "needs an api_key or an access_token; leave the whole secret out to keep the present one")
	}
	if end := s.GetExpiresAt(); end != nil && end.CheckValid() != nil {
		v.add("secret.expires_at", "is not a valid time")
	}
	v.together("secret.headers", s.GetHeaders(), maxSecret)
}

// kind is the name of the kind, given or implied by the secret.
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
		return selector.KindAPIKey.String()
	case kind == credbrokerv1.AuthKind_AUTH_KIND_OAUTH:
		return selector.KindOAuth.String()
	case kind != credbrokerv1.AuthKind_AUTH_KIND_UNSPECIFIED:
		v.add("config.kind", "is not a kind of auth")
	}
	return ""
}

// inRequest names the field of the request where a store refused a member of the document.
func inRequest(err error) error {
	if refused, ok := errors.AsType[*selector.FieldError](err); ok {
		return &selector.FieldError{Field: requestField(refused.Field), Problem: refused.Problem}
	}
	return err
}

// requestField is the field of the request that becomes a member of the document.
func requestField(member string) string {
	rest := ""
	if i := strings.IndexAny(member, ".["); i >= 0 {
		member, rest = member[:i], member[i:]
	}
	field := "config." + member
	switch member {
	case "", "document":
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
	return field + rest
}
