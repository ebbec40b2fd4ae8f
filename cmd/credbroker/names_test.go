package main

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// namesConfig is what testdata/names.db.gz was written under, by a broker that compared names of providers letter for letter.
const namesConfig = `
listen: {grpc: [127.0.0.1:0], http: ''}
sessions: {ttl: 8784h}
state: {path: names.db}
auths:
  - {id: key-a, provider: anthropic, domains: [org:acme], secret: {value: key-a}}
  - {id: key-b, provider: anthropic, domains: [org:acme], secret: {value: key-b}}
  - {id: key-c, provider: anthropic, secret: {value: key-c}}
  - {id: account, provider: google, kind: oauth, account: one@example.com, secret: {value: token}}
`

// namesTime is two seconds after the file was written.
func namesTime() time.Time { return time.Unix(1796037620, 0) }

// What was kept under the name that an auth bears is found again: cooldowns of keys and of limit domains, an outage, a switch, and
// bindings, whichever name a request uses now.
func TestStateKeptUnderNamesOfProviders(t *testing.T) {
	config := writeConfig(t, namesConfig)
	gunzip(t, "testdata/names.db.gz", filepath.Join(filepath.Dir(config), "names.db"))
	began := time.Now()
	b := launchAt(t, func() time.Time { return namesTime().Add(time.Since(began)) }, config)
	b.ready()
	for id, want := range map[string]string{
		"key-a": `(?m)^DIALECT +anthropic$(?s:.*)^n +QUOTA .* told$(?s:.*)^d of org:acme +QUOTA .* rate_limited$(?s:.*)^o of provider:anthropic +TRANSIENT .* overloaded$`,
		"key-b": `(?m)^d of org:acme +QUOTA .* rate_limited$`,
		"key-c": `(?m)^STATE +DISABLED$\n^WHY +broken$`,
	} {
		if got := b.must("auths", "get", id); !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s is\n%swant %s", id, got, want)
		}
	}
	for provider, want := range map[string]string{
		"anthropic": "key-a", "claude": "key-a", "Claude_API": "key-a", "google": "account", "gemini": "account",
	} {
		got := b.must("pick", "--provider", provider, "--model", "m", "--session", "s")
		if !regexp.MustCompile(`(?m)^AUTH +` + want + `$(?s:.*)^BINDING +HIT$`).MatchString(got) {
			t.Errorf("the session of %s is\n%swant it on %s", provider, got, want)
		}
	}
}

func gunzip(t *testing.T, from, to string) {
	t.Helper()
	packed, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
