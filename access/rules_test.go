package access_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/access"
)

func TestRoles(t *testing.T) {
	all := access.Roles(0)
	for _, name := range access.RoleNames() {
		role := access.RoleNamed(name)
		if role == 0 || all.Has(role) || role.String() != name {
			t.Errorf("RoleNamed(%s) = %d %q, want a role of its own", name, role, role)
		}
		all |= role
	}
	if all != access.AllRoles || access.RoleNamed("admin") != 0 || access.RoleNamed("") != 0 {
		t.Errorf("the roles are %q, want all of them and no other", all)
	}
	some := access.Pick | access.Read
	for roles, want := range map[access.Roles]bool{
		access.Pick: true, access.Read: true, some: true, access.Report: false, access.Pick | access.Report: false, 0: false,
	} {
		if some.Has(roles) != want {
			t.Errorf("%q has %q: %v, want %v", some, roles, !want, want)
		}
	}
	if got, want := access.AllRoles.String(), "pick, report, read, operate, write-auths, metrics"; got != want {
		t.Errorf("all roles are %q, want %q", got, want)
	}
}

func TestTokens(t *testing.T) {
	token := access.NewToken([32]byte{1, 2, 3})
	hash, ok := access.HashOf(token)
	if !ok || !strings.HasPrefix(token, "credbroker_") || strings.Contains(token, "=") {
		t.Errorf("token = %q, hashed: %v", token, ok)
	}
	if back, ok := access.ParseHash(hash.String()); !ok || back != hash {
		t.Errorf("ParseHash(%s) = %s, %v", hash, back, ok)
	}
	if upper, ok := access.ParseHash(strings.ToUpper(hash.String())); !ok || upper != hash {
		t.Errorf("digits in capitals are another hash: %s, %v", upper, ok)
	}
	for _, text := range []string{"", "00", hash.String() + "00", strings.Repeat("g", 64), token} {
		if _, ok := access.ParseHash(text); ok {
			t.Errorf("ParseHash(%q) takes it", text)
		}
	}
}

func TestRulesOfNames(t *testing.T) {
	for _, tt := range []struct {
		rule func(string) string
		text string
		good bool
	}{
		{access.WrongName, "gateway-1.eu_X", true}, {access.WrongName, "", false}, {access.WrongName, "a b", false}, {access.WrongName, "ä", false},
		{access.WrongURI, "spiffe://acme.example/ns/*/sa/gateway", true}, {access.WrongURI, "spiffe://acme.example", true},
		{access.WrongURI, "https://gw.example.com:8443/x?y", true},
		{access.WrongURI, "spiffe://acme.example*", false}, {access.WrongURI, "spiffe://*/x", false}, {access.WrongURI, "*", false},
		{access.WrongURI, "spiffe:///x", false}, {access.WrongURI, "urn:x", false}, {access.WrongURI, "", false}, {access.WrongURI, "s?iffe://a/x", false},
		{access.WrongDNS, "gw.example.com", true}, {access.WrongDNS, "*.example.com", true}, {access.WrongDNS, "", false}, {access.WrongDNS, "a/b", false},
	} {
		if got := tt.rule(tt.text); (got == "") != tt.good {
			t.Errorf("rule of %q = %q, want it good: %v", tt.text, got, tt.good)
		}
	}
}
