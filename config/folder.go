package config

import (
	"fmt"
	"path/filepath"
	"strings"
)

// The limits of a folder of auth files.
const (
	maxFiles   = 100_000
	maxFolders = 10_000
)

// folder is one of auth_dirs, with what is known of the files in it. Paths in it are relative, with slashes; the folder
// itself is "".
type folder struct {
	root  string
	rank  int
	files map[string]*file // by path
	// maxFiles and maxFolders are the constants of these names; tests set less.
	maxFiles, maxFolders int
	// faults are the problems of files by path, and of folders by path and a slash.
	faults map[string]Problems
	// trashFault is why the trash could not be emptied.
	trashFault Problems
	// full: there are more files or folders than are allowed.
	full bool
}

// file is an auth file as it was last read.
type file struct {
	stamp stamp
	found bool // by the scan that is under way
}

func newFolder(root string) *folder {
	return &folder{
		root: root, files: make(map[string]*file), maxFiles: maxFiles, maxFolders: maxFolders, faults: make(map[string]Problems),
	}
}

// real is a path in the folder as the system knows it.
func (f *folder) real(path string) string { return filepath.Join(f.root, filepath.FromSlash(path)) }

func (f *folder) origin(path string) origin { return origin{f.rank, path} }

// track makes a file known; nil: there are too many.
func (f *folder) track(path string) *file {
	known := f.files[path]
	if known == nil && len(f.files) >= f.maxFiles {
		f.full = true
		return nil
	}
	if known == nil {
		known = &file{}
		f.files[path] = known
	}
	return known
}

// untrack drops a file.
func (f *folder) untrack(path string) {
	delete(f.files, path)
	delete(f.faults, path)
}

// fault sets what is wrong with a file; nothing clears it.
func (f *folder) fault(path string, problems Problems) {
	if len(problems) == 0 {
		delete(f.faults, path)
		return
	}
	f.faults[path] = problems
}

// folderFault is fault for a folder.
func (f *folder) folderFault(path, message string) {
	f.faults[path+"/"] = Problems{{File: f.real(path), Message: message}}
}

// problems are those of the folders and of the files.
func (f *folder) problems() Problems {
	var list Problems
	for _, problems := range f.faults {
		list = append(list, problems...)
	}
	list = append(list, f.trashFault...)
	if f.full {
		list = append(list, Problem{File: f.root, Message: fmt.Sprintf(
			"holds more than %d auth files or %d folders; the rest is not read", f.maxFiles, f.maxFolders)})
	}
	return list
}

// parent is the folder that a path lies in.
func parent(path string) string {
	return path[:max(strings.LastIndexByte(path, '/'), 0)]
}
