package journal_test

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/credbroker/credbroker/state"
	"github.com/credbroker/credbroker/state/journal"
	"github.com/credbroker/credbroker/state/statetest"
)

// asNobody calls f as a user who may do nothing, if this process may do everything.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if _, _, err := syscall.RawSyscall(syscall.SYS_SETFSUID, nobody, 0, 0); int(err) != 0 {
			done <- err
			return
		}
		f()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatCannotBeWrittenIsRefused(t *testing.T) {
	path, _ := filled(t, 1, 0)
	for _, folder := range []string{filepath.Dir(filepath.Dir(path)), filepath.Dir(path)} {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	var old, fresh error
	asNobody(t, func() {
		_, old = journal.Open(journal.Config{Path: path})
		if os.Geteuid() == 0 {
			_, fresh = journal.Open(journal.Config{Path: path + ".2"})
		}
	})
	wantProblem(t, old, path, "permission denied", "read and write")
	if os.Geteuid() == 0 {
		wantProblem(t, fresh, path, "permission denied", "read and write")
	}
}

// A file that is to be written anew, but not because something is lost, is saved to as long as that cannot be done.
func TestAWornFileIsSavedTo(t *testing.T) {
	path := worn(t)
	j := open(t, journal.Config{Path: path, Note: func(string) {}})
	if err := j.Load(t.Context(), &statetest.Received{}); err != nil {
		t.Fatal(err)
	}
	memory := &remembered{records: batch(4, 0).Records}
	j.RenewFrom(memory.Records, memory.Renewed)
	for folder := filepath.Dir(path); folder != os.TempDir() && folder != "/"; folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o555); err != nil { // so that nobody makes a file there
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(filepath.Dir(path), 0o700) })
	asNobody(t, func() {
		if err := j.Save(t.Context(), batch(4, 0)); err != nil {
			t.Errorf("Save: %v", err)
		}
		wantProblem(t, j.Check(t.Context()), path, "permission denied", "read and write")
	})
	received, want := &records{}, &records{}
	want.Records(memory.records)
	if err := j.Load(t.Context(), received); err != nil || received.String() != want.String() {
		t.Errorf("Load: %v, hands over\n%s\nwant\n%s", err, received, want)
	}
}

// inFullDisk tells a copy of this test that it may write no file beyond a size.
const inFullDisk = "CREDBROKER_TEST_FULL_DISK"

// A limit on the size of files stands for a full disk: writing fails in the same places, with another number.
func TestAFullDiskIsSaidAndSurvived(t *testing.T) {
	if path := os.Getenv(inFullDisk); path != "" {
		fillDisk(t, path)
		return
	}
	path, _ := filled(t, 20, 500)
	// The limit cannot be taken back, so another process has it.
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	child.Env = append(os.Environ(), inFullDisk+"="+path)
	out, err := child.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "saving failed") {
		t.Fatalf("%v\n%s", err, out)
	}
	j := open(t, journal.Config{Path: path})
	received := &records{}
	if err := j.Load(t.Context(), received); err != nil {
		t.Fatal(err)
	}
	for _, r := range batch(20, 0).Records {
		if got := received.Record(r.Key); got.Switch != r.Switch {
			t.Errorf("what was saved of %s before is %+v, want %+v", r.Key.Name, got.Switch, r.Switch)
		}
	}
}

func fillDisk(t *testing.T, path string) {
	signal.Ignore(syscall.SIGXFSZ)
	j := open(t, journal.Config{Path: path})
	ended := batch(0, 500)
	for i := range ended.Bindings {
		ended.Bindings[i].Identity = "" // so that there is some room left in the file
	}
	save(t, j, ended)
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	limit := uint64(info.Size())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
		t.Fatal(err)
	}
	big := batch(2000, 2000)
	for i := range big.Bindings {
		big.Bindings[i].Identity = "seen for the first time"
	}
	err = j.Save(t.Context(), big)
	wantProblem(t, err, path, "file too large", "make room")
	if t.Failed() {
		return
	}
	t.Log("saving failed")
	// What fits is saved all the same, and what was there can be read.
	small := state.Batch{Records: batch(1, 0).Records}
	small.Records[0].Cleared = 7
	small.Bindings = big.Bindings[:1]
	save(t, j, small)
	received := &statetest.Received{}
	if err := j.Load(t.Context(), received); err != nil {
		t.Errorf("Load: %v", err)
	}
	want := small.Bindings[0]
	if got, ok := received.Binding(want.Key); !ok || got != want {
		t.Errorf("Load hands over %+v, %v, want %+v", got, ok, want)
	}
}
