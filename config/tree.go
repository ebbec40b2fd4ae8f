package config

import (
	"fmt"
	"path"
	"path/filepath"
	"strings"
)

// The limits of a folder of auth files.
const (
	maxFiles       = 100_000
	maxFolders     = 10_000
	maxFolderDepth = 8
)

// tree is one folder of auth files, with what is known of the files in it. Paths in it are relative, with slashes; the
// folder itself is "".
type tree struct {
	root  string
	rank  int
	trail trail
	// beyond are the paths where a change can show of what links in the tree lead to.
	beyond  map[string]bool
	folders map[string]*folder
	files   int
	limits  treeLimits
	// faults are the problems of files by path, and of folders by path and a slash.
	faults map[string]Problems
	// full: there are more files or folders than are allowed.
	full bool
	// unread: the folder itself could not be read.
	unread bool
}

type treeLimits struct{ files, folders int }

type folder struct {
	files   map[string]*file // by name
	folders map[string]bool  // by name
}

// file is an auth file as it was last read.
type file struct {
	stamp stamp
	// way is how a link led to it, when it was last read.
	way trail
}

func newTree(root string, rank int) *tree {
	return &tree{
		root: root, rank: rank, trail: trailOf(root), beyond: make(map[string]bool), folders: make(map[string]*folder),
		limits: treeLimits{maxFiles, maxFolders}, faults: make(map[string]Problems),
	}
}

// real is a path of the tree as the system knows it.
func (t *tree) real(rel string) string { return filepath.Join(t.root, filepath.FromSlash(rel)) }

func (t *tree) place(rel string) place { return place{t.rank, rel} }

// parent is the folder that a path lies in.
func parent(rel string) string {
	dir, _ := path.Split(rel)
	return strings.TrimSuffix(dir, "/")
}

// file finds what is known of a file.
func (t *tree) file(rel string) *file {
	if d := t.folders[parent(rel)]; d != nil {
		return d.files[path.Base(rel)]
	}
	return nil
}

// know makes a file known. False: there are too many, or its folder is not known.
func (t *tree) know(rel string) (*file, bool) {
	if f := t.file(rel); f != nil {
		return f, true
	}
	d := t.folders[parent(rel)]
	if d == nil || !t.room(t.files, t.limits.files) {
		return nil, false
	}
	t.files++
	f := &file{}
	d.files[path.Base(rel)] = f
	return f, true
}

// knowFolder is know for a folder.
func (t *tree) knowFolder(rel string) (*folder, bool) {
	if d := t.folders[rel]; d != nil {
		return d, true
	}
	if !t.room(len(t.folders), t.limits.folders) {
		return nil, false
	}
	d := &folder{files: make(map[string]*file), folders: make(map[string]bool)}
	t.folders[rel] = d
	if above := t.folders[parent(rel)]; above != nil && rel != "" {
		above.folders[path.Base(rel)] = true
	}
	return d, true
}

func (t *tree) room(n, limit int) bool {
	t.full = t.full || n >= limit
	return n < limit
}

// forget drops a file.
func (t *tree) forget(rel string) {
	delete(t.faults, rel)
	if t.file(rel) != nil {
		delete(t.folders[parent(rel)].files, path.Base(rel))
		t.files--
	}
}

// forgetFolder drops a folder and all below it, and returns the files and folders that were known.
func (t *tree) forgetFolder(rel string) (files, folders []string) {
	d := t.folders[rel]
	if d == nil {
		return nil, nil
	}
	for name := range d.folders {
		inFiles, inFolders := t.forgetFolder(path.Join(rel, name))
		files, folders = append(files, inFiles...), append(folders, inFolders...)
	}
	for name := range d.files {
		files = append(files, path.Join(rel, name))
	}
	t.files -= len(d.files)
	delete(t.folders, rel)
	delete(t.faults, rel+"/")
	if above := t.folders[parent(rel)]; above != nil {
		delete(above.folders, path.Base(rel))
	}
	return files, append(folders, rel)
}

// fault sets what is wrong with a file; nothing clears it.
func (t *tree) fault(rel string, problems Problems) {
	if len(problems) == 0 {
		delete(t.faults, rel)
		return
	}
	t.faults[rel] = problems
}

// folderFault is fault for a folder.
func (t *tree) folderFault(rel, message string) {
	t.faults[rel+"/"] = Problems{{File: t.real(rel), Message: message}}
}

// problems are those of the folders and of the files.
func (t *tree) problems() Problems {
	var list Problems
	for _, problems := range t.faults {
		list = append(list, problems...)
	}
	if t.full {
		list = append(list, Problem{File: t.root, Message: fmt.Sprintf(
			"holds more than %d auth files or %d folders; the rest is not read", t.limits.files, t.limits.folders)})
	}
	return list
}
