package config

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// noRescan leaves everything to events, in hours that no test has.
var noRescan = pace{debounce: 20 * time.Millisecond, again: 50 * time.Millisecond, last: 100 * time.Millisecond, rescan: 24 * time.Hour}

// run follows changes until the test ends, and returns once everything is watched.
func (s *scene) run(p pace) {
	s.t.Helper()
	s.source.pace = p
	ctx, cancel := context.WithCancel(s.t.Context())
	done := make(chan error, 1)
	go func() { done <- s.source.Run(ctx) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	})
	// This one is written before or after Run begins to watch; it is seen either way.
	s.write("c.yaml", s.read("c.yaml")+"\n# touched\nsessions: {ttl: 3h}\n")
	s.until("the first change", func() bool { return s.source.Config().Sessions.TTL.Hours() == 3 })
	s.takeUpdates()
}

func (s *scene) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s *scene) untilIDs(want string) {
	s.t.Helper()
	s.until("auths "+want, func() bool { return s.ids() == want })
}

func (s *scene) untilNote(id, want string) {
	s.t.Helper()
	s.until(id+" with the note "+want, func() bool { a := s.auth(id); return a != nil && a.Note == want })
}

func (s *scene) untilProblems(want string) {
	s.t.Helper()
	s.until("problems "+want, func() bool { return s.problems() == want })
}

func note(text string) string { return fmt.Sprintf(`{"type":"claude","api_key":"k","note":%q}`, text) }

func TestRunSeesAuthFiles(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": note("1"), "auths/b.json": note("1")})
	s.run(noRescan)
	s.replace("auths/a.json", note("2"))
	s.untilNote("a.json", "2")
	s.write("auths/a.json", note("3"))
	s.untilNote("a.json", "3")
	s.write("auths/team/new/c.json", note("1"))
	s.untilIDs("a.json b.json team/new/c.json")
	s.write("auths/team/new/c.json", note("2"))
	s.untilNote("team/new/c.json", "2")
	s.rename("auths/team", "auths/crew")
	s.untilIDs("a.json b.json crew/new/c.json")
	s.write("auths/crew/new/c.json", note("3"))
	s.untilNote("crew/new/c.json", "3")
	s.remove("auths/crew")
	s.untilIDs("a.json b.json")
	s.remove("auths/b.json")
	s.untilIDs("a.json")
	if updates := s.takeUpdates(); strings.Count(updates, "+b.json") != 0 {
		t.Errorf("updates are %q, want none that puts b.json", updates)
	}
}

func TestRunSeesTheConfigurationFile(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auths: [{id: a, provider: claude, secret: {file: keys/a}}]", "keys/a": "1"})
	s.run(noRescan)
	before := s.read("c.yaml")
	s.replace("c.yaml", strings.ReplaceAll(before, "id: a", "id: b"))
	s.untilIDs("b")
	s.write("keys/a", "2")
	s.until("a new secret", func() bool { return s.takeUpdates() == "+b" })
	s.remove("c.yaml")
	s.untilProblems("c.yaml: cannot be read: no such file or directory")
	s.write("c.yaml", before)
	s.untilIDs("a")
	s.untilProblems("")
	s.write("c.yaml", strings.ReplaceAll(before, "keys/a", "keys/later"))
	s.untilProblems("c.yaml:1: auths[0].secret.file: the file " + "keys/later cannot be read: no such file or directory")
	s.write("keys/later", "3")
	s.untilProblems("")
	s.untilIDs("a")
}

// A file that is written in two steps is not called broken in between.
func TestRunWaitsForHalfWrittenFiles(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": note("1")})
	slow := noRescan
	slow.last = 24 * time.Hour
	s.run(slow)
	s.mu.Lock()
	s.reloads = nil
	s.mu.Unlock()
	whole := note("2")
	s.write("auths/a.json", whole[:10])
	s.write("auths/b.json", note("1")) // a sign that the half was seen
	s.untilIDs("a.json b.json")
	s.write("auths/a.json", whole)
	s.untilNote("a.json", "2")
	s.write("c.yaml", "auth_dirs: [auths")
	s.write("auths/c.json", note("1"))
	s.untilIDs("a.json b.json c.json")
	s.write("c.yaml", "auth_dirs: [auths]\nsessions: {ttl: 5h}")
	s.until("the whole file", func() bool { return s.source.Config().Sessions.TTL.Hours() == 5 })
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.reloads {
		if len(r.New) > 0 {
			t.Errorf("problems were told: %v", r.New)
		}
	}
}

func TestRunRefusesBrokenFilesInTheEnd(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": note("1"), "auths/b.json": note("1")})
	s.run(noRescan)
	s.write("auths/a.json", `{"type":`)
	s.untilProblems("auths/a.json:1: is not JSON: it ends too early")
	s.write("auths/b.json", note("2"))
	s.untilNote("b.json", "2")
	if got := s.auth("a.json"); got == nil || got.Note != "1" {
		t.Errorf("a.json is %v, want its last good version", got)
	}
	s.write("auths/a.json", note("2"))
	s.untilProblems("")
	s.untilNote("a.json", "2")
}

// Kubernetes mounts a volume as links to files below `..data`, a link to a folder that is swapped by a rename.
func (s *scene) swap(mount, version string) {
	s.t.Helper()
	s.link(".."+version, mount+"..data_tmp")
	s.rename(mount+"..data_tmp", mount+"..data")
}

func TestRunSeesSwappedVolumeOfTheConfiguration(t *testing.T) {
	s := &scene{target: newTarget(t), dir: t.TempDir()}
	volume := func(version string) {
		s.write(".."+version+"/c.yaml", "auths: [{id: y, provider: claude, note: \""+version+"\", secret: {file: key}}]\nauth_dirs: [auths]\n")
		s.write(".."+version+"/key", "sk-"+version)
		s.write(".."+version+"/auths/b.json", note(version))
	}
	volume("1")
	s.swap("", "1")
	for _, name := range []string{"c.yaml", "key", "auths"} {
		s.link("..data/"+name, name)
	}
	s.open()
	s.run(noRescan)
	before := "1"
	for _, version := range []string{"2", "3"} {
		volume(version)
		s.swap("", version)
		s.remove(".." + before)
		s.untilNote("y", version)
		s.untilNote("b.json", version)
		before = version
	}
	// Only the secret changes.
	old := s.auth("y")
	s.write("..4/c.yaml", s.read("c.yaml"))
	s.write("..4/key", "sk-4")
	s.write("..4/auths/b.json", note("3"))
	s.swap("", "4")
	s.until("the new secret", func() bool { return s.auth("y") != old })
	s.untilProblems("")
}

func TestRunSeesSwappedVolumeOfAuths(t *testing.T) {
	s := &scene{target: newTarget(t), dir: t.TempDir()}
	volume := func(version string) {
		s.write("mount/.."+version+"/a.json", note(version))
		s.write("mount/.."+version+"/sub/b.json", note(version))
	}
	volume("1")
	s.swap("mount/", "1")
	s.link("..data/a.json", "mount/a.json")
	s.link("..data/sub", "mount/sub")
	s.write("c.yaml", "auth_dirs: [mount]")
	s.open()
	if want := "a.json sub/b.json"; s.ids() != want {
		t.Fatalf("auths are %q, want %q", s.ids(), want)
	}
	s.run(noRescan)
	before := "1"
	for _, version := range []string{"2", "3"} {
		volume(version)
		s.swap("mount/", version)
		s.remove("mount/.." + before)
		s.untilNote("a.json", version)
		s.untilNote("sub/b.json", version)
		before = version
	}
	// The folder that the link leads to is watched as well.
	s.write("mount/..3/sub/c.json", note("1"))
	s.untilIDs("a.json sub/b.json sub/c.json")
}

func TestRunSeesWhatLinksOutOfTheFolderLeadTo(t *testing.T) {
	s := &scene{target: newTarget(t), dir: t.TempDir()}
	volume := func(version string) {
		s.write("mount/.."+version+"/a.json", note(version))
		s.write("mount/.."+version+"/sub/b.json", note(version))
	}
	volume("1")
	s.swap("mount/", "1")
	s.write("home/c.json", note("1"))
	s.write("auths/d.json", note("1"))
	s.link("../mount/..data/a.json", "auths/a.json")
	s.link("../mount/..data/sub", "auths/team")
	s.link("../home/c.json", "auths/c.json")
	s.write("c.yaml", "auth_dirs: [auths]")
	s.open()
	s.run(noRescan)
	before := "1"
	for _, version := range []string{"2", "3"} {
		volume(version)
		s.swap("mount/", version)
		s.remove("mount/.." + before)
		s.untilNote("a.json", version)
		s.untilNote("team/b.json", version)
		before = version
	}
	s.write("home/c.json", note("2"))
	s.untilNote("c.json", "2")
	s.replace("home/c.json", note("3"))
	s.untilNote("c.json", "3")
	if got, want := s.ids(), "a.json c.json d.json team/b.json"; got != want {
		t.Errorf("auths are %q, want %q", got, want)
	}
}

func TestRunSeesFoldersComeAndGo(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [later, auths]", "auths/a.json": note("1")})
	s.run(noRescan)
	s.wantProblems("later: cannot be read: no such file or directory")
	s.write("later/b.json", note("1"))
	s.untilIDs("a.json b.json")
	s.untilProblems("")
	s.rename("auths", "away")
	s.untilProblems("auths: cannot be read: no such file or directory")
	s.write("later/c.json", note("1"))
	s.untilIDs("a.json b.json c.json")
	s.rename("away", "auths")
	s.untilProblems("")
	s.write("c.yaml", "auth_dirs: [later]\nsessions: {ttl: 3h}")
	s.untilIDs("b.json c.json")
}

// Without events, a scan now and then finds what changed.
func TestRunLooksWithoutEvents(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auths: [{id: y, provider: claude, secret: {file: key}}]\nauth_dirs: [auths]", "key": "1", "auths/a.json": note("1")})
	source := s.source
	source.pace = pace{debounce: time.Millisecond, again: time.Millisecond, last: time.Millisecond, rescan: 20 * time.Millisecond}
	w := &watcher{faults: map[string]Problem{}, every: source.pace.rescan} // the system has none to give
	source.watcher = w
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { source.follow(ctx, w); close(done) }()
	defer func() { cancel(); <-done }()

	s.write("auths/a.json", note("22"))
	s.untilNote("a.json", "22")
	s.write("auths/b.json", note("1"))
	s.untilIDs("a.json b.json y")
	s.remove("auths/b.json")
	s.untilIDs("a.json y")
	s.write("auths/a.json", "{")
	s.untilProblems("auths/a.json:1: is not JSON: it ends too early")
	before := s.auth("y")
	s.write("key", "other")
	s.until("the new secret", func() bool { return s.auth("y") != before })
}

// When the system lost events, everything is scanned.
func TestRunSurvivesLostEvents(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": note("1")})
	s.run(noRescan)
	s.source.changing.Lock()
	w := s.source.watcher
	s.source.changing.Unlock()
	if err := w.notify.Remove(s.path("auths")); err != nil {
		t.Fatal(err)
	}
	s.write("auths/a.json", note("22"))
	w.notify.Errors <- fsnotify.ErrEventOverflow
	s.untilNote("a.json", "22")
	// The folder is watched again.
	s.write("auths/a.json", note("3"))
	s.untilNote("a.json", "3")
}

func TestConcerns(t *testing.T) {
	s := newScene(t, map[string]string{
		"c.yaml": "auths: [{id: a, provider: claude, secret: {file: keys/a}}]\nauth_dirs: [auths, linked]", "keys/a": "1", "auths/a.json": note("1"),
		"real/b.json": note("1"), "auths/.old/d.json": note("1"), "home/e.json": note("1"),
	})
	s.link("real", "linked")
	s.link(".old/d.json", "auths/d.json")
	s.link("../home/e.json", "auths/e.json")
	s.source.Reload()
	for path, want := range map[string]bool{
		"c.yaml": true, "keys/a": true, "c.yaml.swp": false, "credbroker.db": false, "keys/b": false, "keys": false, "other/a.json": false,
		"auths": true, "auths/a.json": true, "auths/x/y.json": true, "auths/team": true, "auths/.a.json.tmp": false,
		"auths/..data": true, "auths/sub/..data": true, "linked": true, "linked/b.json": true, "real": true,
		"auths/.old/d.json": true, "auths/.old/x.json": false, "home/e.json": true, "home/x.json": false,
	} {
		if got := s.source.concerns(s.path(path)); got != want {
			t.Errorf("concerns(%s) = %t, want %t", path, got, want)
		}
	}
}

func TestRunTwice(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "log: {}"})
	s.run(noRescan)
	if err := s.source.Run(t.Context()); err == nil {
		t.Error("a second Run runs beside the first")
	}
}

func TestWatcherFaults(t *testing.T) {
	w := newWatcher(30 * time.Second)
	defer func() { _ = w.close() }()
	w.watch("testdata")
	w.watch("testdata/none")
	if got := w.problems(); len(got) != 0 {
		t.Errorf("problems are %v, want none", got)
	}
	w.fault("testdata", os.ErrPermission)
	const want = "testdata: cannot be watched, so changes are seen every 30s only: permission denied"
	if got := w.problems().Error(); got != want {
		t.Errorf("problems are %q, want %q", got, want)
	}
	w.watch("testdata")
	if !w.retain(map[string]bool{"testdata/none": true}) || w.retain(map[string]bool{"testdata/none": true}) {
		t.Error("retain does not tell whether it ended the watching of a folder")
	}
	if got := w.problems(); len(got) != 0 {
		t.Errorf("problems are %v, want none", got)
	}
}
