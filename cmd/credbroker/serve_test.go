package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
)

func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text)
}

func TestServeAnswersOnEveryListenerAndStops(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "broker.sock")
	b := serving(t, strings.Replace(twoAuths, "[127.0.0.1:0]", "[127.0.0.1:0, 'unix://"+socket+"']", 1), "--socket-mode", "0660")
	for _, address := range []string{b.grpc[0], "unix://" + socket} {
		got := b.command("pick", "--provider", "claude", "--model", "m", "--address", address)
		if got.code != exitOK || !strings.Contains(got.stdout, "PROVIDER    claude") {
			t.Errorf("pick at %s = %d %q %q", address, got.code, got.stdout, got.stderr)
		}
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("socket = %v, %v, want mode 0660", info, err)
	}
	for path, want := range map[string]string{"/readyz": "ready", "/healthz": "ok", "/metrics": "credbroker_picks_total"} {
		if status, body := get(t, "http://"+b.http+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("GET %s = %d %q, want 200 with %q", path, status, body, want)
		}
	}

	if code := b.stop(); code != exitOK {
		t.Errorf("exit code after the signal to stop = %d, want 0; log:\n%s", code, b.log)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket is still there: %v", err)
	}
	if got := b.command("status"); got.code != exitUnreachable {
		t.Errorf("status after the stop = %d %s, want %d", got.code, got.stderr, exitUnreachable)
	}
	b.log.wait(t, logStopped)
}

func TestServeRotatesFromTheFirstAuth(t *testing.T) {
	b := serving(t, twoAuths)
	for i, want := range []string{"a", "b", "a"} {
		var got struct{ Credential struct{ AuthID string } }
		b.answer(&got, "pick", "--provider", "claude", "--model", "m")
		if got.Credential.AuthID != want {
			t.Errorf("pick %d = %s, want %s", i, got.Credential.AuthID, want)
		}
	}
}

func TestServeNamesTheKeyOfATakenPortAndClosesTheRest(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	socket := filepath.Join(t.TempDir(), "broker.sock")
	b := launch(t, writeConfig(t, fmt.Sprintf("listen: {grpc: ['unix://%s', '%s'], http: ''}\n", socket, taken.Addr())))
	if code := b.code(); code != exitFailed {
		t.Errorf("exit code = %d, want %d", code, exitFailed)
	}
	want := fmt.Sprintf("credbroker: listen.grpc[1]: %s is taken: another process listens there", taken.Addr())
	if !strings.Contains(b.log.String(), want) {
		t.Errorf("log %q, want %q in it", b.log, want)
	}
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the listener that was opened before is still open: %v", err)
	}
}

func TestServeRefusesWhatItCannotRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none.yaml")
	b := launch(t, missing)
	if code := b.code(); code != exitFailed || !strings.Contains(b.log.String(), missing+": cannot be read: no such file or directory") {
		t.Errorf("serve with a missing file = %d %q, want %d and its name", code, b.log, exitFailed)
	}

	broken := writeConfig(t, "auths:\n  - {id: a, provider: claude, priority: high}\nbogus: 1\n")
	b = launch(t, broken)
	if code := b.code(); code != exitFailed {
		t.Errorf("serve with a broken file = %d, want %d", code, exitFailed)
	}
	for _, want := range []string{broken + ":2: auths[0].priority: ", broken + ":3: bogus: ", "the broker does not start with it"} {
		if !strings.Contains(b.log.String(), want) {
			t.Errorf("log %q, want %q in it", b.log, want)
		}
	}
}

func TestAStopEndsWatches(t *testing.T) {
	b := serving(t, twoAuths)
	output, done := background(t.Context(), "auths", "list", "--watch", "--address", b.grpc[0])
	waitFor(t, output, "READY")
	b.cancel()
	rest, _ := io.ReadAll(output)
	if code := <-done; code != exitUnreachable {
		t.Errorf("watch of a broker that stops = %d %q, want %d", code, rest, exitUnreachable)
	}
	if code := b.stop(); code != exitOK {
		t.Errorf("exit code = %d, want 0", code)
	}
}

func TestCollectLessHeedsTheEnvironment(t *testing.T) {
	before := debug.SetGCPercent(123)
	defer debug.SetGCPercent(before)
	percent := func(env ...string) int {
		a := &app{process: process{getenv: lookup(env)}}
		undo := a.collectLess()
		defer undo()
		got := debug.SetGCPercent(123)
		debug.SetGCPercent(got)
		return got
	}
	if got := percent(); got != gcPercent {
		t.Errorf("percent = %d, want %d", got, gcPercent)
	}
	if got := percent("GOGC=50"); got != 123 {
		t.Errorf("percent with GOGC set = %d, want what the runtime made of it", got)
	}
	if got := percent(); got != gcPercent {
		t.Errorf("percent = %d, want %d", got, gcPercent)
	}
}
