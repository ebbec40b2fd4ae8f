package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/credbroker/credbroker/internal/authdoc"
)

const twoAuths = `
auths:
  - {id: y1, provider: claude, secret: {value: sk-1}}
  - {id: y2, provider: claude, secret: {value: sk-2}}
auth_dirs: [auths]
`

func TestOpenLoadsEverything(t *testing.T) {
	s := newScene(t, map[string]string{
		"c.yaml": twoAuths, "auths/a.json": key("a"), "auths/team/b.json": key("b"), "auths/.hidden.json": key("h"),
		"auths/.git/c.json": key("c"), "auths/notes.txt": "no auth", "auths/broken.json": `{"type":"claude"`,
	})
	if want := "a.json team/b.json y1 y2"; s.ids() != want {
		t.Errorf("auths are %q, want %q", s.ids(), want)
	}
	s.wantProblems("auths/broken.json:1: is not JSON: it ends too early")
	status := s.source.Status()
	if status.Generation != 1 || !status.LoadedAt.Equal(testTime) || status.Path != s.path("c.yaml") {
		t.Errorf("Status() = %+v, want generation 1 now from the file", status)
	}
	if c := s.source.Config(); c.AuthDirs[0] != s.path("auths") {
		t.Errorf("Config() = %+v, want the folder beside the file", c)
	}
}

func TestOpenWithoutFile(t *testing.T) {
	source, err := Open("", Options{})
	if err != nil {
		t.Fatal(err)
	}
	source.Attach(newTarget(t), testKey)
	if status := source.Status(); status.Generation != 1 || status.Path != "" || status.ProblemCount != 0 {
		t.Errorf("Status() = %+v, want generation 1 and nothing else", status)
	}
	source.Reload()
	if status := source.Status(); status.Generation != 1 {
		t.Errorf("after a reload: %+v, want generation 1", status)
	}
}

func TestOpenRefusesProblems(t *testing.T) {
	_, err := Open("testdata/reject/missing-env.yaml", testOptions)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Errorf("Open: %v, want four problems", err)
	}
}

func TestCheck(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": twoAuths, "auths/a.json": "{", "auths/y1.json": `{"type":"claude","api_key":"k","id":"y1"}`})
	_, _, err := Check(s.path("c.yaml"), testOptions)
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != 2 {
		t.Fatalf("Check: %v, want the two problems of auth files", err)
	}
	s.remove("auths/a.json")
	s.remove("auths/y1.json")
	if auths, warnings, err := Check(s.path("c.yaml"), testOptions); err != nil || len(auths) != 2 || len(warnings) > 0 {
		t.Errorf("Check without broken files: %v, %v, want two auths", auths, err)
	}
	if _, _, err := Check("testdata/reject/url.yaml", testOptions); err == nil {
		t.Error("Check of a broken file: no problems")
	}
}

func TestReloadHandsOverWhatChanged(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": twoAuths, "auths/a.json": key("a"), "auths/b.json": key("b")})
	steps := []struct {
		name   string
		change func()
		want   string
	}{
		{"nothing", func() {}, ""},
		{"one file", func() { s.write("auths/a.json", key("a2")) }, "+a.json"},
		{"a file in other words", func() { s.write("auths/a.json", "\n"+key("a2")) }, ""},
		{"a file renamed", func() { s.rename("auths/b.json", "auths/c.json") }, "+c.json -b.json"},
		{"a folder", func() { s.write("auths/x/d.json", key("d")) }, "+x/d.json"},
		{"the folder renamed", func() { s.rename("auths/x", "auths/z") }, "+z/d.json -x/d.json"},
		{"the folder gone", func() { s.remove("auths/z") }, "-z/d.json"},
		{"a line moved", func() { s.write("c.yaml", "# comment\n"+twoAuths) }, ""},
		{"one auth of the YAML file", func() { s.write("c.yaml", strings.ReplaceAll(twoAuths, "sk-2", "sk-3")) }, "+y2"},
		{"the auths of the YAML file gone", func() { s.write("c.yaml", "auth_dirs: [auths]") }, "-y1 -y2"},
		{"the folder no longer named", func() { s.write("c.yaml", "{}") }, "-a.json -c.json"},
		{"all back", func() { s.write("c.yaml", twoAuths) }, "+a.json +c.json +y1 +y2"},
	}
	for _, step := range steps {
		before := s.source.Status().Generation
		step.change()
		s.source.Reload()
		if got := s.takeUpdates(); got != step.want {
			t.Errorf("%s: updates are %q, want %q", step.name, got, step.want)
		}
		want := before
		if step.want != "" {
			want++
		}
		if got := s.source.Status().Generation; got != want {
			t.Errorf("%s: generation %d, want %d", step.name, got, want)
		}
		s.wantProblems()
	}
}

func TestReloadKeepsTheLastGood(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": twoAuths, "auths/a.json": key("a"), "auths/b.json": key("b")})
	all := s.ids()
	steps := []struct {
		name   string
		change func()
		want   []string
	}{
		{"a broken YAML file", func() { s.write("c.yaml", "auths: [{id: y3, provider: claude}]\nwrong: 1\n") }, []string{"c.yaml:2: wrong: unknown key"}},
		{"an empty YAML file", func() { s.write("c.yaml", "") }, []string{"c.yaml: is empty"}},
		{"no YAML file", func() { s.remove("c.yaml") }, []string{"c.yaml: cannot be read: no such file or directory"}},
		{"a good YAML file", func() { s.write("c.yaml", twoAuths) }, nil},
		{"broken auth files", func() { s.write("auths/a.json", "{"); s.write("auths/b.json", `{"type":5}`) },
			[]string{"auths/a.json:1: is not JSON", "auths/b.json:1: type: is a number"}},
		{"a link that leads nowhere", func() { s.remove("auths/a.json"); s.link("none", "auths/a.json"); s.write("auths/b.json", key("b")) },
			[]string{"auths/a.json: cannot be read: no such file or directory"}},
		{"a file that is too large", func() { s.remove("auths/a.json"); s.write("auths/a.json", strings.Repeat(" ", authdoc.MaxFile+1)) },
			[]string{"auths/a.json: is too large; allowed: at most 1 MiB"}},
		{"good auth files", func() { s.write("auths/a.json", key("a")) }, nil},
		{"the whole folder gone", func() { s.rename("auths", "elsewhere") }, []string{"auths: cannot be read: no such file or directory"}},
		{"the folder back", func() { s.rename("elsewhere", "auths") }, nil},
	}
	for _, step := range steps {
		step.change()
		s.source.Reload()
		s.wantProblems(step.want...)
		if got := s.takeUpdates(); got != "" || s.ids() != all {
			t.Errorf("%s: updates are %q and auths %q, want none and %q", step.name, got, s.ids(), all)
		}
	}
}

func TestReloadTellsProblemsOnce(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": key("a")})
	s.reloads = nil
	s.write("auths/a.json", "{")
	s.source.Reload()
	s.source.Reload()
	s.write("auths/a.json", key("a"))
	s.source.Reload()
	if len(s.reloads) != 2 || len(s.reloads[0].New) != 1 || len(s.reloads[1].Solved) != 1 || s.reloads[0].New[0] != s.reloads[1].Solved[0] {
		t.Errorf("OnReload was told %+v, want a problem that comes and one that goes", s.reloads)
	}
}

func TestReloadSettings(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "sessions: {ttl: 1h}\n"})
	s.write("c.yaml", "sessions: {ttl: 2h}\nlisten: {grpc: [\"127.0.0.1:1\"], http: \"\"}\n")
	s.source.Reload()
	s.wantProblems("c.yaml:2: listen.grpc: changed, which needs a restart", "c.yaml:2: listen.http: changed, which needs a restart")
	if len(s.config) != 1 || s.config[0].Sessions.TTL.Hours() != 2 || s.config[0].Listen.GRPC[0].Address != "127.0.0.1:7420" {
		t.Fatalf("OnConfig was told %+v, want the new time and the old address", s.config)
	}
	if s.source.Config() != s.config[0] {
		t.Error("Config() is not what OnConfig was told")
	}
	if got := s.source.Status().Generation; got != 2 {
		t.Errorf("generation %d, want 2", got)
	}
	s.write("c.yaml", "sessions: {ttl: 2h}\n")
	s.source.Reload()
	s.wantProblems()
	if len(s.config) != 1 {
		t.Errorf("OnConfig was told %d times, want once", len(s.config))
	}
}

// Where state is kept is decided at the start, and so is the key that auths are named with.
func TestStateTakesARestart(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "state: {path: one.db}\n"})
	s.write("c.yaml", "state:\n  path: two.db\n  redis: {addresses: [\"localhost:6379\"]}\n")
	s.source.Reload()
	s.wantProblems("c.yaml:2: state.path: changed, which needs a restart", "c.yaml:3: state.redis: changed, which needs a restart")
	if got := s.source.Config().State.Path; got != s.path("one.db") {
		t.Errorf("State.Path = %s, want what it was at the start", got)
	}
}

func TestLimitsTakeARestart(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "limits: {message: 1MiB}\n"})
	s.write("c.yaml", "limits:\n  message: 2MiB\n")
	s.source.Reload()
	s.wantProblems("c.yaml:1: limits: changed, which needs a restart")
	if got := s.source.Config().Limits.Message; got != 1<<20 {
		t.Errorf("Limits.Message = %d, want what it was at the start", got)
	}
}

// The configuration says where the key is kept, so there are no auths before Attach is given it.
func TestAttachTakesTheKeyOfFingerprints(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	write(t, file, "auths: [{id: a, provider: claude, secret: {value: sk-one}}]")
	o := testOptions
	o.Clock = func() time.Time { return testTime }
	source, err := Open(file, o)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := source.Config().State.Path, filepath.Join(filepath.Dir(file), "credbroker.db"); got != want {
		t.Errorf("before Attach State.Path = %q, want %q", got, want)
	}
	target := newTarget(t)
	source.Attach(target, [32]byte{2})
	source.Reload()
	want := "key:claude:" + authdoc.Fingerprint([32]byte{2}, "claude", "sk-one")
	if got := target.auth("a").Identity; got != want {
		t.Errorf("identity %q, want %q", got, want)
	}
}

func TestReloadReadsSecretsAgain(t *testing.T) {
	const text = "auths: [{id: a, provider: claude, secret: {file: key}}]"
	s := newScene(t, map[string]string{"c.yaml": text, "key": "one"})
	s.write("key", "two")
	s.source.Reload()
	if got := s.takeUpdates(); got != "+a" {
		t.Errorf("updates are %q, want +a", got)
	}
	s.remove("key")
	s.source.Reload()
	s.wantProblems("c.yaml:1: auths[0].secret.file: the file key cannot be read: no such file or directory")
	if s.ids() != "a" {
		t.Errorf("auths are %q, want a", s.ids())
	}
}

func TestDuplicateIDs(t *testing.T) {
	s := newScene(t, map[string]string{
		"c.yaml":     "auths: [{id: x, provider: claude}]\nauth_dirs: [one, two]\n",
		"one/x.json": `{"type":"claude","api_key":"k","id":"x"}`, "one/y.json": `{"type":"claude","api_key":"k","note":"one"}`, "two/y.json": `{"type":"claude","api_key":"k","note":"two"}`,
	})
	s.wantProblems(`one/x.json: duplicate id "x"; c.yaml:1 has it`, `two/y.json: duplicate id "y.json"; one/y.json has it`)
	if got := s.auth("y.json").Note; got != "one" {
		t.Errorf("y.json is that of folder %s, want one", got)
	}
	// Who is refused waits for the id to be free, and gives way again.
	s.remove("one/y.json")
	s.source.Reload()
	if got := s.auth("y.json").Note; got != "two" {
		t.Errorf("y.json is that of folder %s, want two", got)
	}
	s.wantProblems(`one/x.json: duplicate id "x"; c.yaml:1 has it`)
	s.write("one/y.json", `{"type":"claude","api_key":"k","note":"one"}`)
	s.write("c.yaml", "auth_dirs: [one, two]\n")
	s.source.Reload()
	s.wantProblems(`two/y.json: duplicate id "y.json"; one/y.json has it`)
	if got := s.auth("x").Source; got != s.path("one/x.json") {
		t.Errorf("x is from %s, want one/x.json", got)
	}
	s.takeUpdates()
	// The order of the folders decides.
	s.write("c.yaml", "auth_dirs: [two, one]\n")
	s.source.Reload()
	s.wantProblems(`one/y.json: duplicate id "y.json"; two/y.json has it`)
	if got := s.takeUpdates(); got != "+y.json" {
		t.Errorf("updates are %q, want +y.json", got)
	}
}

func TestLinksInFolders(t *testing.T) {
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/keep.json": key("k"), "store/a.json": key("a"), "store/sub/b.json": key("b")})
	s.link("../store/a.json", "auths/file.json")
	s.link("../store", "auths/folder")
	s.link(".", "auths/loop")
	s.source.Reload()
	if want := "file.json folder/a.json folder/sub/b.json keep.json"; s.ids() != want {
		t.Errorf("auths are %q, want %q", s.ids(), want)
	}
	s.wantProblems("auths: has the link loop to a folder that it lies in")
}

func TestFolderLimits(t *testing.T) {
	deep := "auths" + strings.Repeat("/d", authdoc.MaxFolderDepth)
	s := newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", deep + "/in.json": key("in"), deep + "/d/out.json": key("out")})
	if want := strings.Repeat("d/", authdoc.MaxFolderDepth) + "in.json"; s.ids() != want {
		t.Errorf("auths are %q, want %q", s.ids(), want)
	}
	s.wantProblems(deep + ": has the folder d; allowed: 8 levels of folders")

	s = newScene(t, map[string]string{"c.yaml": "auth_dirs: [auths]", "auths/a.json": key("a")})
	s.source.folders[0].maxFiles = 2
	s.write("auths/b.json", key("b"))
	s.write("auths/c.json", key("c"))
	s.source.Reload()
	if want := "a.json b.json"; s.ids() != want {
		t.Errorf("auths are %q, want the first two", s.ids())
	}
	s.wantProblems("auths: holds more than 2 auth files or 10000 folders; the rest is not read")
	s.remove("auths/a.json")
	s.source.Reload()
	s.source.Reload() // the first scan found a file too many before it knew that one is gone
	if want := "b.json c.json"; s.ids() != want {
		t.Errorf("auths are %q, want %q", s.ids(), want)
	}
	s.wantProblems()
}

// Two files written in one tick of the clock, of one size, are told apart when a link goes from one to the other.
func TestStampKnowsFilesApart(t *testing.T) {
	dir := t.TempDir()
	one, two, link := filepath.Join(dir, "1"), filepath.Join(dir, "2"), filepath.Join(dir, "link")
	for _, file := range []string{one, two} {
		write(t, file, "same")
		if err := os.Chtimes(file, testTime, testTime); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("1", link); err != nil {
		t.Fatal(err)
	}
	before := stampOf(link)
	if !before.same(stampOf(one)) {
		t.Error("a link and its file have different stamps")
	}
	_ = os.Remove(link)
	if err := os.Symlink("2", link); err != nil {
		t.Fatal(err)
	}
	if before.same(stampOf(link)) {
		t.Error("another file has the same stamp")
	}
}

// A file that happens to have a type is no auth.
func TestFileWithoutASecret(t *testing.T) {
	s := newScene(t, map[string]string{
		"c.yaml": "auth_dirs: [auths]\n", "auths/package.json": `{"name":"x","type":"module","dependencies":{}}`,
		"auths/open.json": `{"type":"ollama","secretless":true}`, "auths/said.json": `{"type":"ollama","secretless":false}`,
		"auths/headers.json": `{"type":"acme","headers":{"X-Key":"k"}}`,
	})
	if want := "headers.json open.json"; s.ids() != want {
		t.Errorf("auths are %q, want %q", s.ids(), want)
	}
	const want = `: has no secret; allowed: api_key, access_token or headers, or "secretless": true for an upstream that wants none`
	s.wantProblems("auths/package.json"+want, "auths/said.json"+want)
}
