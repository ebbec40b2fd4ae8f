package access_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/credbroker/credbroker/access"
)

func now() time.Time { return time.Unix(1_800_000_000, 0) }

// tokenOf is a token that is always the same.
func tokenOf(n byte) (token string, hash access.Hash) {
	token = access.NewToken([32]byte{n})
	hash, _ = access.HashOf(token)
	return token, hash
}

func policy(t *testing.T, callers ...access.Caller) *access.Policy {
	t.Helper()
	p, conflicts := access.NewPolicy(callers)
	if len(conflicts) > 0 {
		t.Fatalf("NewPolicy: conflicts %v", conflicts)
	}
	return p
}

func TestIdentify(t *testing.T) {
	old, oldHash := tokenOf(1)
	fresh, freshHash := tokenOf(2)
	other, otherHash := tokenOf(3)
	stranger, _ := tokenOf(4)
	p := policy(
		t,
		access.Caller{
			Name: "gateway", URIs: []string{"spiffe://acme.example/gateway/*", "spiffe://acme.example/edge"},
			DNS: []string{"GW.example.com", "*.gw.example.com"}, UIDs: []uint32{0, 1000},
			Tokens: []access.Token{{Hash: oldHash, Expires: now()}, {Hash: freshHash, Expires: now().Add(time.Second)}},
		},
		access.Caller{Name: "ops", URIs: []string{"spiffe://acme.example/ops"}, UIDs: []uint32{1001}, Tokens: []access.Token{{Hash: otherHash}}},
	)
	uris := func(names ...string) *access.Evidence { return &access.Evidence{URIs: names} }
	dns := func(names ...string) *access.Evidence { return &access.Evidence{DNS: names} }
	uid := func(n uint32) *access.Evidence { return &access.Evidence{UID: n, HasUID: true} }
	for _, tt := range []struct {
		name     string
		evidence *access.Evidence
		token    string
		want     string
		err      error
	}{
		{"nothing is nobody", &access.Evidence{}, "", "", access.ErrNothingShown},
		{"a user without HasUID is none", &access.Evidence{UID: 1000}, "", "", access.ErrNothingShown},
		{"a URI by glob", uris("spiffe://acme.example/gateway/eu-1"), "", "gateway", nil},
		{"a URI by name", uris("spiffe://acme.example/edge"), "", "gateway", nil},
		{"the case of a URI counts", uris("spiffe://acme.example/EDGE"), "", "", access.ErrUnknown},
		{"another trust domain is another name", uris("spiffe://acme.example.evil/edge"), "", "", access.ErrUnknown},
		{"a DNS name, whatever its case", dns("gw.Example.COM"), "", "gateway", nil},
		{"a DNS name by glob", dns("eu.GW.example.com"), "", "gateway", nil},
		{"a further name that nobody has is no harm", uris("spiffe://other.example/x", "spiffe://acme.example/ops"), "", "ops", nil},
		{"names of two callers are nobody's", uris("spiffe://acme.example/edge", "spiffe://acme.example/ops"), "", "", access.ErrAmbiguous},
		{"names of very many are nobody's", uris(slices.Repeat([]string{"spiffe://acme.example/ops"}, 65)...), "", "", access.ErrUnknown},
		{"a user", uid(1000), "", "gateway", nil},
		{"root is a user", uid(0), "", "gateway", nil},
		{"another user", uid(7), "", "", access.ErrUnknown},
		{"a token", &access.Evidence{}, other, "ops", nil},
		{"of two tokens the newer one", &access.Evidence{}, fresh, "gateway", nil},
		{"a token is over at its instant", &access.Evidence{}, old, "", access.ErrExpired},
		{"a token of nobody", &access.Evidence{}, stranger, "", access.ErrUnknown},
		{"a token and a user of one caller", uid(1001), other, "ops", nil},
		{"a token and a user of two", uid(1000), other, "", access.ErrAmbiguous},
		{"a token beside a user of nobody", uid(7), other, "ops", nil},
		{"a bad token beside a good user", uid(1000), stranger, "", access.ErrUnknown},
		{"an expired token beside a good user", uid(1000), old, "", access.ErrExpired},
		{"a hash is no token", &access.Evidence{}, otherHash.String(), "", access.ErrUnknown},
		{"a token without its last character", &access.Evidence{}, other[:len(other)-1], "", access.ErrUnknown},
		{"a token with one more", &access.Evidence{}, other + "A", "", access.ErrUnknown},
		{"a token without its prefix", &access.Evidence{}, strings.TrimPrefix(other, access.TokenPrefix), "", access.ErrUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time it is remembered
				got, err := p.Identify(tt.evidence, tt.token, now())
				if !errors.Is(err, tt.err) || (got == nil) != (tt.want == "") || got != nil && got.Name != tt.want {
					t.Errorf("Identify = %v, %v, want %q, %v", got, err, tt.want, tt.err)
				}
			}
		})
	}
}

// What is known of a connection is of one policy only.
func TestIdentifyFollowsThePolicy(t *testing.T) {
	token, hash := tokenOf(1)
	e := &access.Evidence{UID: 1, HasUID: true}
	a := policy(t, access.Caller{Name: "a", UIDs: []uint32{1}})
	b := policy(t, access.Caller{Name: "b", UIDs: []uint32{1}, Tokens: []access.Token{{Hash: hash}}})
	none := policy(t, access.Caller{Name: "c", UIDs: []uint32{2}})
	for _, tt := range []struct {
		policy *access.Policy
		want   string
	}{{a, "a"}, {b, "b"}, {a, "a"}, {none, ""}, {b, "b"}} {
		got, err := tt.policy.Identify(e, "", now())
		if name := nameOf(got); name != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("Identify = %q, %v, want %q", name, err, tt.want)
		}
	}
	if got, err := none.Identify(e, token, now()); err == nil {
		t.Errorf("a token that was revoked is that of %s", got.Name)
	}
	if !a.Knows("a") || a.Knows("b") {
		t.Error("Knows knows others than its own")
	}
}

func nameOf(c *access.Caller) string {
	if c == nil {
		return ""
	}
	return c.Name
}

func TestConflicts(t *testing.T) {
	_, hash := tokenOf(1)
	_, conflicts := access.NewPolicy([]access.Caller{
		{Name: "a", URIs: []string{"spiffe://x/a", "spiffe://x/eu-*"}, DNS: []string{"a.example"}, UIDs: []uint32{1}, Tokens: []access.Token{{Hash: hash}}},
		{Name: "b", URIs: []string{"spiffe://x/b", "spiffe://x/*-1"}, DNS: []string{"b.example", "?.EXAMPLE"}, UIDs: []uint32{2, 1}},
		{Name: "a", URIs: []string{"spiffe://x/a"}, Tokens: []access.Token{{Hash: hash}}},
		{Name: "c", URIs: []string{"spiffe://x/c", "spiffe://x/c*"}, UIDs: []uint32{3, 3}},
	})
	want := []access.Conflict{
		{Caller: 1, Other: 0, Field: "uris", Index: 1}, {Caller: 1, Other: 0, Field: "dns", Index: 1}, {Caller: 1, Other: 0, Field: "uids", Index: 1},
		{Caller: 2, Other: 0, Field: "name"}, {Caller: 2, Other: 0, Field: "uris"}, {Caller: 2, Other: 0, Field: "tokens"},
		{Caller: 3, Other: 3, Field: "uids", Index: 1},
	}
	if diff := cmp.Diff(want, conflicts); diff != "" {
		t.Errorf("conflicts (-want +got):\n%s", diff)
	}
}

// Without conflicts one name is never two callers', and Identify finds who a search through every caller finds.
func TestIdentifyAgreesWithAPlainSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab*?]{1,4}`)
		callers := make([]access.Caller, rapid.IntRange(1, 4).Draw(t, "callers"))
		for i := range callers {
			callers[i].Name = string(rune('a' + i))
			callers[i].DNS = rapid.SliceOfN(text, 0, 3).Draw(t, "dns")
		}
		p, conflicts := access.NewPolicy(callers)
		names := rapid.SliceOfN(rapid.StringMatching(`[ab]{1,4}`), 1, 2).Draw(t, "names")
		var found []string
		for _, c := range callers {
			if slices.ContainsFunc(c.DNS, func(pattern string) bool {
				return slices.ContainsFunc(names, func(name string) bool { return plainMatch(pattern, name) })
			}) {
				found = append(found, c.Name)
			}
		}
		if len(conflicts) > 0 {
			return
		}
		if len(names) == 1 && len(found) > 1 {
			t.Fatalf("%q is of %v, and there is no conflict", names, found)
		}
		got, err := p.Identify(&access.Evidence{DNS: names}, "", now())
		if len(found) == 1 && (err != nil || got.Name != found[0]) || len(found) != 1 && err == nil {
			t.Fatalf("Identify(%q) = %v, %v, want %v", names, got, err, found)
		}
	})
}

// plainMatch is a glob, one rule a line.
func plainMatch(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return plainMatch(pattern[1:], text) || text != "" && plainMatch(pattern, text[1:])
	}
	return text != "" && (pattern[0] == '?' || pattern[0] == text[0]) && plainMatch(pattern[1:], text[1:])
}

func TestIdentifyingAllocatesNothing(t *testing.T) {
	token, hash := tokenOf(1)
	p := policy(t, access.Caller{Name: "a", URIs: []string{"spiffe://x/*"}, Tokens: []access.Token{{Hash: hash}}})
	e := &access.Evidence{URIs: []string{"spiffe://x/y"}}
	at := now()
	if allocs := testing.AllocsPerRun(100, func() {
		if _, err := p.Identify(e, token, at); err != nil {
			t.Error(err)
		}
	}); allocs != 0 {
		t.Errorf("Identify allocates %v times, want 0", allocs)
	}
}
