package bindings

import (
	"testing"
	"unsafe"
)

// What a hit costs depends on the lines of the cache that records fill.
func TestRecordsFillLinesOfTheCache(t *testing.T) {
	for name, sizes := range map[string][2]uintptr{
		"bindingRecord": {unsafe.Sizeof(bindingRecord{}), 64},
		"idRecord":      {unsafe.Sizeof(idRecord{}), 32},
		"indexBucket":   {unsafe.Sizeof(indexBucket{}), 64},
	} {
		if sizes[0] != sizes[1] {
			t.Errorf("%s takes %d bytes, want %d", name, sizes[0], sizes[1])
		}
	}
}
