package config

import (
	"fmt"
	"io/fs"

	"github.com/credbroker/credbroker/internal/document"
)

// othersRead are the permissions by which others than the owner can read a file.
const othersRead = 0o044

// exposed tells whether group or others can read the file.
func (s stamp) exposed() bool { return s.info != nil && s.info.Mode().Perm()&othersRead != 0 }

func exposure(mode fs.FileMode) string {
	return fmt.Sprintf("holds a secret, and its group or others can read it (mode %04o); chmod 600 is enough for the broker", mode.Perm())
}

// readSecret is readFile for a file that only the broker should read.
func (l *loader) readSecret(v document.Value, name string, limit int64) ([]byte, bool) {
	data, ok := l.readFile(v, name, limit)
	if ok {
		l.noteExposed(name)
	}
	return data, ok
}

// noteExposed notes a file with a secret that others can read.
func (l *loader) noteExposed(name string) {
	if seen := stampOf(name); seen.exposed() {
		if l.into.exposed == nil {
			l.into.exposed = make(map[string]fs.FileMode)
		}
		l.into.exposed[name] = seen.info.Mode()
	}
}

// exposures warns of files with secrets that others can read: each that the configuration names, and the first one of each
// folder of auth files.
func (s *Source) exposures() Problems {
	var list Problems
	for name, mode := range s.config.exposed {
		list = append(list, Problem{File: name, Message: exposure(mode)})
	}
	for _, f := range s.folders {
		first, count := "", 0
		for path, known := range f.files {
			if !known.stamp.exposed() || isEncrypted(path) {
				continue
			}
			if count++; count == 1 || path < first {
				first = path
			}
		}
		if count == 0 {
			continue
		}
		message := exposure(f.files[first].stamp.info.Mode())
		if count > 1 {
			message += fmt.Sprintf("; auth files of the folder that this is true of: %d", count)
		}
		list = append(list, Problem{File: f.real(first), Message: message})
	}
	return list
}
