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
	if _, err := walk(content); err != nil {
		f.Fatalf("a new file: %v", err)
	}
	f.Fuzz(func(_ *testing.T, content []byte) { _, _ = walk(content) })
}

func walk(content []byte) (values int, err error) {
	file := bytes.NewReader(content)
	m, err := readMeta(file)
	if err != nil {
		return 0, err
	}
	if uint64(len(content)) < m.pages*uint64(m.pageSize) {
		return 0, errCutOff
	}
	return walkPages(file, m)
}
