package journal

import "fmt"

// check looks at a file before bbolt maps it into memory, where a missing or misleading page would end the process. Repair
// says what will be repaired; empty: nothing.
func (f *file) check() (repair string, err error) {
	size := f.info.Size()
	switch {
	case !f.info.Mode().IsRegular():
		return "", errForeign
	case size == 0:
		return "", errEmpty
	}
	h, err := readHead(f.opened)
	if err != nil {
		return "", err
	}
	if size < h.need() {
		return "", fmt.Errorf("%w: %d bytes are there of %d", errCutOff, size, h.need())
	}
	if h.copies == 1 {
		// Power that fails during a save leaves one. So does damage, and then what the other one stood for is gone.
		repair = "one of the two heads of " + f.opened.Name() + " was broken; what was saved last before it broke may be missing"
	}
	return repair, walkPages(f.opened, &h)
}
