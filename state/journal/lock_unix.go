//go:build unix

package journal

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// lockPause is how long to wait before a lock is tried again.
const lockPause = 20 * time.Millisecond

// lock waits until no other process has the file, as bbolt does when it opens one.
func lock(f *os.File, timeout time.Duration) error {
	deadline := time.Now().Add(timeout)
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return err
		}
		if time.Now().After(deadline) {
			return ErrLocked
		}
		time.Sleep(lockPause)
	}
}

func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
