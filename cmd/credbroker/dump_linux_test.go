package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// unprivileged is a user that has nothing. Root's files below /proc look alike whether a process can be dumped or not.
const unprivileged = 65534

// startAs starts a real broker as a user without privileges, where the test is root, and returns its process once it listens.
func startAs(t *testing.T, program string, args ...string) (pid int, user uint32) {
	t.Helper()
	dir, err := os.MkdirTemp("", "credbroker") //nolint:usetesting // the folders of t.TempDir let nobody else in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket, config, binary := filepath.Join(dir, "s"), filepath.Join(dir, "c.yaml"), filepath.Join(dir, "credbroker")
	replaceFile(t, config, "listen: {grpc: ['unix://"+socket+"'], http: ''}\nstate: {path: ''}\nauths: [{id: a, provider: claude, secret: {value: k}}]\n")
	if err := os.Link(program, binary); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"serve", "--config", config}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	user = uint32(os.Getuid())
	if user == 0 {
		user = unprivileged
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
		for _, path := range []string{dir, config} {
			if err := os.Chown(path, int(user), int(user)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var log strings.Builder
	cmd.Stderr = &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = patience
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Wait(); t.Failed() {
			t.Logf("the broker: %v\n%s", err, &log)
		}
	})
	late := time.After(patience)
	for tick := time.Tick(10 * time.Millisecond); ; {
		if _, err := os.Stat(socket); err == nil {
			return cmd.Process.Pid, user
		}
		select {
		case <-tick:
		case <-late:
			t.Fatal("the broker does not listen")
		}
	}
}

// What the memory holds is not for other processes of the same user: the kernel then gives the files of the process to root.
func TestMemoryIsWithheld(t *testing.T) {
	program := buildProgram(t)
	for _, tt := range []struct {
		name     string
		args     []string
		withheld bool
	}{{"as it is", nil, true}, {"for debugging", []string{"--dumpable"}, false}} {
		t.Run(tt.name, func(t *testing.T) {
			pid, user := startAs(t, program, tt.args...)
			proc := filepath.Join("/proc", strconv.Itoa(pid))
			info, err := os.Stat(filepath.Join(proc, "environ"))
			if err != nil {
				t.Fatal(err)
			}
			if owner := info.Sys().(*syscall.Stat_t).Uid; (owner != user) != tt.withheld {
				t.Errorf("the environment of the process is of user %d, the process of %d", owner, user)
			}
			limits, err := os.ReadFile(filepath.Join(proc, "limits"))
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(limits)) {
				if rest, ok := strings.CutPrefix(line, "Max core file size"); ok && tt.withheld && strings.Join(strings.Fields(rest), " ") != "0 0 bytes" {
					t.Errorf("core dumps may have %s", rest)
				}
			}
		})
	}
}
