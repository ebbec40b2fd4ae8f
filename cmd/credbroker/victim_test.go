package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// startVictim starts a broker for an attack that may have attackMemory, and waits until it listens. A prefix of its command line can take away more.
func startVictim(t *testing.T, program string, a *attack, prefix ...string) *victim {
	t.Helper()
	dir := t.TempDir()
	v := &victim{grpc: filepath.Join(dir, "g"), http: filepath.Join(dir, "h")}
	kept := ""
	if a.kept {
		kept = filepath.Join(dir, "s.db")
	}
	config := fmt.Sprintf("listen: {grpc: ['unix://%s'], http: 'unix://%s'}\nlimits: %s\nlog: {access: false}\nstate: {path: '%s'}\nauths:\n  - {id: idle, provider: idle, secret: {value: key}}\n"+
		"  - {id: a, provider: claude, secret: {value: key-a}}\n  - {id: b, provider: claude, secret: {value: key-b}}\n", v.grpc, v.http, cmp.Or(a.limits, "{}"), kept)
	var idle strings.Builder
	for i := range a.auths {
		fmt.Fprintf(&idle, "  - {id: idle-%05d, provider: idle, secret: {value: key-%d}}\n", i, i)
	}
	config += idle.String()
	file := filepath.Join(dir, "c.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	arguments := slices.Concat(prefix, []string{program, "serve", "--config", file, "--shutdown-timeout", "1s"})
	cmd := exec.CommandContext(t.Context(), arguments[0], arguments[1:]...)
	cmd.Env = append(os.Environ(), "GOMEMLIMIT="+strconv.Itoa(attackMemory))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v.pid = cmd.Process.Pid
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	t.Cleanup(func() {
		if err := <-exited; t.Failed() {
			t.Logf("the broker: %v\n%.4000s", err, &log)
		}
	})
	late := time.After(patience)
	for tick := time.Tick(10 * time.Millisecond); ; {
		if _, err := os.Stat(v.http); err == nil {
			return v
		}
		select {
		case <-tick:
		case <-late:
			t.Fatal("the broker does not listen")
		}
	}
}

func dialVictim(t *testing.T, v *victim) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient("unix://"+v.grpc, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Where few files may be open, connections with calls take their part of them, and probes get in.
func TestFewFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out attacks")
	}
	v := startVictim(t, buildProgram(t), &attack{}, "sh", "-c", `ulimit -n 64; exec "$0" "$@"`)
	for range 80 {
		if peer := v.peer(t); peer != nil {
			// It is closed where there is no room.
			_, _ = peer.Call("/credbroker.v1.AuthPool/WatchAuths")
		}
	}
	for range 20 {
		v.probe(t)
	}
}
