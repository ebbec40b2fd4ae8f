package journal_test

import (
	"path/filepath"
	"testing"

	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

func factory(t *testing.T) func(t *testing.T) *journal.Journal {
	path := filepath.Join(t.TempDir(), "state.db")
	return func(t *testing.T) *journal.Journal { return open(t, journal.Config{Path: path}) }
}

// open opens a file that is expected to be sound.
func open(t testing.TB, c journal.Config) *journal.Journal {
	t.Helper()
	if c.Note == nil {
		c.Note = func(words string) { t.Errorf("repaired: %s", words) }
	}
	j, err := journal.Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func TestJournalIsAStore(t *testing.T) { statetest.Store(t, factory) }

func TestJournalSaysWhatMemorySays(t *testing.T) { statetest.Histories(t, factory, 8) }

func TestJournalKeepsBindings(t *testing.T) { statetest.Bindings(t, factory) }
