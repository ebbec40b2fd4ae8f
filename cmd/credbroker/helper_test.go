package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// script writes a program beside a configuration.
func script(t *testing.T, folder, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
}

// A program prints the secret of an auth; what else it writes is nobody's business.
func TestHelperPrintsTheSecret(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "print-key", `echo "canary-error $0" >&2; read nothing; echo " $1-$2 "`)
	config := filepath.Join(dir, "c.yaml")
	conf := func(argument string) string {
		return "listen: {grpc: [127.0.0.1:0], http: ''}\nstate: {path: ''}\nlog: {level: debug}\n" +
			"auths: [{id: a, provider: claude, secret: {exec: [./print-key, " + argument + ", '$HOME; exit 1']}}]\n"
	}
	replaceFile(t, config, conf("canary-1"))
	b := launch(t, config)
	b.ready()
	broker, _ := b.connect()
	key := func() string {
		t.Helper()
		got, err := broker.PickCredential(t.Context(), &credbrokerv1.PickCredentialRequest{Provider: "claude"})
		if err != nil {
			t.Fatal(err)
		}
		return got.GetCredential().GetRequestHeaders()["x-api-key"]
	}
	if got := key(); got != "canary-1-$HOME; exit 1" {
		t.Errorf("the key is %q, want what the program printed", got)
	}
	replaceFile(t, config, conf("canary-2"))
	b.log.wait(t, logReloaded)
	if got := key(); got != "canary-2-$HOME; exit 1" {
		t.Errorf("the key is %q, want that of the new command", got)
	}
	script(t, dir, "print-key", "exit 3")
	replaceFile(t, config, conf("canary-3"))
	problem := fmt.Sprint(b.log.wait(t, logProblem)["problem"])
	if !strings.HasSuffix(problem, "c.yaml:4: auths[0].secret.exec: the program failed: exit status 3") || key() != "canary-2-$HOME; exit 1" {
		t.Errorf("problem %q, and the key is %q", problem, key())
	}
	if got := b.command("status"); !strings.Contains(got.stdout, "auths[0].secret.exec: the program failed") {
		t.Errorf("status says nothing of it: %s", got.stdout)
	}
	b.stop()
	if strings.Contains(b.log.String(), "canary") {
		t.Errorf("the log has what a program was given or wrote:\n%s", b.log)
	}
}

func TestHelperIsBounded(t *testing.T) {
	dir := t.TempDir()
	script(t, dir, "endless", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done")
	script(t, dir, "hangs", "sleep 1000 & sleep 1000")
	script(t, dir, "fails", "echo key; exit 7")
	script(t, dir, "killed", "kill -9 $$")
	script(t, dir, "largest", `printf "%065536d" 0 | tr 0 ' '`)
	run := helperRunner(t.Context())
	for name, want := range map[string]string{
		"endless": "printed too much; allowed: 64 KiB", "hangs": "did not end in 1s", "fails": "failed: exit status 7",
		"killed": "failed: signal: killed", "missing": "cannot be run: no such file or directory", "largest": "",
	} {
		timeout := patience
		if name == "hangs" {
			timeout = time.Second
		}
		output, err := run([]string{filepath.Join(dir, name), "argument"}, timeout)
		if got := fmt.Sprint(err); want != "" && (got != want || output != nil) || want == "" && (err != nil || len(output) != 64<<10) {
			t.Errorf("%s printed %d bytes, %v, want %q", name, len(output), err, want)
		}
	}
	if _, err := run([]string{"no-such-program-anywhere"}, patience); fmt.Sprint(err) != "cannot be run: executable file not found in $PATH" {
		t.Errorf("a program that there is not: %v", err)
	}
}
