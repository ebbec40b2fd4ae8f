package journal_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

// filled is the path of a file with some records and bindings, and what it holds.
func filled(t *testing.T, records, bindings int) (path string, holds *statetest.Received) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "state.db")
	j := open(t, journal.Config{Path: path})
	if _, err := j.Keys(t.Context(), fixtureKeys()); err != nil {
		t.Fatal(err)
	}
	b := batch(records, bindings)
	save(t, j, b)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	holds = &statetest.Received{}
	holds.Records(b.Records)
	holds.Bindings(b.Bindings)
	return path, holds
}

func batch(records, bindings int) (b state.Batch) {
	r := rand.New(rand.NewPCG(1, 1))
	for i := range records {
		key := cooldown.RecordKey{Kind: cooldown.RecordIdentity, Name: fmt.Sprint("identity-", i)}
		b.Records = append(b.Records, cooldown.Record{Key: key, Switch: cooldown.Switch{At: cooldown.Instant(i + 1), Disabled: true, Why: "over budget"}})
	}
	ends := time.Now().Add(time.Hour).UnixNano()
	for i := range bindings {
		key := selector.SessionKey{Hi: r.Uint64(), Lo: r.Uint64()}
		b.Bindings = append(b.Bindings, state.BoundSession{Key: key, Group: key, Identity: fmt.Sprint("identity-", i%10), Bound: 1, Ends: ends})
	}
	return b
}

func save(t testing.TB, j *journal.Journal, b state.Batch) {
	t.Helper()
	if err := j.Save(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// wantProblem wants an error that names the path, says what is wrong, and says what to do.
func wantProblem(t *testing.T, err error, path, wrong, advice string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), wrong) || !strings.Contains(err.Error(), advice) {
		t.Errorf("error: %v\nwant it to name %s, that %q, and to do %q", err, path, wrong, advice)
	}
}

func TestFilesThatAreNotSoundAreRefused(t *testing.T) {
	sound, _ := filled(t, 50, 2000)
	whole, err := os.ReadFile(sound)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for _, c := range []struct {
		name          string
		content       []byte
		wrong, advice string
	}{
		{"empty", nil, "is empty", "backup"},
		{"cut off in its head", whole[:page/2+100], "is cut off", "backup"},
		{"cut off after its heads", whole[:2*page], "is cut off", "backup"},
		{"cut off in the middle", whole[:len(whole)/2/page*page], "is cut off", "backup"},
		{"a text", []byte(strings.Repeat("listen: {}\n", 1000)), "no state file", "another state.path"},
		{"short", []byte("x"), "no state file", "another state.path"},
		{"zeroes", make([]byte, 4*page), "no state file", "another state.path"},
		{"both heads broken", slicesReplaced(whole, map[int]byte{40: 0xff, page + 40: 0xff}), "damaged", "backup"},
		{"a page of another file", append(bytes.Clone(whole[:2*page]), make([]byte, len(whole)-2*page)...), "damaged", "backup"},
		{"another program's", otherProgram(t), "no state file", "another state.path"},
		{"a newer version's", newer(t), "newer version", "run that version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.db")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := journal.Open(journal.Config{Path: path})
			wantProblem(t, err, path, c.wrong, c.advice)
			if after, _ := os.ReadFile(path); !bytes.Equal(after, c.content) {
				t.Error("the file was changed")
			}
			if names, _ := filepath.Glob(filepath.Dir(path) + "/*"); len(names) != 1 {
				t.Errorf("the folder holds %v", names)
			}
		})
	}
}

// slicesReplaced is content with other bytes in some places.
func slicesReplaced(content []byte, bytesAt map[int]byte) []byte {
	changed := bytes.Clone(content)
	for at, b := range bytesAt {
		changed[at] = b
	}
	return changed
}

func otherProgram(t *testing.T) []byte {
	t.Helper()
	return written(t, func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("meta"))
		if err != nil {
			return err
		}
		return b.Put([]byte("format"), []byte{1})
	})
}

// written is a file of bbolt.
func written(t *testing.T, f func(tx *bbolt.Tx) error) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func newer(t *testing.T) []byte {
	t.Helper()
	path, _ := filled(t, 1, 0)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("meta")).Put([]byte("format"), []byte{4}) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// One head may be half written when a broker is killed: the other one counts.
func TestOneOfTwoHeadsIsEnough(t *testing.T) {
	for _, broken := range []int{40, os.Getpagesize() + 40} {
		path, _ := filled(t, 5, 0)
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content[broken] ^= 0xff
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		notes := 0
		note := func(words string) {
			if notes++; !strings.Contains(words, "heads of "+path) {
				t.Errorf("note: %s", words)
			}
		}
		j := open(t, journal.Config{Path: path, Note: note})
		if err := j.Load(t.Context(), &statetest.Received{}); err != nil || notes != 1 {
			t.Errorf("Load: %v, with %d notes", err, notes)
		}
		save(t, j, batch(6, 10))
		// Saving has mended it.
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		open(t, journal.Config{Path: path})
	}
}

// damaged looks at copies of one file with damage in them.
type damaged struct {
	t     *testing.T
	whole []byte
	holds string
	path  string

	refused, noted int
}

func newDamaged(t *testing.T, records, bindings int) *damaged {
	path, holds := filled(t, records, bindings)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &damaged{t: t, whole: whole, holds: holds.String(), path: path}
}

// try wants a file to be refused with a reason, or repaired with a note, or to be read as it was written.
func (d *damaged) try(content []byte, what string) {
	d.t.Helper()
	// A new file: the one before may still be in memory.
	_ = os.Remove(d.path)
	if err := os.WriteFile(d.path, content, 0o600); err != nil {
		d.t.Fatal(err)
	}
	received := &statetest.Received{}
	var notes []string
	err := useOnce(d.t, d.path, received, func(words string) { notes = append(notes, words) })
	if len(notes) > 0 {
		d.noted++
	}
	headGone := strings.Contains(strings.Join(notes, "; "), "heads")
	onlyRecords := func(text string) string { // bindings are the lines before
		_, text, _ = strings.Cut(text, "{")
		return text
	}
	switch {
	case err != nil:
		if known := (*journal.Problem)(nil); !errors.As(err, &known) || known.Advice == "" {
			d.t.Fatalf("%s: %v, which is no Problem", what, err)
		}
		d.refused++
	case headGone: // it says that what was saved last may be missing
	case len(notes) == 0 && received.String() != d.holds:
		d.t.Fatalf("%s: without a word, what was loaded is not what was saved:\n%.2000q\nwant\n%.2000q", what, received, d.holds)
	case onlyRecords(received.String()) != onlyRecords(d.holds):
		d.t.Fatalf("%s: with %q, what was loaded of records is not what was saved:\n%.2000q\nwant\n%.2000q", what, notes, received, d.holds)
	}
}

// Whatever bytes change: nothing goes missing without a word.
func TestNoDamageIsTakenForState(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out damage at random")
	}
	d := newDamaged(t, 30, 500)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for round := range 400 {
		content := bytes.Clone(d.whole)
		for range 1 + r.IntN(3) {
			at := r.IntN(len(content))
			content[at] ^= 1 << r.IntN(8)
			if r.IntN(4) == 0 { // a whole sector
				copy(content[at/512*512:at/512*512+512], make([]byte, 512))
			}
		}
		d.try(content, fmt.Sprintf("seed %d, round %d", seed, round))
	}
	t.Logf("seed %d: of 400 damaged files %d were refused, and %d were repaired", seed, d.refused, d.noted)
	if d.refused < 20 || d.noted < 20 {
		t.Errorf("seed %d: only %d damaged files were refused, and %d repaired", seed, d.refused, d.noted)
	}
}

// Bits, pages and lengths over the whole file, one at a time.
func TestNoByteOfAFileIsUnguarded(t *testing.T) {
	d := newDamaged(t, 20, 300)
	page := os.Getpagesize()
	used := len(bytes.TrimRight(d.whole, "\x00"))
	// Of every page its head and what describes its first elements; of the rest less.
	step := 5
	if testing.Short() {
		step = 50
	}
	for start := 0; start < used; start += page {
		for bit := 0; bit < 8*64; bit += step {
			d.flip(start+bit/8, bit%8)
		}
	}
	for at := 0; at < used; at += 13 * step {
		d.flip(at, at%8)
	}
	if t.Logf("of %d bytes: %d files were refused, %d repaired", used, d.refused, d.noted); d.refused < 50 || d.noted < 20 {
		t.Error("that proves little")
	}
	for start := 0; start < used; start += page {
		content := bytes.Clone(d.whole)
		clear(content[start:min(start+page, len(content))])
		d.try(content, fmt.Sprintf("page %d is zero", start/page))
	}
	for length := 0; length < len(d.whole); length += 200*step + 9 {
		d.try(d.whole[:length], fmt.Sprintf("cut off after %d bytes", length))
	}
}

func (d *damaged) flip(at, bit int) {
	d.t.Helper()
	content := bytes.Clone(d.whole)
	content[at] ^= 1 << bit
	d.try(content, fmt.Sprintf("bit %d of byte %d in page %d", bit, at%os.Getpagesize(), at/os.Getpagesize()))
}

// records receives no bindings.
type records struct{ statetest.Received }

func (*records) Bindings([]state.BoundSession) {}

// useOnce opens a file, loads what it holds and saves something.
func useOnce(t *testing.T, path string, into state.Sink, note func(words string)) error {
	j, err := journal.Open(journal.Config{Path: path, Note: note})
	if err != nil {
		return err
	}
	defer j.Close()
	if keys, err := j.Keys(t.Context(), state.Keys{}); err != nil || keys != fixtureKeys() {
		return errors.Join(err, errKeys)
	}
	if err := j.Load(t.Context(), into); err != nil {
		return err
	}
	return j.Save(t.Context(), batch(10, 50))
}

var errKeys = errors.New("the keys are others")

func TestBindingsThatCannotBeReadAreDroppedWithANote(t *testing.T) {
	path, _ := filled(t, 3, 100)
	holds := &records{}
	holds.Records(batch(3, 0).Records)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("bindings"))
		first, value := b.Cursor().First()
		first, value = bytes.Clone(first), bytes.Clone(value)
		second := append(bytes.Clone(first[:15]), first[15]^1)
		value[21] = 99 // an identity that there is none of
		return errors.Join(b.Put(first, value[:7]), b.Put(second, value), b.Put([]byte("short"), value))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	var notes []string
	j := open(t, journal.Config{Path: path, Note: func(words string) { notes = append(notes, words) }})
	received := &records{}
	if err := j.Load(t.Context(), received); err != nil || received.String() != holds.String() {
		t.Errorf("Load: %v, hands over\n%s", err, received)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "3 bindings") || !strings.Contains(notes[0], path) {
		t.Errorf("notes: %q", notes)
	}
	save(t, j, batch(0, 200)) // what cannot be read is not in the way
}

func TestARecordThatIsDamagedIsNamed(t *testing.T) {
	path, _ := filled(t, 3, 0)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.ReplaceAll(content, []byte(`"disabled":true`), []byte(`"disabled":fals`)), 0o600); err != nil {
		t.Fatal(err)
	}
	j := open(t, journal.Config{Path: path})
	err = j.Load(t.Context(), &statetest.Received{})
	wantProblem(t, err, path, "identity:identity-0", "backup")
	err = j.Save(t.Context(), batch(1, 0))
	wantProblem(t, err, path, "identity:identity-0", "backup")
	if !errors.Is(err, state.ErrDamaged) {
		t.Errorf("Save: %v, want ErrDamaged", err)
	}
}

func TestAFileInUseIsRefused(t *testing.T) {
	path, _ := filled(t, 3, 0)
	first := open(t, journal.Config{Path: path})
	_, err := journal.Open(journal.Config{Path: path, LockTimeout: 50 * time.Millisecond})
	wantProblem(t, err, path, "locked by another process", "another state.path")
	if !errors.Is(err, journal.ErrLocked) {
		t.Errorf("Open: %v, want ErrLocked", err)
	}
	// Whoever stops in time hands it over.
	done := make(chan error, 1)
	go func() {
		second, err := journal.Open(journal.Config{Path: path, LockTimeout: 20 * time.Second})
		if err == nil {
			err = second.Close()
		}
		done <- err
	}()
	save(t, first, batch(4, 0))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Open once it is free: %v", err)
	}
}

func TestAFolderMustBeThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "nowhere", "state.db")
	_, err := journal.Open(journal.Config{Path: path})
	wantProblem(t, err, path, "no such file", "folder must be there")
	_, err = journal.Open(journal.Config{Path: filepath.Dir(filepath.Dir(path))})
	wantProblem(t, err, filepath.Dir(filepath.Dir(path)), "", "")
}

func TestOnlyTheOwnerMayReadTheFile(t *testing.T) {
	path, _ := filled(t, 1, 0)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	left, err := fs.Glob(os.DirFS(filepath.Dir(path)), ".*")
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left of making it, %v", left, err)
	}
}
