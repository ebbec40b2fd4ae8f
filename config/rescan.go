package config

import (
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/selector"
)

// changes are why files are scanned. Every scan is of everything; what it reads are files whose stamp is another one, and those
// that are named here: an event says more than a stamp.
type changes struct {
	all   bool // every file is named
	paths map[string]bool
}

func (c *changes) add(path string) {
	if c.paths == nil {
		c.paths = make(map[string]bool)
	}
	c.paths[path] = true
}

func (c *changes) merge(other changes) {
	c.all = c.all || other.all
	for path := range other.paths {
		c.add(path)
	}
}

func (c *changes) isEmpty() bool { return !c.all && len(c.paths) == 0 }

func (c *changes) name(path string) bool { return c.all || c.paths[path] }

// outcome is what becomes of a file that is broken.
type outcome int

const (
	// tentative: it may be half-written, so it is to be read again.
	tentative outcome = iota
	// final: if it is named, it is refused.
	final
)

// rescan scans everything and publishes what came of it. It returns the files that are to be read again.
func (s *Source) rescan(c changes, o outcome) (again changes) {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.watching = newWatching(s.watcher)
	changed := s.rescanConfig(c, o, &again)
	s.rescanFolders(c, o, &again)
	if s.watcher != nil && s.watcher.retain(s.watching.dirs) {
		// A folder that was moved was still watched under its old name, and that was the end of it under the new one.
		s.watching = newWatching(s.watcher)
		s.inputs.watch(s.watching)
		s.rescanFolders(changes{}, tentative, &again)
	}
	s.publish(changed)
	return again
}

// location is a file of an auth folder.
type location struct {
	folder *folder
	path   string
}

func (l location) real() string { return l.folder.real(l.path) }

// rescanFolders scans the auth folders.
func (s *Source) rescanFolders(c changes, o outcome, again *changes) {
	var read []location
	// What is gone goes first, so that a file that was renamed is not in its own way.
	for _, f := range s.folders {
		found := scanFolder(f, c, s.watching)
		for _, path := range found.gone {
			s.drop(location{f, path})
		}
		for _, path := range found.read {
			read = append(read, location{f, path})
		}
	}
	for i, r := range s.readFiles(read) {
		refuse := o == final && c.name(read[i].real())
		if !s.accept(read[i], r, refuse) {
			again.add(read[i].real())
		}
	}
}

// drop takes a file's auth out.
func (s *Source) drop(at location) {
	s.catalog.remove(at.folder.origin(at.path))
	if known := at.folder.files[at.path]; known != nil && known.stamp.exposed() {
		s.warnAnew = true
	}
	at.folder.untrack(at.path)
}

// accept takes over what a file says. False: it should be read again.
func (s *Source) accept(at location, r result, refuse bool) bool {
	f := at.folder.track(at.path)
	if f == nil {
		return true // there are too many
	}
	s.warnAnew = s.warnAnew || f.stamp.exposed() != r.stamp.exposed()
	switch {
	case len(r.problems) == 0:
		f.stamp = r.stamp
		at.folder.fault(at.path, nil)
		s.catalog.put(at.folder.origin(at.path), r.auth)
	case refuse:
		f.stamp = r.stamp
		at.folder.fault(at.path, r.problems)
	default:
		return false
	}
	return true
}

// result is what a file said.
type result struct {
	stamp    stamp
	auth     *selector.Auth
	problems Problems
}

// readFiles reads files side by side: most of the time goes into waiting for the system.
func (s *Source) readFiles(files []location) []result {
	results := make([]result, len(files))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(len(files), 2*runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(files)); i = next.Add(1) - 1 {
				results[i] = s.readAuth(files[i])
			}
		})
	}
	wait.Wait()
	return results
}

func (s *Source) readAuth(at location) result {
	file := at.real()
	data, seen, err := s.readPlain(at)
	if err != nil {
		return result{stamp: seen, problems: Problems{{File: file, Message: err.Error()}}}
	}
	draft, problems := authdoc.Parse(plainName(at.path), file, data)
	if len(problems) == 0 && !draft.Sends() {
		problems = Problems{{File: file, Message: `has no secret; allowed: api_key, access_token or headers, ` +
			`or "secretless": true for an upstream that wants none`}}
	}
	if len(problems) > 0 {
		return result{stamp: seen, problems: problems}
	}
	return result{stamp: seen, auth: draft.Build(s.fingerprintKey)}
}

// concerns tells whether a change of a path can be one of the configuration. Others happen in folders that are watched:
// temporary files, and what lies beside the YAML file.
func (s *Source) concerns(name string) bool {
	s.changing.Lock()
	defer s.changing.Unlock()
	if s.watching.paths[name] {
		return true
	}
	for _, f := range s.folders {
		path, err := filepath.Rel(f.root, name)
		path = filepath.ToSlash(path)
		if err != nil || !filepath.IsLocal(path) || path == "." || strings.Contains("/"+parent(path), "/.") {
			continue
		}
		// Links may lead through a name that begins with two dots.
		if base := filepath.Base(name); !strings.HasPrefix(base, ".") || strings.HasPrefix(base, "..") {
			return true
		}
	}
	return false
}
