package main

import (
	"fmt"
	"syscall"
)

// withholdMemory keeps what the process has in memory out of core dumps, and from other processes of the same user. It is for
// good: what is in memory when it ends is as secret as before.
func withholdMemory() error {
	if err := undumpable(); err != nil {
		return fmt.Errorf("keep the memory from debuggers, which --dumpable leaves out: %w", err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return fmt.Errorf("keep the memory out of core dumps, which --dumpable leaves out: %w", err)
	}
	return nil
}
