package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/credbroker/credbroker/internal/authdoc"
)

// scan is one walk over everything in a folder. It finds the files that are to be read and those that are gone.
type scan struct {
	*folder

	changes  changes
	watching *watching
	folders  int      // looked at
	closed   []string // folders that could not be looked into: what was in them goes on
	read     []string
	gone     []string
}

// scanFolder scans a folder. Files are to be read whose stamp is another one, or that changes name.
func scanFolder(f *folder, c changes, w *watching) *scan {
	s := &scan{folder: f, changes: c, watching: w}
	f.full = false
	maps.DeleteFunc(f.faults, func(at string, _ Problems) bool { return strings.HasSuffix(at, "/") })
	for _, known := range f.files {
		known.found = false
	}
	w.follow(f.root)
	s.dir("")
	for at, known := range f.files {
		if !known.found && !s.isClosed(at) {
			s.gone = append(s.gone, at)
		}
	}
	return s
}

func (s *scan) isClosed(at string) bool {
	for _, dir := range s.closed {
		if dir == "" || strings.HasPrefix(at, dir+"/") {
			return true
		}
	}
	return false
}

// dir looks into a folder. If it cannot, what was in it is not taken for removed: a volume may have been unmounted.
func (s *scan) dir(dir string) {
	if s.folders++; s.folders > s.maxFolders {
		s.full = true
		s.closed = append(s.closed, dir)
		return
	}
	s.watching.watch(s.real(dir))
	entries, err := os.ReadDir(s.real(dir))
	if err != nil {
		s.folderFault(dir, unreadable(err).Error())
		s.closed = append(s.closed, dir)
		return
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			s.entry(join(dir, e.Name()), e)
		}
	}
}

func join(dir, name string) string {
	if dir == "" {
		return name
	}
	return dir + "/" + name
}

// entry looks at what is in a folder.
func (s *scan) entry(at string, e fs.DirEntry) {
	info, err := e.Info()
	link := e.Type()&fs.ModeSymlink != 0
	if link {
		info, err = os.Stat(s.real(at))
	}
	var chain []string
	switch {
	case err == nil && info.IsDir():
		if !s.admits(at, e, info) {
			return
		}
		if link {
			s.watching.follow(s.real(at))
		}
		s.dir(at)
		return
	case !isAuthFile(at) || errors.Is(err, fs.ErrNotExist) && !link:
		return
	case link:
		chain = s.watching.follow(s.real(at))
	}
	if err != nil {
		info = nil
	}
	if known := s.track(at); known != nil {
		known.found = true
		if !known.stamp.same(stamp{info}) || !s.changes.isEmpty() && (s.changes.name(s.real(at)) || slices.ContainsFunc(chain, s.changes.name)) {
			s.read = append(s.read, at)
		}
	}
}

// admits refuses folders that lie too deep, and links into a folder that they lie in.
func (s *scan) admits(at string, e fs.DirEntry, info fs.FileInfo) bool {
	above := parent(at)
	if strings.Count(at, "/") >= authdoc.MaxFolderDepth {
		s.folderFault(above, fmt.Sprintf("has the folder %s; allowed: %d levels of folders", e.Name(), authdoc.MaxFolderDepth))
		return false
	}
	if e.Type()&fs.ModeSymlink == 0 {
		return true
	}
	for dir := at; dir != ""; {
		dir = parent(dir)
		if other, err := os.Stat(s.real(dir)); err == nil && os.SameFile(info, other) {
			s.folderFault(above, fmt.Sprintf("has the link %s to a folder that it lies in", e.Name()))
			return false
		}
	}
	return true
}
