package authdoc

import (
	"strings"
	"testing"
)

// A mistake near a secret, or a secret in the wrong place, must not print it.
func TestProblemsPrintNoSecret(t *testing.T) {
	for _, text := range []string{
		`"api_key":["tell-tale"]`, `"api_key":"tell-tale\n2"`, `"access_token":{"tell-tale":1}`, `"token":"tell-tale"`, `"headers":{"A":["tell-tale"]}`,
		`"headers":{"A: tell-tale":""}`, `"proxy_url":"tell-tale"`, `"expired":"tell-tale"`, `"weight":"tell-tale"`, `"api_key":"tell-tale`, `tell-tale`,
		`"kind":"tell-tale"`, `"api_key":tell-tale`,
	} {
		_, problems := readAuthText(`{"type":"x",` + text + `}`)
		if len(problems) == 0 {
			t.Errorf("read of %q: no problem", text)
		}
		if strings.Contains(problems.Error(), "tell-tale") {
			t.Errorf("the problems of %s hold a secret: %v", text, problems)
		}
	}
}

// The fingerprint tells keys apart, and says nothing without the key that it was made with.
func TestFingerprint(t *testing.T) {
	one, other := [32]byte{1}, [32]byte{2}
	base := Fingerprint(one, "claude", "sk-tell-tale")
	if len(base) != 32 || strings.Contains(base, "tell-tale") {
		t.Errorf("fingerprint %q, want 32 hex digits", base)
	}
	if Fingerprint(one, "claude", "sk-tell-tale") != base {
		t.Error("the same key has two fingerprints")
	}
	for name, different := range map[string]string{
		"another key of the broker": Fingerprint(other, "claude", "sk-tell-tale"),
		"another provider":          Fingerprint(one, "codex", "sk-tell-tale"),
		"another API key":           Fingerprint(one, "claude", "sk-tell-tales"),
	} {
		if different == base {
			t.Errorf("%s: the same fingerprint", name)
		}
	}
}
