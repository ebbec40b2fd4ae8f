package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/credbroker/credbroker/state"
)

// FuzzWalkPages: whatever a file holds, looking at it ends, and without a panic.
func FuzzWalkPages(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state.db")
	if err := create(path); err != nil {
		f.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	if err := walk(content); err != nil {
		f.Fatalf("a new file: %v", err)
	}
	f.Fuzz(func(_ *testing.T, content []byte) { _ = walk(content) })
}

func walk(content []byte) error {
	file := bytes.NewReader(content)
	h, err := readHead(file)
	if err != nil {
		return err
	}
	if int64(len(content)) < h.need() {
		return errCutOff
	}
	return walkPages(file, &h)
}

// Bbolt makes no bucket with buckets in it that has no pages of its own. Followed, they would fill the stack.
func TestBucketsInABucketWithoutPagesAreRefused(t *testing.T) {
	const size = minPage
	leaf := func(id, value int, content []byte) []byte { // with one element, a bucket under an empty name
		page := make([]byte, pageHeader+elementSize, size)
		binary.NativeEndian.PutUint64(page, uint64(id))
		binary.NativeEndian.PutUint16(page[8:], pageLeaf)
		binary.NativeEndian.PutUint16(page[10:], 1)
		binary.NativeEndian.PutUint32(page[pageHeader:], bucketFlag)
		binary.NativeEndian.PutUint32(page[pageHeader+4:], elementSize)
		binary.NativeEndian.PutUint32(page[pageHeader+12:], uint32(value))
		return append(page, content...)
	}
	empty := make([]byte, bucketHeader+pageHeader)
	binary.NativeEndian.PutUint16(empty[bucketHeader+8:], pageLeaf)
	for depth, want := range []error{nil, state.ErrDamaged, state.ErrDamaged} {
		bucket := empty
		for range depth {
			bucket = append(make([]byte, bucketHeader), leaf(0, len(bucket), bucket)...)
		}
		file := append(make([]byte, 2*size), leaf(2, len(bucket), bucket)...)
		file = append(file, make([]byte, size)...)
		err := walkPages(bytes.NewReader(file), &head{pageSize: size, root: 2, freelist: noFreelist, pages: 3})
		if !errors.Is(err, want) {
			t.Errorf("%d buckets deep: %v, want %v", depth, err, want)
		}
	}
}
