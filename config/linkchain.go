package config

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links lead to a file at most.
const maxLinks = 40

// linkChain is the paths where changes of a file can show: every symbolic link on the way to it, and the file, or as far as
// the path leads. A link that is swapped, as Kubernetes does with `..data`, changes the file without an event on it.
func linkChain(path string) []string {
	var chain []string
	at, rest := ".", filepath.Clean(path)
	for links := 0; rest != ""; {
		if filepath.IsAbs(rest) {
			at, rest = string(filepath.Separator), strings.TrimLeft(rest, string(filepath.Separator))
			continue
		}
		var name string
		name, rest, _ = strings.Cut(rest, string(filepath.Separator))
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		switch {
		case err == nil && info.Mode().Type()&os.ModeSymlink != 0:
			chain = append(chain, next)
			target, err := os.Readlink(next)
			if links++; err != nil || links > maxLinks {
				return chain
			}
			rest = filepath.Join(target, rest)
		case err == nil && rest != "":
			at = next
		default:
			return append(chain, next)
		}
	}
	return chain
}
