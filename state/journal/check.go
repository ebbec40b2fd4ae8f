package journal

import "fmt"

// check looks at a file before bbolt maps it into memory, where a missing or misleading page would end the process. Repair
// says what will be repaired; empty: nothing. What becomes of a file of which a part is not what was written:
//
//	the end, all of it        refused: it is cut off, it is empty; it is no state file
//	one of its two heads      opened with a note; both: refused
//	what leads to a page      refused: page 9 is used twice, is out of order, has the number of another
//	a key, a count            refused: the key session is not what was written
//	a record                  refused, when it is loaded: the record of "identity:a" is not what was written
//	a binding, an identity    dropped with a note, and the file is written anew
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
