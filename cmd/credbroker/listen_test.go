package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onSocket is a configuration of a broker on a Unix socket alone.
func onSocket(path string) string {
	return fmt.Sprintf("listen: {grpc: ['unix://%s'], http: ''}\n", path)
}

// refused starts a broker that must not start, and returns its log.
func refused(t *testing.T, config string, args ...string) string {
	t.Helper()
	b := launch(t, writeConfig(t, config), args...)
	if code := b.code(); code != exitFailed {
		t.Errorf("exit code = %d, want %d; log:\n%s", code, exitFailed, b.log)
	}
	return b.log.String()
}

func wantSocket(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|mode {
		t.Errorf("socket = %v, %v, want mode %v", info, err, mode)
	}
}

func TestServeReplacesTheSocketOfAKilledBrokerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.sock")
	left, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	left.(*net.UnixListener).SetUnlinkOnClose(false) // as a killed process leaves it
	_ = left.Close()
	b := serving(t, onSocket(path))
	wantSocket(t, path, 0o600)

	if log := refused(t, onSocket(path)); !strings.Contains(log, "listen.grpc[0]: unix://"+path+" is taken") {
		t.Errorf("log %q, want key and address of the socket in use", log)
	}
	wantSocket(t, path, 0o600)
	b.stop()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a broker that was stopped leaves its socket: %v", err)
	}
}

func TestServeLeavesWhatIsNoSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	if log := refused(t, onSocket(path)); !strings.Contains(log, "is no socket") {
		t.Errorf("log %q, want that it is no socket", log)
	}
	if data, _ := os.ReadFile(path); string(data) != "data" {
		t.Error("the file is gone")
	}
}

func TestServeSaysHowToFreeATakenPort(t *testing.T) {
	b := serving(t, twoAuths)
	want := "listen.http: " + b.http + " is taken: another process listens there; stop it or change listen.http"
	if log := refused(t, strings.Replace(twoAuths, "http: 127.0.0.1:0", "http: "+b.http, 1)); !strings.Contains(log, want) {
		t.Errorf("log %q, want %s", log, want)
	}
	missing := filepath.Join(t.TempDir(), "none", "s.sock")
	if log := refused(t, onSocket(missing)); !strings.Contains(log, "listen.grpc[0]: listen on unix://"+missing) {
		t.Errorf("log %q, want the folder that is not there", log)
	}
}

func TestSocketModeIsOctal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.sock")
	for text, want := range map[string]os.FileMode{"0600": 0o600, "660": 0o660, "0777": 0o777} {
		b := serving(t, onSocket(path), "--socket-mode", text)
		wantSocket(t, path, want)
		b.stop()
	}
	for _, text := range []string{"", "0999", "01777", "rw", "-600"} {
		b := launch(t, writeConfig(t, onSocket(path)), "--socket-mode", text)
		if code := b.code(); code != exitUsage || !strings.Contains(b.log.String(), "0600") {
			t.Errorf("--socket-mode %q = %d %q, want %d and an example", text, code, b.log, exitUsage)
		}
	}
}
