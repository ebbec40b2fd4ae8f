package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.sock")
	first, err := listen(t.Context(), "listen.grpc[1]", "unix://"+path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the socket = %v, %v, want 0600", info.Mode(), err)
	}

	if _, err := listen(t.Context(), "listen.grpc[1]", "unix://"+path, 0o600); err == nil || !strings.Contains(err.Error(), "listen.grpc[1]: unix://"+path+" is taken") {
		t.Errorf("listen on a socket in use = %v, want an error that names key and address", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the socket in use was removed: %v", err)
	}

	first.(*net.UnixListener).SetUnlinkOnClose(false) // as a killed process leaves it
	_ = first.Close()
	second, err := listen(t.Context(), "listen.grpc[1]", "unix://"+path, 0o660)
	if err != nil {
		t.Fatalf("listen on a stale socket: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode of the socket = %v, %v, want 0660", info.Mode(), err)
	}
	_ = second.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a closed listener leaves its socket: %v", err)
	}
}

func TestListenLeavesWhatIsNoSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := listen(t.Context(), "listen.grpc[0]", "unix://"+path, 0o600)
	if err == nil || !strings.Contains(err.Error(), "is no socket") {
		t.Errorf("listen on a plain file = %v, want an error", err)
	}
	if data, _ := os.ReadFile(path); string(data) != "data" {
		t.Error("the file is gone")
	}
}

func TestListenNamesTheKeyOfATakenPort(t *testing.T) {
	first, err := listen(t.Context(), "listen.http", "127.0.0.1:0", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	address := first.Addr().String()
	_, err = listen(t.Context(), "listen.http", address, 0)
	want := "listen.http: " + address + " is taken: another process listens there; stop it or change listen.http"
	if err == nil || err.Error() != want {
		t.Errorf("listen on a taken port = %v, want %s", err, want)
	}
	missing := filepath.Join(t.TempDir(), "none", "s.sock")
	if _, err := listen(t.Context(), "listen.grpc[0]", "unix://"+missing, 0o600); err == nil || !strings.Contains(err.Error(), missing) {
		t.Errorf("listen in a folder that is not there = %v, want an error that names it", err)
	}
}

func TestSocketModeIsOctal(t *testing.T) {
	for text, want := range map[string]octalMode{"0600": 0o600, "660": 0o660, "0777": 0o777} {
		var m octalMode
		if err := m.Set(text); err != nil || m != want {
			t.Errorf("Set(%q) = %v, %v, want %v", text, m, err, want)
		}
	}
	for _, text := range []string{"", "0999", "01777", "rw", "-600"} {
		var m octalMode
		if err := m.Set(text); err == nil {
			t.Errorf("Set(%q) = %v, want an error", text, m)
		}
	}
}
