package config

import (
	"os"
	"path/filepath"
	"strings"
)

// maxLinks is how many symbolic links lead to a file at most.
const maxLinks = 40

// linkChain is the paths where changes of a file can show: the file and every symbolic link on the way to it. A link that is
// swapped, as Kubernetes does with `..data`, changes the file without an event on it.
type linkChain []string

// linkChainOf follows a path to the file, or as far as it goes.
func linkChainOf(path string) linkChain {
	var chain linkChain
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
		case err != nil:
			rest = ""
		case info.Mode().Type()&os.ModeSymlink != 0:
			target, err := os.Readlink(next)
			if links++; err != nil || links > maxLinks {
				target, rest = "", ""
			}
			chain = append(chain, next)
			rest = filepath.Join(target, rest)
			if target == "" {
				rest = ""
			}
			continue
		case rest != "":
			at = next
			continue
		}
		chain = append(chain, next)
	}
	return chain
}
