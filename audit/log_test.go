package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened is a log in a file, which is closed when the test ends.
func opened(t *testing.T, c Config) *Log {
	t.Helper()
	if c.MaxSize == 0 {
		c.MaxSize = 1 << 20
	}
	l, err := Open(c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func filesOf(t *testing.T, path string) []string {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// wantReport verifies the files of a log, in which nothing may be wrong.
func wantReport(t *testing.T, path string, key []byte, lines int64) *Report {
	t.Helper()
	r, err := Verify(filesOf(t, path), key, Point{})
	if err != nil || r.Faults > 0 || r.Lines != lines {
		t.Errorf("Verify: %+v, %v, want %d lines and no fault", r, err, lines)
	}
	return r
}

// Many write at once, files are rotated, the log is opened again and again, and the chain goes over all of it.
func TestLogGoesOn(t *testing.T) {
	path, key := filepath.Join(t.TempDir(), "audit.jsonl"), []byte("a key of the test")
	const opens, writers, each = 3, 4, 200
	for range opens {
		l := opened(t, Config{Path: path, MaxSize: 20_000, Key: key})
		l.Write(&Entry{Action: ActionStart})
		var all sync.WaitGroup
		for w := range writers {
			all.Go(func() {
				for i := range each {
					slot, err := l.Reserve()
					if err != nil {
						t.Error(err)
						return
					}
					slot.Write(&Entry{Action: "PickCredential", RequestID: strconv.Itoa(w) + "-" + strconv.Itoa(i)})
					slot.Free()
				}
			})
		}
		all.Wait()
		l.Write(&Entry{Action: ActionStop})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if stats := l.Stats(); stats.Written != writers*each+2 || stats.Dropped != 0 || stats.Failing || l.taken != 0 {
			t.Errorf("Stats() = %+v, %d taken", stats, l.taken)
		}
	}
	if r := wantReport(t, path, key, opens*(writers*each+2)); len(r.Findings) > 0 {
		t.Errorf("findings: %v", r.Findings)
	}
	files := filesOf(t, path)
	if len(files) < 10 {
		t.Errorf("%d files, want them rotated", len(files))
	}
	for _, name := range files {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 || info.Size() > 21_000 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	if _, err := Open(Config{Path: path, MaxSize: 1 << 20}); err == nil || !strings.Contains(err.Error(), "another key") {
		t.Errorf("Open without the key: %v, want it refused", err)
	}
}

func TestKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	l := opened(t, Config{Path: path, MaxSize: 300, Keep: 2})
	for range 20 {
		l.Write(&Entry{Action: "PickCredential"})
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if files := filesOf(t, path); len(files) != 3 {
		t.Errorf("files %v, want the last and two more", files)
	}
	r, err := Verify(filesOf(t, path), nil, Point{})
	if err != nil || r.Faults > 0 || r.Last.Seq != 20 {
		t.Errorf("Verify: %+v, %v", r, err)
	}
}

// What a broker that was killed leaves behind is gone on with: part of a line, or no file between two.
func TestOpenAfterAKill(t *testing.T) {
	lines := linesOf(t, nil, 3, "a")
	for _, tt := range []struct {
		name  string
		files map[string]string
		lines int64
		note  string
	}{
		{"part of a line", map[string]string{"": lines[0] + lines[1] + lines[2][:50]}, 3, "50 bytes"},
		{"only part of a line", map[string]string{"": lines[0][:50]}, 1, "50 bytes"},
		{"part of a first line behind a file", map[string]string{".00000000000000000001": lines[0] + lines[1], "": lines[2][:50]}, 3, "50 bytes"},
		{"no file behind a rotated one", map[string]string{".00000000000000000001": lines[0] + lines[1]}, 3, ""},
		{"an empty one", map[string]string{".00000000000000000001": lines[0] + lines[1], "": ""}, 3, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			for name, text := range tt.files {
				if err := os.WriteFile(path+name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			note := ""
			l := opened(t, Config{Path: path, Note: func(what string) { note = what }})
			l.Write(&Entry{Action: ActionStart})
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			wantReport(t, path, nil, tt.lines)
			if !strings.Contains(note, tt.note) || (note == "") != (tt.note == "") {
				t.Errorf("note %q, want %q", note, tt.note)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	lines := linesOf(t, nil, 2, "a")
	for _, tt := range []struct{ name, text, want string }{
		{"a last line that was changed", lines[0] + strings.Replace(lines[1], "stop", "stay", 1), "was changed"},
		{"another file", "key: value\n", "was changed"},
		{"a large one without lines", strings.Repeat("x", maxLine+1), "is no audit log"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(Config{Path: path, MaxSize: 1 << 20}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Open: %v, want %q", err, tt.want)
			}
			if text, err := os.ReadFile(path); err != nil || string(text) != tt.text {
				t.Errorf("the file is another one now (%v)", err)
			}
		})
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	opened(t, Config{Path: path})
	if _, err := Open(Config{Path: path, MaxSize: 1 << 20}); err == nil || !strings.Contains(err.Error(), "another broker") {
		t.Errorf("Open of a file that is written: %v, want it refused", err)
	}
}

// stuck is a log whose file cannot be written until it is mended.
func stuck(t *testing.T, drop bool) (l *Log, path string, mend func()) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "audit.jsonl")
	health := make(chan error, 100)
	l = opened(t, Config{Path: path, Drop: drop, Health: func(err error) { health <- err }})
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	l.Write(&Entry{Action: "first"})
	if err := <-health; err == nil {
		t.Fatal("Health was told nil")
	}
	return l, path, func() {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := <-health; err != nil {
			t.Fatalf("Health was told %v, want nil", err)
		}
	}
}

// Without a disk, room is reserved as long as there is some, and nothing is lost.
func TestRefuse(t *testing.T) {
	l, path, mend := stuck(t, false)
	n := int64(1)
	for {
		slot, err := l.Reserve()
		if err != nil {
			if !errors.Is(err, ErrFull) || n != maxWaiting {
				t.Fatalf("Reserve after %d: %v", n, err)
			}
			break
		}
		slot.Write(&Entry{Action: "PickCredential"})
		slot.Free()
		n++
	}
	l.Write(&Entry{Action: "no room"})
	mend()
	slot, err := l.Reserve()
	if err != nil {
		t.Fatalf("Reserve when the disk works again: %v", err)
	}
	slot.Free()
	slot.Free()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if stats := l.Stats(); stats.Dropped != 1 || l.taken != 0 {
		t.Errorf("Stats() = %+v, %d taken, want one dropped and none", stats, l.taken)
	}
	r := wantReport(t, path, nil, n+1)
	if !strings.Contains(r.Findings[0].Text, "1 entries were dropped here") {
		t.Errorf("findings %v, want the gap", r.Findings)
	}
}

// With Drop nobody is refused, and the chain says how many are missing.
func TestDrop(t *testing.T) {
	l, path, mend := stuck(t, true)
	for range maxWaiting + 9 {
		slot, err := l.Reserve()
		if err != nil {
			t.Fatal(err)
		}
		slot.Write(&Entry{Action: "PickCredential"})
	}
	mend()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r := wantReport(t, path, nil, maxWaiting+1)
	if !strings.Contains(r.Findings[0].Text, "10 entries were dropped here") {
		t.Errorf("findings %v, want the gap", r.Findings)
	}
}

func TestCloseSaysWhatIsLost(t *testing.T) {
	l, _, _ := stuck(t, false)
	if err := l.Close(); err == nil || !strings.Contains(err.Error(), "1 entries of the audit log are lost") {
		t.Errorf("Close: %v", err)
	}
}

// Others who move the file or add to it are noted, and the chain goes on.
func TestTouchedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	notes := make(chan string, 10)
	l := opened(t, Config{Path: path, Note: func(what string) { notes <- what }})
	written := func(n int64) {
		t.Helper()
		l.Write(&Entry{Action: "PickCredential"})
		deadline := time.Now().Add(time.Minute)
		for l.Stats().Written < n {
			if time.Now().After(deadline) {
				t.Fatal("nothing is written")
			}
		}
	}
	written(1)
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	written(2)
	if note := <-notes; !strings.Contains(note, "was moved or removed") {
		t.Errorf("note %q", note)
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString("junk\n")
	_ = f.Close()
	written(3)
	if note := <-notes; !strings.Contains(note, "was changed by somebody else") {
		t.Errorf("note %q", note)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(filesOf(t, path), nil, Point{})
	if err != nil || r.Faults != 1 || r.Last.Seq != 3 {
		t.Errorf("Verify: %+v, %v, want one fault and three lines", r, err)
	}
}

func TestNilLog(t *testing.T) {
	var l *Log
	slot, err := l.Reserve()
	slot.Write(&Entry{})
	slot.Free()
	l.Write(&Entry{})
	if err := errors.Join(err, l.Close()); err != nil || l.Stats() != (Stats{}) {
		t.Errorf("a nil log: %v, %+v", err, l.Stats())
	}
}
