package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// stamp tells whether a file is still the one that was read.
type stamp struct {
	info fs.FileInfo // nil: there is none
}

func (s stamp) same(other stamp) bool {
	if s.info == nil || other.info == nil {
		return s.info == nil && other.info == nil
	}
	return s.info.Size() == other.info.Size() && s.info.ModTime().Equal(other.info.ModTime()) &&
		s.info.Mode() == other.info.Mode() && os.SameFile(s.info, other.info)
}

// stampOf looks at a file, through links.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info}
}

// readFile reads a regular file of at most limit bytes, and stamps it before it reads. Its errors are to be put
// behind the file's name.
func readFile(path string, limit int64) ([]byte, stamp, error) {
	// To open a pipe would wait for a writer.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, stamp{}, unreadable(err)
	}
	defer func() { _ = f.Close() }() // nothing was written
	info, err := f.Stat()
	if err != nil {
		return nil, stamp{}, unreadable(err)
	}
	seen := stamp{info}
	if !info.Mode().IsRegular() {
		return nil, seen, errors.New("is not a regular file")
	}
	if info.Size() > limit {
		return nil, seen, tooLarge(limit)
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	switch n, err := data.ReadFrom(io.LimitReader(f, limit+1)); {
	case err != nil:
		return nil, seen, unreadable(err)
	case n > limit: // it grew meanwhile
		return nil, seen, tooLarge(limit)
	}
	return data.Bytes(), seen, nil
}

// unreadable drops the path, which the caller names already.
func unreadable(err error) error {
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

func tooLarge(limit int64) error {
	if limit >= 1<<20 {
		return fmt.Errorf("is too large; allowed: at most %d MiB", limit>>20)
	}
	return fmt.Errorf("is too large; allowed: at most %d KiB", limit>>10)
}

// beside joins a path of the configuration file to the folder of that file.
func beside(file, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(filepath.Dir(file), path)
}
