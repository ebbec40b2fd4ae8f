package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/audit"
)

// A broker says what it did from its start to its stop, and what is done to the file afterwards is found.
func TestAudit(t *testing.T) {
	config := writeConfig(t, twoAuths+"audit: {file: audit.jsonl, secret: {file: audit.key}}\nlog: {access: false}\n")
	dir := filepath.Dir(config)
	secret, log := filepath.Join(dir, "audit.key"), filepath.Join(dir, "audit.jsonl")
	replaceFile(t, secret, "a key of the test\n")
	b := launch(t, config)
	b.ready()
	for _, args := range []string{"pick --provider claude", "auths disable a --reason spent", "auths enable a", "auths enable nobody"} {
		b.command(strings.Fields(args)...)
	}
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	replaceFile(t, config, string(text)+"sessions: {ttl: 2h}\n")
	b.log.wait(t, logReloaded)
	b.stop()

	verify := func(args ...string) outcome {
		t.Helper()
		return command(t, nil, append([]string{"audit", "verify", log, "--secret-file", secret}, args...)...)
	}
	good := verify()
	last := strings.TrimSpace(good.stdout[strings.LastIndex(good.stdout, " ")+1:])
	if good.code != exitOK || !strings.HasPrefix(good.stdout, "7 lines, the last is 7:") {
		t.Fatalf("verify = %d %s%s", good.code, good.stdout, good.stderr)
	}
	if got := verify("--contains", last, "-o", "json"); got.code != exitOK || !json.Valid([]byte(got.stdout)) {
		t.Errorf("verify --contains %s = %d %s%s", last, got.code, got.stdout, got.stderr)
	}
	lines, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for line := range strings.Lines(string(lines)) {
		var e audit.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		actions = append(actions, e.Action)
	}
	if want := []string{"start", "PickCredential", "DisableAuth", "EnableAuth", "EnableAuth", "reload", "stop"}; !slices.Equal(actions, want) {
		t.Errorf("actions %v, want %v", actions, want)
	}
	for _, tt := range []struct {
		name, text, want string
		args             []string
	}{
		{"a changed line", strings.Replace(string(lines), "spent", "tired", 1), ":3: was changed", nil},
		{"a cut end", string(lines[:strings.LastIndex(strings.TrimSpace(string(lines)), "\n")+1]), "line 7, which is known, is missing", []string{"--contains", last}},
	} {
		replaceFile(t, log, tt.text)
		if got := verify(tt.args...); got.code != exitFailed || !strings.Contains(got.stdout, tt.want) || !strings.Contains(got.stderr, "not what was written: 1 fault") {
			t.Errorf("verify of %s = %d %s%s", tt.name, got.code, got.stdout, got.stderr)
		}
	}
	for _, args := range [][]string{{"--contains", "7"}, {"--contains", "7:abc"}} {
		if got := verify(args...); got.code != exitUsage {
			t.Errorf("verify %v = %d %s", args, got.code, got.stderr)
		}
	}
	if got := command(t, nil, "audit", "verify", filepath.Join(dir, "none")); got.code != exitFailed {
		t.Errorf("verify of no file = %d %s", got.code, got.stderr)
	}
}

// A log that is not the broker's own is not gone on with.
func TestAuditOfAnotherLogIsRefused(t *testing.T) {
	config := writeConfig(t, twoAuths+"audit: {file: audit.jsonl}\n")
	replaceFile(t, filepath.Join(filepath.Dir(config), "audit.jsonl"), "something else\n")
	b := launch(t, config)
	if code := b.code(); code != exitFailed || !strings.Contains(b.log.String(), "audit.file: ") {
		t.Errorf("serve = %d\n%s", code, b.log)
	}
}
