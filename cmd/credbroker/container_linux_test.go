package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// containerMemory is that of the deployment in docs/operations.md.
const containerMemory = 256 << 20

// TestLegalTrafficInAContainer lets clients send the largest legal requests, three at a time, to a broker that the kernel ends if it
// takes more than its container has. Nothing tells it of the limit but the container.
func TestLegalTrafficInAContainer(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out attacks")
	}
	group := memoryGroup(t, containerMemory)
	v := startVictim(t, buildProgram(t), &attack{limits: "{message: 32MiB}"},
		"sh", "-c", `echo $$ >"$0"/cgroup.procs && exec env -u GOMEMLIMIT "$@"`, group)
	alone := v.goodClient(t, time.Second)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	legalLarge(ctx, t, v)
	after := v.goodClient(t, time.Second)
	t.Logf("good client: before %s, after %s; peak %d MiB of %d", alone, after, v.peak(t)>>20, containerMemory>>20)
	if alone.served == 0 || after.served == 0 {
		t.Errorf("the good client got %s before and %s after", alone, after)
	}
	v.probe(t)
}

// memoryGroup makes a control group with so many bytes of memory and no swap. It skips the test where that is not allowed.
func memoryGroup(t *testing.T, bytes int) string {
	t.Helper()
	parent, limits := "/sys/fs/cgroup", []string{"memory.max", "memory.swap.max"}
	if _, err := os.Stat(filepath.Join(parent, "memory", "memory.limit_in_bytes")); err == nil { // version 1
		parent, limits = filepath.Join(parent, "memory"), []string{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes"}
	}
	group := filepath.Join(parent, fmt.Sprintf("credbroker-test-%d", os.Getpid()))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("no control group can be made here: %v", err)
	}
	t.Cleanup(func() {
		late := time.After(patience)
		for tick := time.Tick(10 * time.Millisecond); os.Remove(group) != nil; {
			select {
			case <-tick:
			case <-late:
				t.Errorf("%s is left over", group)
				return
			}
		}
	})
	for i, name := range limits {
		value := strconv.Itoa(bytes)
		if strings.Contains(name, "swap.max") {
			value = "0"
		}
		err := os.WriteFile(filepath.Join(group, name), []byte(value), 0o600)
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			continue // swap is not counted here
		}
		if err != nil {
			t.Skipf("no memory limit can be set here: %v", err)
		}
	}
	return group
}
