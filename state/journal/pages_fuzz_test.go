package journal

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
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
