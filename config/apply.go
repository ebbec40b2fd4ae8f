package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/credbroker/credbroker/selector"
)

// touched is what somebody should look at again.
type touched struct {
	// everything whose stamp changed.
	everything bool
	// unchanged files too.
	unchanged bool
	// config is the YAML file and its secrets.
	config bool
	// spots are single files and folders of trees.
	spots map[spot]bool
}

// spot is a path in a tree; "" is the tree's folder.
type spot struct {
	tree *tree
	rel  string
}

func (t *touched) add(at spot) {
	if t.spots == nil {
		t.spots = make(map[spot]bool)
	}
	t.spots[at] = true
}

func (t *touched) merge(other touched) {
	t.everything, t.unchanged = t.everything || other.everything, t.unchanged || other.unchanged
	t.config = t.config || other.config
	for at := range other.spots {
		t.add(at)
	}
}

func (t *touched) isEmpty() bool { return !t.everything && !t.config && len(t.spots) == 0 }

// ruling is what becomes of a file that is broken.
type ruling int

const (
	// tentative: it may be half-written, so somebody should look at it again.
	tentative ruling = iota
	// final: it is refused.
	final
)

// apply looks at what was touched and publishes what came of it. It returns what to look at again.
func (s *Source) apply(t touched, v ruling) (again touched) {
	s.changing.Lock()
	defer s.changing.Unlock()
	changed := false
	if s.path != "" && (t.config || t.everything && s.wanted.moved()) {
		changed, again.config = s.reloadConfig(v)
	}
	again.merge(s.readTrees(t, v))
	s.publish(changed)
	return again
}

// readTrees looks at auth files. Trees that were never read, or cannot be, are looked at as a whole.
func (s *Source) readTrees(t touched, v ruling) (again touched) {
	var read, gone touched
	for _, tree := range s.trees {
		look := s.look(tree, t)
		for _, rel := range look.gone {
			gone.add(spot{tree, rel})
		}
		for _, rel := range look.read {
			read.add(spot{tree, rel})
		}
	}
	for at := range gone.spots {
		s.drop(at)
	}
	spots := slices.Collect(maps.Keys(read.spots))
	for i, r := range s.readFiles(spots) {
		if s.settle(spots[i], r, v) {
			again.add(spots[i])
		}
	}
	return again
}

// look finds the files of one tree that are to be read.
func (s *Source) look(t *tree, touched touched) *scan {
	look := &scan{tree: t, enter: s.enter, every: touched.unchanged, entered: make(map[string]bool)}
	if touched.everything || t.folders[""] == nil || t.unread && len(touched.spots) > 0 {
		look.whole()
	} else {
		// An event says more than a stamp.
		look.every = true
		for at := range touched.spots {
			if at.tree == t {
				look.at(at.rel)
			}
		}
		look.every = false
	}
	if len(look.left) > 0 {
		// A folder that was moved is still watched under its old name, until that is left and the new one entered.
		s.leave(look.left)
		look.whole()
	}
	return look
}

// drop takes a file's auth out.
func (s *Source) drop(at spot) {
	s.catalog.remove(at.tree.place(at.rel))
	at.tree.forget(at.rel)
}

// settle takes over what a file says. True: it should be read again.
func (s *Source) settle(at spot, r result, v ruling) (again bool) {
	f, ok := at.tree.know(at.rel)
	switch {
	case r.missing:
		if rooted(at.tree.root) {
			s.drop(at)
		}
	case !ok:
		// There are too many.
	case len(r.problems) == 0:
		f.stamp = r.stamp
		at.tree.fault(at.rel, nil)
		s.catalog.put(at.tree.place(at.rel), r.auth)
	case v == tentative:
		return true
	default:
		f.stamp = r.stamp
		at.tree.fault(at.rel, r.problems)
	}
	return false
}

// result is what a file said.
type result struct {
	stamp    stamp
	auth     *selector.Auth
	problems Problems
	missing  bool
}

// readFiles reads files side by side: most of the time goes into waiting for the system.
func (s *Source) readFiles(spots []spot) []result {
	results := make([]result, len(spots))
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(len(spots), 2*runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(spots)); i = next.Add(1) - 1 {
				results[i] = s.readAuth(spots[i])
			}
		})
	}
	wait.Wait()
	return results
}

func (s *Source) readAuth(at spot) result {
	file := at.tree.real(at.rel)
	data, seen, err := readFile(file, maxAuthFile)
	if err != nil {
		if _, there := os.Lstat(file); errors.Is(there, fs.ErrNotExist) {
			return result{missing: true}
		}
		return result{stamp: seen, problems: Problems{{File: file, Message: err.Error()}}}
	}
	draft, problems := parseAuth(at.rel, file, data)
	if len(problems) > 0 {
		return result{stamp: seen, problems: problems}
	}
	return result{stamp: seen, auth: draft.build(s.fingerprintKey)}
}

// locate works out what a change of a path touches.
func (s *Source) locate(name string) touched {
	s.changing.Lock()
	defer s.changing.Unlock()
	name = filepath.Clean(name)
	t := touched{config: s.wanted.paths[name]}
	for _, tree := range s.trees {
		if slices.Contains(tree.trail.paths, name) {
			t.add(spot{tree, ""})
			continue
		}
		rel, err := filepath.Rel(tree.root, name)
		rel = filepath.ToSlash(rel)
		if err != nil || !filepath.IsLocal(rel) || rel == "." || strings.Contains("/"+parent(rel), "/.") {
			// Not of the tree, but files of it may lead here.
			t.everything = t.everything || tree.beyond[name]
			continue
		}
		switch base := filepath.Base(name); {
		case strings.HasPrefix(base, ".."):
			// Links in this folder may lead through it.
			t.add(spot{tree, parent(rel)})
		case !strings.HasPrefix(base, "."):
			t.add(spot{tree, rel})
		}
	}
	return t
}
