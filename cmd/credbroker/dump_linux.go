package main

import "syscall"

// undumpable makes the kernel refuse debuggers and readers of the memory, unless they are root's, and give the files of the
// process below /proc to root.
func undumpable() error {
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, syscall.PR_SET_DUMPABLE, 0, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
