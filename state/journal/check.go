package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"time"

	"github.com/credbroker/credbroker/state"
)

// What a page of meta data looks like, all in the byte order of the machine that wrote it. There are two, written in turn.
const (
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64
	pageHeader  = 16
	noFreelist  = 1<<64 - 1
	// Pages have a size of 1 KiB to 64 KiB.
	minPage, maxPage = 1 << 10, 1 << 16
)

// meta is what bbolt knows of the file as a whole.
type meta struct {
	pageSize uint32
	root     uint64 // page
	freelist uint64 // page
	pages    uint64 // that there must be
	txid     uint64
	heads    int // of two that are whole
}

// finding is what check finds of a file that can be used.
type finding struct {
	// repair is what will be repaired; empty: nothing.
	repair string
	// values counts what the file holds, a binding or a record each.
	values int
}

// check looks at a file before bbolt maps it into memory, where a missing or misleading page would end the process.
func check(path string, timeout time.Duration) (found finding, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return found, err
	}
	defer f.Close() //nolint:errcheck // nothing was written
	// Whoever has the file may be writing to it right now.
	if err := lock(f, timeout); err != nil {
		return found, err
	}
	defer unlock(f)
	info, err := f.Stat()
	switch {
	case err != nil:
		return found, err
	case !info.Mode().IsRegular():
		return found, errForeign
	case info.Size() == 0:
		return found, errEmpty
	}
	m, err := readMeta(f)
	if err != nil {
		return found, err
	}
	if need := m.pages * uint64(m.pageSize); uint64(info.Size()) < need { //nolint:gosec // a size is not negative
		return found, fmt.Errorf("%w: %d bytes are there of %d", errCutOff, info.Size(), need)
	}
	if m.heads == 1 {
		// Power that fails during a save leaves one. So does damage, and then what the other one stood for is gone.
		found.repair = "one of the two heads of " + path + " was broken; what was saved last before it broke may be missing"
	}
	found.values, err = walkPages(f, m)
	return found, err
}

// readMeta returns the newer of the two that are whole.
func readMeta(f io.ReaderAt) (best meta, err error) {
	ours := false
	for at := int64(0); at <= maxPage; at = max(2*at, minPage) {
		var b [metaSize]byte
		if n, _ := f.ReadAt(b[:], at+pageHeader); n < metaSize { // the end of the file
			break
		}
		m, magic, whole := parseMeta(b[:])
		ours = ours || magic
		// The second stands at the size of a page, and one with another size is an older file's rest.
		if !whole || at != 0 && at != int64(m.pageSize) {
			continue
		}
		heads := best.heads + 1
		if heads == 1 || m.txid > best.txid {
			best = m
		}
		best.heads = heads
	}
	switch {
	case best.heads > 0:
		return best, nil
	case ours:
		return meta{}, fmt.Errorf("both copies of its head are broken: %w", state.ErrDamaged)
	}
	return meta{}, errForeign
}

// parseMeta reads one copy. Magic: it is one of bbolt's at all; whole: it is as it was written.
func parseMeta(b []byte) (m meta, magic, whole bool) {
	order := binary.NativeEndian
	if order.Uint32(b) != metaMagic {
		return meta{}, false, false
	}
	m = meta{
		pageSize: order.Uint32(b[8:]), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]),
		pages: order.Uint64(b[40:]), txid: order.Uint64(b[48:]),
	}
	sum := fnv.New64a()
	_, _ = sum.Write(b[:56])
	size := m.pageSize
	whole = order.Uint32(b[4:]) == metaVersion && order.Uint64(b[56:]) == sum.Sum64() &&
		size >= minPage && size <= maxPage && size&(size-1) == 0 && m.pages <= 1<<40
	return m, true, whole
}

// errPage is what walkPages says of a page.
func errPage(id uint64, what string) error {
	return fmt.Errorf("page %d %s: %w", id, what, state.ErrDamaged)
}

// isShort reports whether there was less to read than there should be.
func isShort(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
