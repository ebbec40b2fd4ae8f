package journal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

// remembered is a memory that counts how often it is asked.
type remembered struct {
	records []cooldown.Record
	renewed int
}

func (m *remembered) Records() []cooldown.Record { return m.records }
func (m *remembered) Renewed()                   { m.renewed++ }

// lossy is a journal whose file something happens to.
type lossy struct {
	*journal.Journal

	path   string
	memory remembered
	notes  []string
}

func newLossy(t *testing.T) *lossy {
	t.Helper()
	path, _ := filled(t, 40, 2000)
	l := &lossy{path: path, memory: remembered{records: batch(40, 0).Records}}
	l.Journal = open(t, journal.Config{Path: path, Note: func(words string) { l.notes = append(l.notes, words) }})
	if err := l.Load(t.Context(), &statetest.Received{}); err != nil {
		t.Fatal(err)
	}
	l.RenewFrom(l.memory.Records, l.memory.Renewed)
	return l
}

// wantKept wants a start after a kill to find these records.
func wantKept(t *testing.T, path string, want []cooldown.Record) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	after := filepath.Join(t.TempDir(), "after.db")
	if err := os.WriteFile(after, content, 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, journal.Config{Path: after})
	wantRecords(t, j, want)
	if keys, err := j.Keys(t.Context(), state.Keys{}); err != nil || keys != fixtureKeys() {
		t.Errorf("Keys = %v, %v, want %v", keys, err, fixtureKeys())
	}
}

const notOurs = "something of somebody else's"

// What may happen to a file that is in use, what is said of it, and what is left beside it.
func losses() []loss {
	return []loss{
		{"removed", os.Remove, "removed", nil},
		{"moved away", func(path string) error { return os.Rename(path, path+".1") }, "moved away", []string{"state.db.1"}},
		{"rotated", func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, nil, 0o600))
		}, "another file", []string{"state.db.1"}},
		{"replaced", func(path string) error {
			return errors.Join(os.Remove(path), os.WriteFile(path, []byte(notOurs), 0o600))
		}, "another file", []string{"state.db.aside-*"}},
		{"replaced by a folder", func(path string) error {
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		}, "another file", []string{"state.db.aside-*"}},
		{"emptied", func(path string) error { return os.Truncate(path, 0) }, "cut off", nil},
		{"cut in half", func(path string) error {
			info, err := os.Stat(path)
			return errors.Join(err, os.Truncate(path, info.Size()/2))
		}, "cut off", nil},
		{"emptied and as long as before", func(path string) error {
			info, err := os.Stat(path)
			return errors.Join(err, os.Truncate(path, 0), os.Truncate(path, info.Size()))
		}, "overwritten", nil},
		{"overwritten", func(path string) error {
			return os.WriteFile(path, bytes.Repeat([]byte(notOurs), 100_000), 0o600)
		}, "overwritten", nil},
	}
}

type loss struct {
	name   string
	happen func(path string) error
	said   string
	left   []string // patterns of other names in the folder
}

func TestAFileThatIsLostIsWrittenAnew(t *testing.T) {
	for _, test := range losses() {
		t.Run(test.name, func(t *testing.T) {
			l := newLossy(t)
			if err := test.happen(l.path); err != nil {
				t.Fatal(err)
			}
			l.memory.records = batch(50, 0).Records
			more := state.Batch{Records: l.memory.records[40:]}
			wantProblem(t, l.Save(t.Context(), more), l.path, test.said, "writes it anew")
			save(t, l.Journal, more)
			wantKept(t, l.path, l.memory.records)
			if l.memory.renewed != 1 || len(l.notes) != 1 || !strings.Contains(l.notes[0], l.path) {
				t.Errorf("renewed %d times, notes %q", l.memory.renewed, l.notes)
			}
			entries, err := os.ReadDir(filepath.Dir(l.path))
			if err != nil || len(entries) != 1+len(test.left) {
				t.Errorf("%v are in the folder, %v, want the file and %q", entries, err, test.left)
			}
			for _, pattern := range test.left {
				if found, err := filepath.Glob(filepath.Join(filepath.Dir(l.path), pattern)); err != nil || len(found) != 1 {
					t.Errorf("%s: %v, %v", pattern, found, err)
				}
			}
			// All is as ever.
			save(t, l.Journal, batch(0, 100))
			if err := errors.Join(l.Check(t.Context()), l.Load(t.Context(), &statetest.Received{}), l.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestALossIsNoticedByLooking(t *testing.T) {
	for _, test := range losses() {
		t.Run(test.name, func(t *testing.T) {
			l := newLossy(t)
			if err := l.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := test.happen(l.path); err != nil {
				t.Fatal(err)
			}
			wantProblem(t, l.Check(t.Context()), l.path, test.said, "writes it anew")
			if err := l.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantKept(t, l.path, l.memory.records)
		})
	}
}

// Something may also happen in the middle of it all: whoever was told that something is kept finds it.
func TestNothingAcknowledgedIsLostWithTheFile(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out lost state files")
	}
	for _, test := range losses() {
		t.Run(test.name, func(t *testing.T) {
			l := newLossy(t)
			all := batch(400, 0).Records
			happened := make(chan error)
			go func() { happened <- test.happen(l.path) }()
			for i := 40; i < len(all); i++ {
				l.memory.records = all[:i+1]
				for try := 0; l.Save(t.Context(), state.Batch{Records: all[i : i+1]}) != nil; try++ {
					if try == 3 {
						t.Fatal("saving does not work again")
					}
				}
			}
			if err := <-happened; err != nil {
				t.Fatal(err)
			}
			_ = l.Check(t.Context())
			if err := l.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantKept(t, l.path, all)
		})
	}
}

// What cannot be written anew is not acknowledged either.
func TestALostFileWithoutMemoryStaysLost(t *testing.T) {
	path, _ := filled(t, 5, 10)
	j := open(t, journal.Config{Path: path})
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		wantProblem(t, j.Save(t.Context(), batch(6, 0)), path, "cut off", "")
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}

// Nobody knows of the file of a journal that comes back after it was closed.
func TestAClosedJournalStaysClosed(t *testing.T) {
	l := newLossy(t)
	if err := errors.Join(l.Close(), l.Close(), os.Remove(l.path)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, keysErr := l.Keys(t.Context(), fixtureKeys())
		if l.Save(t.Context(), batch(1, 0)) == nil || l.Check(t.Context()) == nil || keysErr == nil {
			t.Error("it works")
		}
	}
	if _, err := os.Stat(l.path); err == nil {
		t.Error("the file is there again")
	}
}

func TestTheFileOfAnotherBrokerStays(t *testing.T) {
	l := newLossy(t)
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	other := open(t, journal.Config{Path: l.path})
	for range 3 {
		if err := l.Save(t.Context(), batch(1, 0)); err == nil {
			t.Fatal("a save was acknowledged")
		}
	}
	wantProblem(t, l.Check(t.Context()), l.path, "locked by another process", "another state.path")
	wantNoOtherFile(t, l.path)
	save(t, other, batch(1, 0))
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	save(t, l.Journal, batch(1, 0)) // the other one is gone, and its file set aside
	wantKept(t, l.path, l.memory.records)
}

// wantNoOtherFile wants no other file in a folder.
func wantNoOtherFile(t *testing.T, path string) {
	t.Helper()
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("%v are in the folder, %v, want the file alone", entries, err)
	}
}

// Bindings that cannot be read are said once, and then the file holds what the broker does.
func TestAWornFileIsWrittenAnew(t *testing.T) {
	path := worn(t)
	var notes []string
	j := open(t, journal.Config{Path: path, Note: func(words string) { notes = append(notes, words) }})
	if err := j.Load(t.Context(), &statetest.Received{}); err != nil || len(notes) != 1 || !strings.Contains(notes[0], "10 bindings") {
		t.Fatalf("Load: %v, notes %q", err, notes)
	}
	memory := &remembered{records: batch(3, 0).Records}
	j.RenewFrom(memory.Records, memory.Renewed)
	if err := j.Check(t.Context()); err != nil || memory.renewed != 1 {
		t.Errorf("Check: %v, renewed %d times", err, memory.renewed)
	}
	wantKept(t, path, memory.records)
}

// worn is the path of a file with a hundred bindings, of which ten cannot be read.
func worn(t *testing.T) (path string) {
	t.Helper()
	path, _ = filled(t, 3, 100)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[bytes.LastIndex(content, []byte("identity-7"))] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
