package authdoc

import (
	"crypto/subtle"
	"maps"
	"slices"

	"github.com/credbroker/credbroker/internal/providers"
	"github.com/credbroker/credbroker/selector"
)

// Redirected returns the first member by which what the stored auth sends would reach somebody else, or would go with other
// headers; empty: by none. Attributes that the selector does not read are the gateway's, which may send by them.
func (d *Draft) Redirected(stored *Draft) (member string) {
	if stored.secret == "" && len(stored.headers) == 0 {
		return "" // there is nothing to lead astray
	}
	switch {
	case providerName(d.Auth.Provider) != providerName(stored.Auth.Provider):
		return memberType
	case d.Auth.BaseURL != stored.Auth.BaseURL:
		return "base_url"
	case !equalSecret(d.proxy, stored.proxy):
		return "proxy_url"
	case !maps.EqualFunc(d.headers, stored.headers, equalSecret):
		return "headers"
	}
	for _, name := range slices.Sorted(maps.Keys(d.gatewayAttributes(stored))) {
		return "attributes." + name
	}
	return ""
}

// providerName is one name for all that mean the same provider.
func providerName(name string) string {
	if p, known := providers.Lookup(name); known {
		return p.Name
	}
	return name
}

// gatewayAttributes are the attributes for gateways that two drafts do not have alike.
func (d *Draft) gatewayAttributes(other *Draft) map[string]bool {
	differ := make(map[string]bool)
	for _, pair := range [][2]map[string]string{{d.Auth.Attributes, other.Auth.Attributes}, {other.Auth.Attributes, d.Auth.Attributes}} {
		for name, text := range pair[0] {
			if there, ok := pair[1][name]; (!ok || there != text) && !selector.ReadsAttribute(name) {
				differ[name] = true
			}
		}
	}
	return differ
}

// equalSecret takes the same time wherever two texts of one length differ.
func equalSecret(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
