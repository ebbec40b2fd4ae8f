package journal

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"

	"github.com/credbroker/credbroker/state"
)

// What a page with a head looks like, all in the byte order of the machine that wrote it. There are two copies, written in
// turn, with a checksum each.
const (
	headMagic   = 0xED0CDAED
	headVersion = 2
	headSize    = 64
	pageHeader  = 16
	noFreelist  = 1<<64 - 1
	// Pages have a size of 1 KiB to 64 KiB.
	minPage, maxPage = 1 << 10, 1 << 16
	// maxPages is far more than a state file has, and few enough to note which of them are used.
	maxPages = 1 << 26
)

// head is what bbolt knows of the file as a whole.
type head struct {
	pageSize uint32
	root     uint64 // page
	freelist uint64 // page
	pages    uint64 // that there must be
	txid     uint64
	copies   int // of two that are whole
}

// need is how long the file must be.
func (h *head) need() int64 {
	return int64(h.pages * uint64(h.pageSize)) //nolint:gosec // parseHead bounds both
}

// readHead returns the newer of the two that are whole.
func readHead(f io.ReaderAt) (best head, err error) {
	ours := false
	var b [headSize]byte
	for at := int64(0); at <= maxPage; at = max(2*at, minPage) {
		if best.copies > 0 && at != int64(best.pageSize) {
			continue
		}
		if n, _ := f.ReadAt(b[:], at+pageHeader); n < headSize { // the end of the file
			break
		}
		h, magic, whole := parseHead(b[:])
		ours = ours || magic
		// The second stands at the size of a page, and one with another size is an older file's rest.
		if !whole || at != 0 && at != int64(h.pageSize) {
			continue
		}
		copies := best.copies + 1
		if copies == 1 || h.txid > best.txid {
			best = h
		}
		best.copies = copies
	}
	switch {
	case best.copies > 0:
		return best, nil
	case ours:
		return head{}, fmt.Errorf("both copies of its head are broken: %w", state.ErrDamaged)
	}
	return head{}, errForeign
}

// parseHead reads one copy. Magic: it is one of bbolt's at all; whole: it is as it was written.
func parseHead(b []byte) (h head, magic, whole bool) {
	order := binary.NativeEndian
	if order.Uint32(b) != headMagic {
		return head{}, false, false
	}
	h = head{
		pageSize: order.Uint32(b[8:]), root: order.Uint64(b[16:]), freelist: order.Uint64(b[32:]),
		pages: order.Uint64(b[40:]), txid: order.Uint64(b[48:]),
	}
	sum := fnv.New64a()
	_, _ = sum.Write(b[:56])
	size := h.pageSize
	whole = order.Uint32(b[4:]) == headVersion && order.Uint64(b[56:]) == sum.Sum64() &&
		size >= minPage && size <= maxPage && size&(size-1) == 0 && h.pages <= maxPages
	return h, true, whole
}
