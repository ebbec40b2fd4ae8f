package journal

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/credbroker/credbroker/state"
)

// What pages hold. Both kinds of element have the same size.
const (
	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	elementSize  = 16
	bucketHeader = 16
	bucketFlag   = 0x01
)

// walker follows all pages of a file as bbolt would, which trusts them: two references to one page would send it in circles
// until memory runs out, and a free page that is in use would be written over. Checksums cannot tell, as bbolt has followed
// its pages by the time it hands over a value.
type walker struct {
	file io.ReaderAt
	head *head
	// used are the pages that something refers to: no two may refer to one.
	used   []bool
	todo   []reference
	buffer []byte
}

// reference to a page, and where its keys must lie: from one on, and before another; nil: anywhere. A bucket that is inline has
// no page of its own, and no buckets in it.
type reference struct {
	page         uint64
	from, before []byte
	inline       bool
}

// walkPages checks that the pages of a file hang together. Where a page leads outside of itself, the panic is the answer.
func walkPages(f io.ReaderAt, h *head) error {
	return guarded(func() error {
		if h.pages < 3 {
			return errPage(0, "counts too few pages")
		}
		w := &walker{file: f, head: h, used: make([]bool, h.pages), todo: []reference{{page: h.root}}}
		w.used[0], w.used[1] = true, true
		for len(w.todo) > 0 {
			next := w.todo[len(w.todo)-1]
			w.todo = w.todo[:len(w.todo)-1]
			page, err := w.read(next.page)
			if err == nil {
				err = w.elements(page, next)
			}
			if err != nil {
				return err
			}
		}
		return w.free()
	})
}

// read returns a page with those that it goes on in, and notes that they are used.
func (w *walker) read(id uint64) ([]byte, error) {
	if id >= w.head.pages {
		return nil, errPage(id, "is beyond the file")
	}
	page, err := w.bytes(id, 1)
	if err != nil {
		return nil, err
	}
	more := uint64(binary.NativeEndian.Uint32(page[12:]))
	if id+more >= w.head.pages {
		return nil, errPage(id, "goes on beyond the file")
	}
	for i := id; i <= id+more; i++ {
		if w.used[i] {
			return nil, errPage(i, "is used twice")
		}
		w.used[i] = true
	}
	if more > 0 {
		if page, err = w.bytes(id, 1+more); err != nil {
			return nil, err
		}
	}
	if binary.NativeEndian.Uint64(page) != id {
		return nil, errPage(id, "has the number of another")
	}
	return page, nil
}

// bytes of some pages that follow each other; the next call writes over them.
func (w *walker) bytes(id, count uint64) ([]byte, error) {
	size := uint64(w.head.pageSize)
	if uint64(len(w.buffer)) < count*size {
		w.buffer = make([]byte, count*size)
	}
	page := w.buffer[: count*size : count*size]
	_, err := w.file.ReadAt(page, int64(id*size)) //nolint:gosec // within the file
	return page, err
}

// elements checks what a page of a tree holds, and notes the pages that it refers to.
func (w *walker) elements(page []byte, r reference) error {
	kind, count := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	if kind != pageLeaf && (kind != pageBranch || count == 0) {
		return errPage(r.page, "is of no kind that belongs there")
	}
	last := r.from
	for i := range count {
		key, value, target := element(page, pageHeader+i*elementSize, kind)
		if order := bytes.Compare(key, last); order < 0 || order == 0 && i > 0 || r.before != nil && bytes.Compare(key, r.before) >= 0 {
			return errPage(r.page, "is out of order")
		}
		last = key
		switch {
		case kind == pageBranch:
			key = bytes.Clone(key)
			if i > 0 {
				w.todo[len(w.todo)-1].before = key
			}
			w.todo = append(w.todo, reference{page: target, from: key, before: r.before})
		case target&bucketFlag == 0: // it is a value
		case r.inline:
			return errPage(r.page, "holds buckets in a bucket without pages")
		case binary.NativeEndian.Uint64(value) != 0: // it is a bucket with pages of its own
			w.todo = append(w.todo, reference{page: binary.NativeEndian.Uint64(value)})
		default:
			if err := w.elements(value[bucketHeader:len(value):len(value)], reference{page: r.page, inline: true}); err != nil {
				return err
			}
		}
	}
	return nil
}

// element returns what stands at a place of a page. The target is a page, or flags in a leaf.
func element(page []byte, at int, kind uint16) (key, value []byte, target uint64) {
	number := func(i int) uint64 { return uint64(binary.NativeEndian.Uint32(page[at+i:])) }
	if kind == pageBranch {
		from := uint64(at) + number(0) //nolint:gosec // a place in a page
		return page[from : from+number(4)], nil, binary.NativeEndian.Uint64(page[at+8:])
	}
	from := uint64(at) + number(4) //nolint:gosec // a place in a page
	middle := from + number(8)
	return page[from:middle], page[middle : middle+number(12)], number(0)
}

// free checks that the pages which are said to be free are used by nobody.
func (w *walker) free() error {
	if w.head.freelist == noFreelist {
		return nil
	}
	page, err := w.read(w.head.freelist)
	if err != nil {
		return err
	}
	if binary.NativeEndian.Uint16(page[8:]) != pageFreelist {
		return errPage(w.head.freelist, "is no list of free pages")
	}
	const entry = 8
	count, list := uint64(binary.NativeEndian.Uint16(page[10:])), page[pageHeader:]
	if count == 0xFFFF { // the true count is the first entry
		count, list = binary.NativeEndian.Uint64(list), list[entry:]
	}
	for i := range count {
		id := binary.NativeEndian.Uint64(list[i*entry:])
		if w.used[id] {
			return errPage(id, "is free and used")
		}
		w.used[id] = true
	}
	return nil
}

// errPage is what is wrong with a page.
func errPage(id uint64, what string) error {
	return fmt.Errorf("page %d %s: %w", id, what, state.ErrDamaged)
}
