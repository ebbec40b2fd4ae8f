package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// inTrash are the files in the trash of the folder auths, relative to it. Nobody else may read them.
func (s *scene) inTrash() string {
	s.t.Helper()
	var found []string
	err := fs.WalkDir(os.DirFS(s.path("auths")), trashFolder, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			s.t.Errorf("%s in the trash has mode %v, %v", name, info.Mode(), err)
		}
		if !e.IsDir() {
			found = append(found, strings.TrimPrefix(name, trashFolder+"/"))
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	slices.Sort(found)
	return strings.Join(found, " ")
}

func TestTrashKeepsWhatGoes(t *testing.T) {
	const account = `{"type":"claude","access_token":"at","refresh_token":"rt"}`
	s := newScene(t, map[string]string{
		"c.yaml": "auth_dirs: [auths]", "auths/team/a.json": account, "auths/b.json": account, "outside/c.json": account,
		"auths/broken.json": "{", "auths/memory.json": key("k"),
	})
	s.link("../outside/c.json", "auths/c.json")
	s.source.Reload()
	const now = "20260201T120000.000000000Z"
	steps := []struct {
		name   string
		change func() error
		want   string // new in the trash
	}{
		{"a deleted file", func() error { return s.source.Delete(t.Context(), "team/a.json") }, now + "/team/a.json.old"},
		{"what keeps the secret", func() error { s.put("b.json", `{"type":"claude","note":"n"}`); return nil }, ""},
		{"what brings a secret", func() error { s.put("b.json", key("k")); return nil }, now + "-1/b.json.old"},
		{"a link", func() error { return s.source.Delete(t.Context(), "c.json") }, ""},
		{"a broken file", func() error { s.put("broken.json", key("k")); return nil }, now + "-2/broken.json.old"},
		{"a new file", func() error { s.put("new", key("k")); return nil }, ""},
	}
	var want []string
	for _, step := range steps {
		if err := step.change(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if step.want != "" {
			want = append(want, step.want)
			slices.Sort(want)
		}
		if got := s.inTrash(); got != strings.Join(want, " ") {
			t.Errorf("%s: the trash holds %s, want %s", step.name, got, want)
		}
	}
	if got := s.read("auths/.trash/" + now + "/team/a.json.old"); got != account {
		t.Errorf("the trash has %s, want the file as it was", got)
	}
	// Whatever it is called, it is no auth there.
	s.rename("auths/.trash/"+now+"/team/a.json.old", "auths/.trash/"+now+"/a.json")
	s.source.Reload()
	if s.ids() != "b.json broken.json memory.json new" {
		t.Errorf("auths are %s", s.ids())
	}
	s.rename("auths/.trash/"+now+"/a.json", "auths/team/a.json")
	s.source.Reload()
	if !s.sends("team/a.json", "oauth-2025-04-20") {
		t.Errorf("brought back, the auth is %+v", s.auth("team/a.json"))
	}
	s.wantProblems()
}

func TestTrashEnds(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]\ntrash: {ttl: 2h}", "auths/a.json": key("a"), "auths/b.json": key("b")})
	if err := s.source.Delete(t.Context(), "a.json"); err != nil {
		t.Fatal(err)
	}
	// What people put there stays.
	for _, other := range []string{"notes", "20260201", "20260201T120000.000000000Z"} {
		s.write("auths/.trash/"+other+".txt", "")
	}
	f := s.source.folders[0]
	for _, test := range []struct {
		after time.Duration
		files int
	}{{-time.Hour, 4}, {2*time.Hour - 1, 4}, {2 * time.Hour, 3}, {1000 * time.Hour, 3}} {
		f.sweep(testTime.Add(test.after), 2*time.Hour)
		if got := strings.Fields(s.inTrash()); len(got) != test.files {
			t.Errorf("after %v the trash holds %q, want %d files", test.after, got, test.files)
		}
	}
	// Without a time to live nothing comes, and what is there goes.
	s.write("c.yaml", "auth_dirs: [auths]\ntrash: {ttl: 0s}")
	s.source.Reload()
	s.write("auths/.trash/20260201T110000.000000000Z/x.json.old", "")
	s.source.sweepTrash()
	if err := s.source.Delete(t.Context(), "b.json"); err != nil || len(strings.Fields(s.inTrash())) != 3 {
		t.Errorf("Delete: %v, and the trash holds %s", err, s.inTrash())
	}
	s.wantProblems()
}

func TestTrashIsBounded(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": key("a")})
	at := func(i int) string {
		return "auths/.trash/" + testTime.Add(time.Duration(i)*time.Second).Format(trashTime) + "/" + fmt.Sprint(i) + ".json.old"
	}
	for i := range maxTrashFiles + 3 {
		s.write(at(i-2000), "")
	}
	if err := s.source.Delete(t.Context(), "a.json"); err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(s.inTrash())
	if len(names) != maxTrashFiles || !strings.HasSuffix(names[0], "/-1996.json.old") || !strings.HasSuffix(names[len(names)-1], "/a.json.old") {
		t.Errorf("the trash holds %d files from %s to %s, want the newest %d", len(names), names[0], names[len(names)-1], maxTrashFiles)
	}
	for i := range 3 {
		s.write(at(i+1), "")
		if err := os.Truncate(s.path(at(i+1)), maxTrashBytes/2); err != nil {
			t.Fatal(err)
		}
	}
	s.source.sweepTrash()
	if names := strings.Fields(s.inTrash()); len(names) != 2 || filepath.Base(names[0]) != "2.json.old" {
		t.Errorf("the trash holds %q, want the two newest of half its size", names[:min(len(names), 3)])
	}
	s.wantProblems()
}

// What cannot be kept does not go.
func TestTrashThatCannotBeWritten(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": key("a"), "auths/.trash": ""})
	before := s.read("auths/a.json")
	if err := s.source.Delete(t.Context(), "a.json"); err == nil || !strings.Contains(err.Error(), "keep a copy in .trash") {
		t.Errorf("Delete: %v, want the reason", err)
	}
	if _, err := s.source.Put(t.Context(), "a.json", []byte(key("b"))); err == nil {
		t.Error("Put: no error")
	}
	if s.read("auths/a.json") != before || s.takeUpdates() != "" {
		t.Error("the file is not as it was")
	}
	s.source.sweepTrash()
	s.wantProblems("auths/.trash: cannot be emptied: ")
}
