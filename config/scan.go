package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// scan looks at folders of a tree, and notes the files that are to be read and those that are gone.
type scan struct {
	tree *tree
	// enter is called with each folder before it is read.
	enter func(dir string)
	// every: files whose stamp did not change are read as well.
	every bool

	entered    map[string]bool // folders that links led to
	read, gone []string
	// left are folders that are gone.
	left []string
}

// whole looks at the whole tree.
func (s *scan) whole() {
	s.tree.full, s.tree.unread = false, false
	clear(s.tree.beyond)
	s.tree.trail = trailOf(s.tree.root)
	for _, dir := range s.tree.trail.dirs {
		s.enter(dir)
	}
	s.folder("")
}

// at looks at one path, whatever is, or was, there.
func (s *scan) at(rel string) {
	t := s.tree
	if rel == "" {
		s.whole()
		return
	}
	if t.folders[parent(rel)] == nil {
		s.at(parent(rel))
		return
	}
	entry, err := os.Lstat(t.real(rel))
	what := foundNothing
	if err == nil {
		what = s.entry(rel, fs.FileInfoToDirEntry(entry))
	}
	if !rooted(t.root) {
		return
	}
	if what != foundFolder {
		s.leave(rel)
	}
	if what != foundFile && t.file(rel) != nil {
		s.miss(rel)
	}
}

// miss drops a file that is gone.
func (s *scan) miss(rel string) {
	s.tree.forget(rel)
	s.gone = append(s.gone, rel)
}

// leave drops a folder that is gone, if it was known.
func (s *scan) leave(rel string) {
	files, folders := s.tree.forgetFolder(rel)
	s.gone = append(s.gone, files...)
	for _, folder := range folders {
		s.left = append(s.left, s.tree.real(folder))
	}
}

// rooted tells whether a tree's own folder is there. What is missing with it is not taken for removed: a volume may
// have been unmounted.
func rooted(root string) bool {
	info, err := os.Stat(root)
	return err == nil && info.IsDir()
}

func (s *scan) folder(rel string) {
	t := s.tree
	d, ok := t.knowFolder(rel)
	if !ok {
		return
	}
	s.enter(t.real(rel))
	entries, err := os.ReadDir(t.real(rel))
	delete(t.faults, rel+"/")
	if err != nil {
		// What was in it goes on.
		t.unread = t.unread || rel == ""
		t.folderFault(rel, unreadable(err).Error())
		return
	}
	present := make(map[string]found, len(entries))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			present[e.Name()] = s.entry(path.Join(rel, e.Name()), e)
		}
	}
	for name := range d.files {
		if present[name] != foundFile {
			s.miss(path.Join(rel, name))
		}
	}
	for name := range d.folders {
		if present[name] != foundFolder {
			s.leave(path.Join(rel, name))
		}
	}
}

// found is what an entry of a folder turned out to be.
type found int

const (
	foundNothing found = iota
	foundFile
	foundFolder
)

// entry looks at what is in a folder.
func (s *scan) entry(rel string, e fs.DirEntry) found {
	info, err := e.Info()
	link := e.Type()&fs.ModeSymlink != 0
	if link {
		info, err = os.Stat(s.tree.real(rel))
	}
	if err == nil && info.IsDir() {
		if !s.admits(rel, e, info) {
			return foundNothing
		}
		if link {
			s.follow(trailOf(s.tree.real(rel)))
		}
		s.folder(rel)
		return foundFolder
	}
	if !strings.HasSuffix(rel, authSuffix) || errors.Is(err, fs.ErrNotExist) && !link {
		return foundNothing
	}
	if err != nil {
		info = nil
	}
	s.file(rel, stamp{info}, link)
	return foundFile
}

// file notes a file that is to be read.
func (s *scan) file(rel string, now stamp, link bool) {
	f, ok := s.tree.know(rel)
	if !ok {
		return
	}
	fresh := s.every || !f.stamp.same(now)
	switch {
	case !link:
		f.way = trail{}
	case fresh || f.way.dirs == nil:
		f.way = trailOf(s.tree.real(rel))
	}
	s.follow(f.way)
	if fresh {
		s.read = append(s.read, rel)
	}
}

// follow watches the way that a link led. It can change outside of the tree.
func (s *scan) follow(way trail) {
	for i, dir := range way.dirs {
		s.tree.beyond[way.paths[i]] = true
		if !s.entered[dir] {
			s.entered[dir] = true
			s.enter(dir)
		}
	}
}

// admits refuses folders that lie too deep, and links into a folder that they lie in.
func (s *scan) admits(rel string, e fs.DirEntry, info fs.FileInfo) bool {
	above := parent(rel)
	if strings.Count(rel, "/") >= maxFolderDepth {
		s.tree.folderFault(above, fmt.Sprintf("has the folder %s; allowed: %d levels of folders", e.Name(), maxFolderDepth))
		return false
	}
	if e.Type()&fs.ModeSymlink == 0 {
		return true
	}
	for dir := rel; dir != ""; {
		dir = parent(dir)
		if other, err := os.Stat(s.tree.real(dir)); err == nil && os.SameFile(info, other) {
			s.tree.folderFault(above, fmt.Sprintf("has the link %s to a folder that it lies in", e.Name()))
			return false
		}
	}
	return true
}
