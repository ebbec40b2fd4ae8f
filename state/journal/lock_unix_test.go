//go:build unix

package journal_test

import (
	"os"
	"syscall"
	"testing"
)

// Whatever became of a file, nothing holds it when it is closed.
func TestALostFileIsNotLockedOnceItIsClosed(t *testing.T) {
	for _, test := range losses() {
		t.Run(test.name, func(t *testing.T) {
			l := newLossy(t)
			held, err := os.Open(l.path)
			if err != nil {
				t.Fatal(err)
			}
			defer held.Close()
			if err := test.happen(l.path); err != nil {
				t.Fatal(err)
			}
			// Unlike Save, this goes to the file before it looks whether it is there.
			if _, err := l.Keys(t.Context(), fixtureKeys()); err == nil {
				t.Fatal("a lost file was used")
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
				t.Errorf("the file that was lost: %v", err)
			}
		})
	}
}
