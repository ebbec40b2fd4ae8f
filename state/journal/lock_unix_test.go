//go:build unix

package journal_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/credbroker/credbroker/state/journal"
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

// What killed brokers were writing is removed at the next start, and nothing else is.
func TestFilesThatWereNotFinishedAreRemoved(t *testing.T) {
	path := unpacked(t, "format1.db")
	beside := func(name string) string { return filepath.Join(filepath.Dir(path), name) }
	stay := []string{".format1.db.new-", ".format1.db.new-1.new-1", ".other.db.new-1", "format1.db.new-1", ".format1.db.new-locked", ".format1.db.new-77"}
	for _, name := range append([]string{".format1.db.new-1", ".format1.db.new-4294967295"}, stay...) {
		if err := os.WriteFile(beside(name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(path, beside(".format1.db.new-3")); err != nil { // killed before it removed the first name
		t.Fatal(err)
	}
	other, err := os.Open(beside(".format1.db.new-77")) // somebody is writing it
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := syscall.Flock(int(other.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		t.Fatal(err)
	}
	wantFixture(t, open(t, journal.Config{Path: path, Now: fixtureTime}))
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1+len(stay) {
		t.Errorf("%v are left, %v, want the file and %q", entries, err, stay)
	}
}

// Of brokers that start at once one has the file, though it puts another one in its place.
func TestOneOfManyBrokersHasTheFile(t *testing.T) {
	const brokers = 8
	for range 10 {
		path := unpacked(t, "format1.db")
		held, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Flock(int(held.Fd()), syscall.LOCK_EX); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		opened := make(chan *journal.Journal, brokers)
		for range brokers {
			all.Go(func() {
				j, err := journal.Open(journal.Config{Path: path, Now: fixtureTime, LockTimeout: 300 * time.Millisecond})
				if err == nil {
					opened <- j
				} else if !errors.Is(err, journal.ErrLocked) {
					t.Errorf("Open: %v, want ErrLocked", err)
				}
			})
		}
		if err := held.Close(); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		close(opened)
		if len(opened) != 1 {
			t.Fatalf("%d brokers have the file, want 1", len(opened))
		}
		for j := range opened {
			wantFixture(t, j)
			if err := errors.Join(j.Check(t.Context()), j.Close()); err != nil {
				t.Error(err)
			}
		}
	}
}
