package config

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Every secret of these tests has this word in it.
const telltale = "tell-tale"

// secretConfig has a secret in every place that takes one.
const secretConfig = `
state: {redis: {addresses: ["127.0.0.1:1"], secret: {value: "tell-tale-6, which has more than 32 bytes"}}}
auths:
  - id: a
    provider: claude
    secret: {value: sk-tell-tale-1}
    proxy_url: "http://user:tell-tale-2@proxy.example.com"
    headers: {X-One: tell-tale-3, X-Two: {env: TELLTALE}}
  - {id: b, provider: claude, secret: {file: key}}
`

func TestConfigPrintsNoSecret(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "key"), "tell-tale-4\n")
	write(t, filepath.Join(dir, "c.yaml"), secretConfig)
	o := Options{LookupEnv: func(string) (string, bool) { return "tell-tale-5", true }}
	c, auths, err := loadFile(filepath.Join(dir, "c.yaml"), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(auths) != 2 || len(auths[0].Headers) != 3 {
		t.Fatalf("loadFile: %+v, want two auths and their headers", auths)
	}
	for _, value := range []any{c, *c, auths, *auths[0], auths[0].Headers} {
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			forbid(t, format, fmt.Sprintf(format, value))
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		forbid(t, "json", string(text))
		if text, err = yaml.Marshal(value); err != nil {
			t.Fatal(err)
		}
		forbid(t, "yaml", string(text))
	}
}

func forbid(t *testing.T, what, text string) {
	t.Helper()
	// Printed as hex it is not readable, but still there.
	if strings.Contains(text, telltale) || strings.Contains(text, fmt.Sprintf("%x", telltale)) {
		t.Errorf("%s holds a secret: %s", what, text)
	}
}

// A mistake near a secret, or a secret in the wrong place, must not print it.
func TestProblemsPrintNoSecret(t *testing.T) {
	for _, text := range []string{
		"secret: tell-tale", "secret: [tell-tale]", "secret: {tell-tale: x}", "secret: {tell-tale}", "secret: {value: [tell-tale]}",
		"secret: {value: {tell-tale: 1}}", `secret: {value: "tell-tale\n2"}`, "secret: {value: *tell-tale}", "secret: {env: sk-tell-tale}",
		"secret: {value: tell-tale, env: A}", "secret: {value: tell-tale, value: tell-tale}", "secret: {env: TELLTALE}",
		`headers: {A: "tell-tale\n"x}`, `headers: {A: "tell-tale\u0001"}`, "headers: {A: [tell-tale]}", `headers: {"A: tell-tale": x}`,
		"headers: tell-tale", "proxy_url: tell-tale", `proxy_url: "ftp://u:tell-tale@h"`, `proxy_url: "http://u:tell-tale@ h"`,
		`base_url: "https://u:tell-tale@h"`, `base_url: "tell-tale"`, `base_url: "https://u:tell-tale@h:x"`, "kind: tell-tale",
		"priority: tell-tale", "weight: tell-tale", "disabled: tell-tale", "models: tell-tale", "attributes: tell-tale", "domains: tell-tale",
		"secret: !tell-tale x", "secret: {value: !tell-tale x}", "tell-tale", "secret: {value: tell-tale", "secret: 'tell-tale",
	} {
		file := filepath.Join(t.TempDir(), "c.yaml")
		write(t, file, "auths:\n  - id: a\n    provider: claude\n    "+text+"\n")
		_, err := Open(file, Options{LookupEnv: func(string) (string, bool) { return "sk\ntell-tale", true }})
		if err == nil {
			t.Errorf("Open of %q: no problem", text)
			continue
		}
		forbid(t, text, err.Error())
	}
}
