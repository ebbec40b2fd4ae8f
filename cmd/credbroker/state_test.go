package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// again starts a broker on the configuration of one that was stopped.
func (b *runningBroker) again() *runningBroker {
	b.t.Helper()
	next := launch(b.t, b.config)
	next.ready()
	return next
}

// must runs a command that must succeed.
func (b *runningBroker) must(args ...string) string {
	b.t.Helper()
	got := b.command(args...)
	if got.code != exitOK {
		b.t.Fatalf("%v = %d %s", args, got.code, got.stderr)
	}
	return got.stdout
}

func TestStateOutlivesARestart(t *testing.T) {
	b := serving(t, twoAuths)
	var picked struct{ Credential struct{ AuthID string } }
	b.answer(&picked, "pick", "--provider", "claude", "--model", "m", "--session", "s")
	other := map[string]string{"a": "b", "b": "a"}[picked.Credential.AuthID]
	b.must("auths", "disable", other, "--reason", "broken")
	if code := b.stop(); code != exitOK {
		t.Fatalf("exit code = %d; log:\n%s", code, b.log)
	}
	b = b.again()
	if line := b.log.wait(t, logLoaded); line[fieldRecords] != 1.0 || line[fieldBindings] != 1.0 {
		t.Errorf("loaded %v, want one record and one binding", line)
	}
	if got := b.must("auths", "get", other); !strings.Contains(got, "DISABLED") {
		t.Errorf("after a restart the auth is\n%s", got)
	}
	if got := b.must("pick", "--provider", "claude", "--model", "m", "--session", "s"); !strings.Contains(got, "HIT") {
		t.Errorf("after a restart the session is\n%s", got)
	}
	if got := b.must("status"); !strings.Contains(got, "journal, healthy") {
		t.Errorf("status\n%s", got)
	}
	b.must("auths", "enable", other)
	b.stop()
	if got := b.again().must("auths", "get", other); !strings.Contains(got, "READY") {
		t.Errorf("after another restart the auth is\n%s", got)
	}
}

func TestNothingIsKeptWhereNothingSaysWhere(t *testing.T) {
	b := serving(t, twoAuths+"state: {path: ''}\n")
	b.log.wait(t, logMemoryOnly)
	b.must("auths", "disable", "a")
	b.stop()
	if files, err := filepath.Glob(filepath.Join(filepath.Dir(b.config), "*.db")); err != nil || len(files) > 0 {
		t.Errorf("files %v, %v, want none", files, err)
	}
	if got := b.again().must("auths", "get", "a"); !strings.Contains(got, "READY") {
		t.Errorf("after a restart the auth is\n%s", got)
	}
}

func TestAStateFileIsOneBrokers(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what waits for seconds")
	}
	b := serving(t, twoAuths)
	second := launch(t, b.config)
	if code := second.code(); code != exitFailed {
		t.Errorf("exit code of a second broker = %d, want %d", code, exitFailed)
	}
	path := filepath.Join(filepath.Dir(b.config), "credbroker.db")
	for _, want := range []string{path, "locked by another process"} {
		if !strings.Contains(second.log.String(), want) {
			t.Errorf("log %q, want %q in it", second.log, want)
		}
	}
}

func TestAStateFileThatIsNoneIsLeftAlone(t *testing.T) {
	config := writeConfig(t, twoAuths)
	path := filepath.Join(filepath.Dir(config), "credbroker.db")
	notes := strings.Repeat("my notes\n", 2000)
	if err := os.WriteFile(path, []byte(notes), 0o600); err != nil {
		t.Fatal(err)
	}
	b := launch(t, config)
	if code := b.code(); code != exitFailed || !strings.Contains(b.log.String(), path) {
		t.Errorf("exit code = %d, log %q; want %d and the file's name", code, b.log, exitFailed)
	}
	if left, err := os.ReadFile(path); err != nil || string(left) != notes {
		t.Errorf("the file was changed: %v", err)
	}
}

// Nobody listens at this address.
const noRedis = "  redis: {addresses: ['127.0.0.1:1']}\n"

func TestAFleetMustBeThereForAFirstStart(t *testing.T) {
	b := launch(t, writeConfig(t, twoAuths+"state:\n"+noRedis))
	if code := b.code(); code != exitFailed || !strings.Contains(b.log.String(), "state.redis: join the fleet for the first time") {
		t.Errorf("exit code = %d, log %q; want %d and the key", code, b.log, exitFailed)
	}
}

func TestALostFleetStopsNobody(t *testing.T) {
	b := serving(t, twoAuths)
	b.stop()
	replaceFile(t, b.config, twoAuths+"state:\n"+noRedis)
	b = b.again()
	if line := b.log.wait(t, logEngineDown); line[fieldEngine] != "redis" {
		t.Errorf("the log tells of %v, want redis", line)
	}
	b.must("pick", "--provider", "claude", "--model", "m", "--session", "s")
	b.must("auths", "disable", "a")
	if got := b.must("status"); !strings.Contains(got, "journal, healthy") || !strings.Contains(got, "redis, NOT HEALTHY") {
		t.Errorf("status\n%s", got)
	}
	if n := len(b.log.all(logEngineDown)); n != 1 {
		t.Errorf("%d lines about the engine, want one", n)
	}
}
