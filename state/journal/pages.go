package journal

import (
	"bytes"
	"encoding/binary"
	"io"
)

// What pages hold, and the sizes of what describes one element.
const (
	pageBranch   = 0x01
	pageLeaf     = 0x02
	pageFreelist = 0x10

	branchElement = 16
	leafElement   = 16
	bucketHeader  = 16
	bucketFlag    = 0x01
)

// walker follows all pages of a file. bbolt trusts what pages say, and would follow a wrong one into a panic, a fault or a
// circle.
type walker struct {
	file io.ReaderAt
	meta meta
	// used are the pages that something refers to: no two may refer to one.
	used []bool
	todo []uint64
	// values counts those in leaves.
	values int
}

// walkPages checks that the pages of a file hang together, and counts the values that they hold.
func walkPages(f io.ReaderAt, m meta) (values int, err error) {
	w := &walker{file: f, meta: m, used: make([]bool, m.pages)}
	if m.pages < 3 {
		return 0, errPage(0, "counts too few pages")
	}
	w.used[0], w.used[1] = true, true
	var buffer []byte
	if err := w.tree(m.root, &buffer); err != nil || m.freelist == noFreelist {
		return w.values, err
	}
	if err := w.want(m.freelist); err != nil {
		return 0, err
	}
	page, err := w.read(m.freelist, &buffer)
	if err != nil {
		return 0, err
	}
	return w.values, w.free(page)
}

// tree checks all pages that can be reached from one.
func (w *walker) tree(root uint64, buffer *[]byte) error {
	if err := w.want(root); err != nil {
		return err
	}
	for len(w.todo) > 0 {
		id := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		page, err := w.read(id, buffer)
		if err != nil {
			return err
		}
		if err := w.elements(id, page); err != nil {
			return err
		}
	}
	return nil
}

// want notes that something refers to a page.
func (w *walker) want(id uint64) error {
	if id >= w.meta.pages {
		return errPage(id, "is beyond the file")
	}
	if w.used[id] {
		return errPage(id, "is used twice")
	}
	w.used[id] = true
	w.todo = append(w.todo, id)
	return nil
}

// read returns a page with those that it goes on in.
func (w *walker) read(id uint64, buffer *[]byte) ([]byte, error) {
	size := uint64(w.meta.pageSize)
	var head [pageHeader]byte
	if _, err := w.file.ReadAt(head[:], int64(id*size)); err != nil { //nolint:gosec // within the file
		return nil, w.failed(id, err)
	}
	more := uint64(binary.NativeEndian.Uint32(head[12:]))
	if id+more >= w.meta.pages {
		return nil, errPage(id, "goes on beyond the file")
	}
	for i := id + 1; i <= id+more; i++ {
		if w.used[i] {
			return nil, errPage(i, "is used twice")
		}
		w.used[i] = true
	}
	if need := int((1 + more) * size); cap(*buffer) < need { //nolint:gosec // within the file
		*buffer = make([]byte, need)
	}
	page := (*buffer)[:(1+more)*size]
	if _, err := w.file.ReadAt(page, int64(id*size)); err != nil { //nolint:gosec // within the file
		return nil, w.failed(id, err)
	}
	if binary.NativeEndian.Uint64(page) != id {
		return nil, errPage(id, "has the number of another")
	}
	return page, nil
}

func (*walker) failed(id uint64, err error) error {
	if isShort(err) {
		return errPage(id, "is not there")
	}
	return err
}

// elements checks what a page of a tree holds.
func (w *walker) elements(id uint64, page []byte) error {
	flags, count := binary.NativeEndian.Uint16(page[8:]), int(binary.NativeEndian.Uint16(page[10:]))
	switch {
	case flags != pageBranch && flags != pageLeaf:
		return errPage(id, "is of no kind that belongs there")
	case pageHeader+count*leafElement > len(page):
		return errPage(id, "counts more than it has room for")
	case flags == pageBranch && count == 0:
		return errPage(id, "leads nowhere")
	}
	var before []byte
	for i := range count {
		at := pageHeader + i*leafElement
		element := w.branch
		if flags == pageLeaf {
			element = w.leaf
		}
		key, err := element(id, page, at)
		if err != nil {
			return err
		}
		if i > 0 && bytes.Compare(before, key) >= 0 {
			return errPage(id, "is out of order")
		}
		before = key
	}
	return nil
}

// branch checks an element that leads to another page, and returns its key.
func (w *walker) branch(id uint64, page []byte, at int) ([]byte, error) {
	e := page[at : at+branchElement]
	key, ok := part(page, at, binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:]))
	if !ok {
		return nil, errPage(id, "has a key outside")
	}
	return key, w.want(binary.NativeEndian.Uint64(e[8:]))
}

// leaf checks an element that holds a value, and returns its key.
func (w *walker) leaf(id uint64, page []byte, at int) ([]byte, error) {
	e := page[at : at+leafElement]
	flags, offset := binary.NativeEndian.Uint32(e), binary.NativeEndian.Uint32(e[4:])
	keySize, valueSize := binary.NativeEndian.Uint32(e[8:]), binary.NativeEndian.Uint32(e[12:])
	both, ok := part(page, at, offset, keySize+valueSize)
	if !ok || keySize+valueSize < keySize {
		return nil, errPage(id, "has a value outside")
	}
	key, value := both[:keySize], both[keySize:]
	if flags&bucketFlag == 0 {
		w.values++
		return key, nil
	}
	return key, w.bucket(id, value)
}

// bucket checks the root of a bucket: a page of its own, or one in the value where it is small.
func (w *walker) bucket(id uint64, value []byte) error {
	if len(value) < bucketHeader {
		return errPage(id, "has a bucket that is cut off")
	}
	if root := binary.NativeEndian.Uint64(value); root != 0 {
		return w.want(root)
	}
	inline := value[bucketHeader:]
	if len(inline) < pageHeader || binary.NativeEndian.Uint16(inline[8:]) != pageLeaf {
		return errPage(id, "has a bucket that is cut off")
	}
	return w.elements(id, inline)
}

// part is what an element at a place refers to.
func part(page []byte, at int, offset, size uint32) ([]byte, bool) {
	from := uint64(at) + uint64(offset) //nolint:gosec // a place in a page
	to := from + uint64(size)
	if to > uint64(len(page)) || from < pageHeader {
		return nil, false
	}
	return page[from:to], true
}

// free checks that the pages which are said to be free are used by nobody.
func (w *walker) free(page []byte) error {
	id := w.meta.freelist
	if binary.NativeEndian.Uint16(page[8:]) != pageFreelist {
		return errPage(id, "is no list of free pages")
	}
	const entry = 8
	count, list := uint64(binary.NativeEndian.Uint16(page[10:])), page[pageHeader:]
	if count == 0xFFFF { // the true count is the first entry
		count, list = binary.NativeEndian.Uint64(list), list[entry:]
	}
	if count > uint64(len(list)/entry) {
		return errPage(id, "counts more than it has room for")
	}
	for i := range count {
		free := binary.NativeEndian.Uint64(list[i*entry:])
		if free >= w.meta.pages {
			return errPage(free, "is beyond the file")
		}
		if w.used[free] {
			return errPage(free, "is free and used")
		}
		w.used[free] = true
	}
	return nil
}
