package config

import (
	"cmp"
	"os"
	"path"
	"path/filepath"
)

// writeFile writes a file below a folder so that a reader, and the next start, finds the old content or the new, and
// nobody else may read it. No link leads it out of the folder.
func writeFile(dir, rel string, data []byte) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	rel = filepath.FromSlash(rel)
	if err := root.MkdirAll(filepath.Dir(rel), 0o700); err != nil {
		return err
	}
	// Readers pass over names that begin with a dot. One that a crash left behind is in the way of nobody.
	temporary := filepath.Join(filepath.Dir(rel), "."+filepath.Base(rel)+".tmp")
	_ = root.Remove(temporary)
	err = writeNew(root, temporary, data)
	if err == nil {
		err = root.Rename(temporary, rel)
	}
	if err != nil {
		_ = root.Remove(temporary)
		return err
	}
	return syncFolder(root, filepath.Dir(rel))
}

func writeNew(root *os.Root, name string, data []byte) error {
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return cmp.Or(err, f.Close())
}

// syncFolder makes a new or changed name last.
func syncFolder(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return cmp.Or(d.Sync(), d.Close())
}

// removeFile removes a file below a folder for good.
func removeFile(dir, rel string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := root.Remove(filepath.FromSlash(rel)); err != nil {
		return err
	}
	return syncFolder(root, filepath.FromSlash(path.Dir(rel)))
}
