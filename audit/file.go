package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	fileMode = 0o600
	// seqDigits is the width of numbers behind the names of rotated files, so that names sort as the files do.
	seqDigits = 20
	// maxLine is more than the longest line has.
	maxLine = 256 << 10
)

// file is the file that is written to.
type file struct {
	conf  *Config
	f     *os.File // nil: there is none at the moment
	size  int64    // of the whole lines in it
	first uint64   // number of its first line; 0: it has none
	dirty bool     // part of a line may stand behind them
}

// openFile goes on where the last line of the newest file is, which it makes the last one of the chain.
func openFile(c *Config, at *chain) (*file, error) {
	f := &file{conf: c}
	if err := f.open(); err != nil {
		return nil, err
	}
	var torn int64
	var err error
	if f.size > 0 {
		torn, err = f.resume(c.Path, at)
	}
	if err == nil && f.size == 0 {
		// Killed before the first line of the file, or nothing was there before.
		err = resumeRotated(c.Path, at)
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	if torn > 0 {
		c.Note(fmt.Sprintf("%s ended with %d bytes of a line that was not finished; they were removed", c.Path, torn))
	}
	return f, nil
}

// open opens the file at the path, for its owner alone.
func (f *file) open() error {
	opened, err := os.OpenFile(f.conf.Path, os.O_RDWR|os.O_APPEND|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	info, err := opened.Stat()
	if err == nil && info.Mode().Perm() != fileMode {
		err = opened.Chmod(fileMode)
	}
	if err == nil {
		err = lock(opened)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("%s: %w", f.conf.Path, err), opened.Close())
	}
	f.f, f.size, f.first, f.dirty = opened, info.Size(), 0, false
	return nil
}

// resume reads the last line of the file. Part of a line behind it is removed.
func (f *file) resume(name string, at *chain) (torn int64, err error) {
	end, torn, err := lastLine(f.f, name, at)
	if err != nil {
		return 0, err
	}
	f.size, f.dirty = end-torn, torn > 0
	if f.size > 0 {
		f.first, err = firstSeq(name)
	}
	return torn, errors.Join(err, f.clean())
}

// resumeRotated reads the last line of the newest rotated file, if there is one.
func resumeRotated(path string, at *chain) error {
	rotated, err := rotatedFiles(path)
	if err != nil || len(rotated) == 0 {
		return err
	}
	newest := rotated[len(rotated)-1]
	from, err := os.Open(newest)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	_, _, err = lastLine(from, newest, at)
	return err
}

// lastLine makes the last whole line of a file that of the chain, and returns the size of the file and of what stands behind the line.
func lastLine(from *os.File, name string, at *chain) (size, torn int64, err error) {
	size, err = from.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, 0, err
	}
	window := make([]byte, min(size, maxLine))
	if _, err := from.ReadAt(window, size-int64(len(window))); err != nil {
		return 0, 0, err
	}
	whole := window[:bytes.LastIndexByte(window, '\n')+1]
	torn = int64(len(window) - len(whole))
	if len(whole) == 0 {
		if torn == maxLine {
			err = fmt.Errorf("%s is no audit log", name)
		}
		return size, torn, err
	}
	text := whole[bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1 : len(whole)-1]
	last, ok := at.read(text)
	if !ok || !last.whole {
		return 0, 0, fmt.Errorf("the last line of %s was changed, or made with another key: move the files of this log away, or give it its key", name)
	}
	at.last, at.hash = last.seq, last.hash
	return size, torn, nil
}

// clean removes part of a line that could not be written whole.
func (f *file) clean() error {
	if !f.dirty {
		return nil
	}
	if err := f.f.Truncate(f.size); err != nil {
		return err
	}
	f.dirty = false
	return nil
}

// room is how many bytes may be written before the file is full. A full one is rotated first; next is the number of the next line.
func (f *file) room(next uint64) (int64, error) {
	if err := f.follow(); err != nil {
		return 0, err
	}
	if f.size > 0 && f.size >= f.conf.MaxSize {
		if err := f.rotate(); err != nil {
			return 0, err
		}
	}
	if f.first == 0 {
		f.first = next
	}
	return f.conf.MaxSize - f.size, nil
}

// follow sees to it that what is written to is what is at the path.
func (f *file) follow() error {
	if f.f != nil {
		there, err := os.Stat(f.conf.Path)
		own, ownErr := f.f.Stat()
		switch {
		case ownErr != nil:
			return ownErr
		case err != nil || !os.SameFile(there, own):
			f.conf.Note(f.conf.Path + " was moved or removed by somebody else; another one is begun")
			_ = f.f.Close()
			f.f = nil
		case own.Size() != f.size && !f.dirty:
			f.conf.Note(fmt.Sprintf("%s was changed by somebody else: it has %d bytes in place of %d", f.conf.Path, own.Size(), f.size))
			f.size = own.Size()
		}
	}
	if f.f != nil {
		return f.clean()
	}
	if err := f.open(); err != nil || f.size == 0 {
		return err
	}
	var err error
	f.first, err = firstSeq(f.conf.Path)
	return err
}

// write adds whole lines.
func (f *file) write(lines []byte) error {
	if _, err := f.f.Write(lines); err != nil {
		f.dirty = true
		return errors.Join(err, f.clean())
	}
	f.size += int64(len(lines))
	return nil
}

func (f *file) sync() error {
	if f.f == nil {
		return nil
	}
	return f.f.Sync()
}

func (f *file) close() error {
	if f.f == nil {
		return nil
	}
	return f.f.Close()
}

// rotate gives the file its number, begins the next one, and removes the oldest.
func (f *file) rotate() error {
	if err := f.f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.conf.Path, fmt.Sprintf("%s.%0*d", f.conf.Path, seqDigits, f.first)); err != nil {
		return err
	}
	_ = f.f.Close()
	f.f = nil
	if err := f.open(); err != nil {
		return err
	}
	if err := syncFolder(filepath.Dir(f.conf.Path)); err != nil {
		return err
	}
	return f.prune()
}

func (f *file) prune() error {
	rotated, err := rotatedFiles(f.conf.Path)
	if err != nil || f.conf.Keep == 0 {
		return err
	}
	for _, old := range rotated[:max(0, len(rotated)-f.conf.Keep)] {
		if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// rotatedFiles are the files that were rotated away from a path, the oldest first.
func rotatedFiles(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), filepath.Base(path)+".")
		if _, err := strconv.ParseUint(number, 10, 64); ok && err == nil && len(number) == seqDigits {
			names = append(names, filepath.Join(filepath.Dir(path), e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}

// firstSeq is the number of the first line of a file.
func firstSeq(name string) (uint64, error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	text, err := bufio.NewReaderSize(f, maxLine).ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	c := newChain(nil)
	first, ok := c.read(bytes.TrimSuffix(text, []byte("\n")))
	if !ok {
		return 0, fmt.Errorf("%s does not begin with a line of an audit log", name)
	}
	return first.seq, nil
}
