package journal

import (
	"fmt"
	"os"
	"time"
)

// check looks at a file before bbolt maps it into memory, where a missing or misleading page would end the process. Repair
// says what will be repaired; empty: nothing.
func check(path string, timeout time.Duration) (repair string, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	// Whoever has the file may be writing to it right now.
	if err := lock(f, timeout); err != nil {
		return "", err
	}
	defer unlock(f)
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", errForeign
	case info.Size() == 0:
		return "", errEmpty
	}
	h, err := readHead(f)
	if err != nil {
		return "", err
	}
	if info.Size() < h.need() {
		return "", fmt.Errorf("%w: %d bytes are there of %d", errCutOff, info.Size(), h.need())
	}
	if h.copies == 1 {
		// Power that fails during a save leaves one. So does damage, and then what the other one stood for is gone.
		repair = "one of the two heads of " + path + " was broken; what was saved last before it broke may be missing"
	}
	return repair, walkPages(f, &h)
}
