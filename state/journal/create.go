package journal

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// fileMode: the file holds the keys that names of sessions are made with.
const fileMode = 0o600

// create makes the file if there is none.
func create(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := write(path, func(*file) error { return nil })
	if err != nil {
		return err
	}
	defer f.discard()
	if err = f.link(path); errors.Is(err, fs.ErrExist) {
		return nil // another process was quicker
	}
	return err
}

// write makes a file beside a path, and returns it when all that fill has put into it is on disk, so that there is never
// half a file under the path. Link or replace give it its name.
func write(path string, fill func(f *file) error) (*file, error) {
	temporary, err := os.CreateTemp(filepath.Dir(path), temporaryPrefix(path)+"*")
	if err != nil {
		return nil, err
	}
	f, err := hold(temporary, 0)
	if err != nil {
		return nil, errors.Join(err, os.Remove(temporary.Name()))
	}
	if err = f.fill(fill); err != nil {
		f.discard()
		return nil, err
	}
	return f, nil
}

// discard closes a file that write made, and removes it if it got no name.
func (f *file) discard() {
	_ = os.Remove(f.opened.Name())
	_ = f.close()
}

// fill makes an empty file a state file with something in it, which is on disk in the end.
func (f *file) fill(with func(f *file) error) error {
	if err := f.attach(); err != nil {
		return err
	}
	f.db.NoSync = true
	err := f.update(writeEmpty)
	if err == nil {
		err = with(f)
	}
	f.db.NoSync = false
	return cmp.Or(err, f.db.Sync())
}

// temporaryPrefix is what a file is called while it is written, before a number. Nothing of a state file starts with a dot,
// so what a killed broker leaves behind is taken for no state.
func temporaryPrefix(path string) string { return "." + filepath.Base(path) + ".new-" }

// removeTemporary removes what killed brokers left of files that they were writing. Those that another process is writing
// now are locked, and stay.
func (f *file) removeTemporary(path string) {
	entries, _ := os.ReadDir(filepath.Dir(path)) // they may as well stay
	for _, entry := range entries {
		number, ours := strings.CutPrefix(entry.Name(), temporaryPrefix(path))
		if _, err := strconv.ParseUint(number, 10, 64); !ours || err != nil || !entry.Type().IsRegular() {
			continue
		}
		if name := filepath.Join(filepath.Dir(path), entry.Name()); f.abandoned(name) {
			_ = os.Remove(name)
		}
	}
}

// abandoned reports whether nobody is writing a file, or it is a second name of this one.
func (f *file) abandoned(name string) bool {
	other, err := os.Open(name)
	if err != nil {
		return false
	}
	defer other.Close() //nolint:errcheck // nothing was written
	if info, err := other.Stat(); err == nil && os.SameFile(info, f.info) {
		return true
	}
	return lock(other, 0) == nil // closing it unlocks it
}

// link gives a file that write made its name. If another has that name, its error is fs.ErrExist. Renaming would replace
// the other, so it is left to file systems that know no links.
func (f *file) link(path string) error {
	err := os.Link(f.opened.Name(), path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return err
	case err != nil:
		return f.replace(path)
	}
	return errors.Join(os.Remove(f.opened.Name()), syncFolder(filepath.Dir(path)))
}

// replace gives a file that write made its name, whatever has it now.
func (f *file) replace(path string) error {
	if err := os.Rename(f.opened.Name(), path); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a new name last. Some file systems cannot do that for a folder, and need not.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	_ = f.Sync()
	return f.Close()
}
