package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/credbroker/credbroker/selector"
)

var _ Target = (*selector.Pool)(nil)

// target is a pool that tells what it was handed. It refuses what a source must not do.
type target struct {
	t *testing.T

	mu      sync.Mutex
	auths   map[string]*selector.Auth
	updates []string // as `+a +b -c`
	reloads []Reload
	changed chan struct{}
}

func newTarget(t *testing.T) *target {
	return &target{t: t, auths: make(map[string]*selector.Auth), changed: make(chan struct{}, 1)}
}

func (f *target) Update(put []*selector.Auth, remove []string, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var words []string
	for _, a := range put {
		if before := f.auths[a.ID]; before != nil && same(before, a) {
			f.t.Errorf("Update puts %s, which did not change", a.ID)
		}
		f.auths[a.ID] = a
		words = append(words, "+"+a.ID)
	}
	for _, id := range remove {
		if f.auths[id] == nil {
			f.t.Errorf("Update removes %s, which was never put", id)
		}
		delete(f.auths, id)
		words = append(words, "-"+id)
	}
	if !now.Equal(testTime) {
		f.t.Errorf("Update at %v, want the time of the clock", now)
	}
	f.updates = append(f.updates, strings.Join(words, " "))
	f.signal()
}

func (f *target) reloaded(r Reload) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reloads = append(f.reloads, r)
	f.signal()
}

func (f *target) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// ids are those that it has now.
func (f *target) ids() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(slices.Sorted(maps.Keys(f.auths)), " ")
}

func (f *target) auth(id string) *selector.Auth {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.auths[id]
}

// takeUpdates returns what was handed over since the last call.
func (f *target) takeUpdates() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	updates := strings.Join(f.updates, "; ")
	f.updates = nil
	return updates
}

// until waits for a condition that an update or a reload brings about.
func (f *target) until(what string, condition func() bool) {
	f.t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	for !condition() {
		select {
		case <-f.changed:
		case <-deadline.C:
			f.t.Fatalf("%s did not happen; the auths are %s, the updates %q", what, f.ids(), f.takeUpdates())
		}
	}
}

var testTime = time.Date(2026, 2, 1, 12, 0, 0, 0, time.UTC)

// place of a test: a folder with a configuration file, and a source over it.
type scene struct {
	*target

	dir    string
	source *Source
	config []*Config // what OnConfig was told
}

// newScene writes files, by path relative to the folder, and opens c.yaml.
func newScene(t *testing.T, files map[string]string) *scene {
	t.Helper()
	s := &scene{target: newTarget(t), dir: t.TempDir()}
	for name, text := range files {
		s.write(name, text)
	}
	s.open()
	return s
}

func (s *scene) open() {
	s.t.Helper()
	s.openWith(func(*Options) {})
}

func (s *scene) openWith(change func(*Options)) {
	s.t.Helper()
	o := testOptions
	change(&o)
	o.Clock = func() time.Time { return testTime }
	o.OnReload = s.reloaded
	o.OnConfig = func(c *Config) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.config = append(s.config, c)
	}
	source, err := Open(s.path("c.yaml"), o)
	if err != nil {
		s.t.Fatalf("Open: %v", err)
	}
	s.source = source
	source.Attach(s, testKey)
	s.takeUpdates()
}

func (s *scene) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s *scene) write(name, text string) {
	s.t.Helper()
	if err := os.MkdirAll(filepath.Dir(s.path(name)), 0o700); err != nil {
		s.t.Fatal(err)
	}
	write(s.t, s.path(name), text)
}

// replace writes a file as careful programs do.
func (s *scene) replace(name, text string) {
	s.t.Helper()
	s.write(name+".new", text)
	s.rename(name+".new", name)
}

func (s *scene) rename(from, to string) {
	s.t.Helper()
	if err := os.Rename(s.path(from), s.path(to)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) remove(name string) {
	s.t.Helper()
	if err := os.RemoveAll(s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) link(to, name string) {
	s.t.Helper()
	if err := os.Symlink(to, s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}

// problems are those in force, without the folder's path.
func (s *scene) problems() string {
	return strings.ReplaceAll(s.source.Status().Problems.Error(), s.dir+"/", "")
}

// wantProblems compares the problems, each by how it begins.
func (s *scene) wantProblems(want ...string) {
	s.t.Helper()
	got := strings.Split(s.problems(), "\n")
	if got[0] == "" {
		got = nil
	}
	equal := len(got) == len(want)
	for i := range want {
		equal = equal && strings.HasPrefix(got[i], want[i])
	}
	if !equal || s.source.Status().ProblemCount != len(want) {
		s.t.Errorf("problems are\n%s\nwant them to begin with\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// key is an auth file.
func key(text string) string { return fmt.Sprintf(`{"type":"claude","api_key":%q}`, text) }
