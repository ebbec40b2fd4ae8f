package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// leaseWrite asks Linux to hold up whoever opens a file, for 45 seconds by default.
const (
	setLease   = 1024
	leaseWrite = 1
)

// A broker that cannot save what it knows, because the disk does not answer, waits for it when it is told to stop, and
// ends when it is told again.
func TestASecondSignalEndsAFlushThatHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out what waits for seconds")
	}
	l := newLossLine(t, buildProgram(t))
	path := filepath.Join(l.dir, "credbroker.db")
	held, err := os.OpenFile(writeBeside(path), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, held.Fd(), setLease, leaseWrite); errno != 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("no lease on a file in %s: %v", l.dir, errno)
		}
		t.Skipf("no lease on a file in %s: %v", l.dir, errno)
	}
	// Before it writes its file anew the broker opens what has its name.
	if err := os.Rename(held.Name(), path); err != nil {
		t.Fatal(err)
	}
	_ = l.broker.cmd.Process.Signal(syscall.SIGTERM) // it is there, or what follows fails
	select {
	case <-l.broker.ended:
		t.Fatalf("it ended without having saved anything; its log:\n%s", l.broker.log())
	case <-time.After(2 * time.Second):
	}
	_ = l.broker.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-l.broker.ended:
	case <-time.After(5 * time.Second):
		t.Fatalf("a second signal does not end it; its log:\n%s", l.broker.log())
	}
}
