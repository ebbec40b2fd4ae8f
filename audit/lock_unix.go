//go:build unix

package audit

import (
	"errors"
	"os"
	"syscall"
)

// lock keeps other brokers from the file, as long as it is open.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errors.New("another broker writes it")
	}
	return err
}
