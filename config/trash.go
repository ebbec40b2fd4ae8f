package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/credbroker/credbroker/internal/document"
)

// Trash is how long auth files are kept that were deleted or replaced.
type Trash struct {
	// TTL of a file in the trash; 0: none is kept.
	TTL time.Duration
}

const (
	// trashFolder lies in a folder of auth files. Readers pass over names that begin with a dot.
	trashFolder = ".trash"
	// trashSuffix hides files from programs that look for auth files below dots, too.
	trashSuffix = ".old"
	// trashTime names the folder of one file by when it came: sorted by name they are sorted by time.
	trashTime = "20060102T150405.000000000Z"

	maxTrashFiles = 1000
	// maxTrashName leaves room for what is added to the name of a file.
	maxTrashName  = 240
	maxTrashBytes = 64 << 20
	// trashAtOnce is how many files can come at one reading of the clock.
	trashAtOnce = 1000
	// trashRound is the time between looks for files that are over.
	trashRound = 24 * time.Hour
)

func trash(t *Trash) document.Type {
	return document.Object(document.Keys{
		"ttl": document.Duration(&t.TTL, 0, maxTTL).Doc("How long the file of an auth is kept, in the folder .trash of its folder of auth files, after " +
			"DeleteAuth or a PutAuth with a secret took it away: 0s to 8784h. 0s: no file is kept."),
	})
}

// discard keeps a copy of an auth file that is about to go. A link is none, for what it leads to stays; nor is what is too large
// for an auth file. An error means that there is no copy.
func (s *Source) discard(at location) error {
	if s.config.Trash.TTL == 0 {
		return nil
	}
	if err := at.folder.discard(at.path, s.now(), s.encryption); err != nil {
		return fmt.Errorf("keep a copy in %s: %w", trashFolder, err)
	}
	at.folder.sweep(s.now(), s.config.Trash.TTL)
	return nil
}

func (f *folder) discard(from string, now time.Time, e *encryption) error {
	root, err := os.OpenRoot(f.root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	name := filepath.FromSlash(from)
	info, err := root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (!info.Mode().IsRegular() || info.Size() > maxEncrypted) {
		return nil
	}
	if err != nil {
		return err
	}
	data, err := root.ReadFile(name)
	if err != nil {
		return err
	}
	dir, base := path.Split(from)
	name = dir + base[:min(len(base), maxTrashName)] + trashSuffix
	if e != nil && !isEncrypted(from) {
		name += encryptedSuffix
		if data, err = e.encrypt(data); err != nil {
			return err
		}
	}
	kept, err := newTrash(root, now)
	if err != nil {
		return err
	}
	kept += "/" + name
	if err := writeFile(f.root, kept, data); err != nil {
		return err
	}
	for kept = path.Dir(kept); kept != "."; { // the names of new folders must last, too
		kept = path.Dir(kept)
		if err := syncFolder(root, filepath.FromSlash(kept)); err != nil {
			return err
		}
	}
	return nil
}

// newTrash makes the folder of one file.
func newTrash(root *os.Root, now time.Time) (name string, err error) {
	if err := root.Mkdir(trashFolder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := root.Chmod(trashFolder, 0o700); err != nil {
		return "", err
	}
	for i := range trashAtOnce {
		name = trashFolder + "/" + now.UTC().Format(trashTime)
		if i > 0 {
			name += "-" + strconv.Itoa(i)
		}
		if err = root.Mkdir(name, 0o700); !errors.Is(err, fs.ErrExist) {
			return name, err
		}
	}
	return "", err
}

// sweepTrash removes what is over in the trash of every folder.
func (s *Source) sweepTrash() {
	s.changing.Lock()
	defer s.changing.Unlock()
	for _, f := range s.folders {
		f.sweep(s.now(), s.config.Trash.TTL)
	}
	s.publish(false)
}

// sweep removes from the trash what is over, and the oldest beyond its bounds. What was not put there by a discard is left alone.
func (f *folder) sweep(now time.Time, ttl time.Duration) {
	f.trashFault = nil
	if err := f.sweepUntil(now, ttl); err != nil && !errors.Is(err, fs.ErrNotExist) {
		f.trashFault = Problems{{File: f.real(trashFolder), Message: fmt.Sprintf("cannot be emptied: %s", unreadable(err))}}
	}
}

func (f *folder) sweepUntil(now time.Time, ttl time.Duration) error {
	root, err := os.OpenRoot(f.root)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(root.FS(), trashFolder)
	if err != nil {
		return err
	}
	files, bytes, full := 0, int64(0), false
	for _, e := range slices.Backward(entries) {
		since, err := time.Parse(trashTime, e.Name()[:min(len(e.Name()), len(trashTime))])
		if err != nil || !e.IsDir() {
			continue
		}
		name := trashFolder + "/" + e.Name()
		size, err := sizeOf(root, name)
		if err != nil {
			return err
		}
		full = full || files == maxTrashFiles || bytes+size > maxTrashBytes
		if !full && now.Sub(since) < ttl {
			files++
			bytes += size
			continue
		}
		if err := root.RemoveAll(name); err != nil {
			return err
		}
	}
	return nil
}

// sizeOf is how many bytes a folder holds.
func sizeOf(root *os.Root, dir string) (size int64, err error) {
	err = fs.WalkDir(root.FS(), dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
