package selector

import (
	"testing"
	"unsafe"
)

// A pick out of many auths waits for memory, so it is to touch one line of a member.
func TestMembersFillCacheLines(t *testing.T) {
	const line = 64
	var m member
	if size := unsafe.Sizeof(m); size%line != 0 {
		t.Errorf("a member takes %d bytes, want a multiple of %d", size, line)
	}
	if end := unsafe.Offsetof(m.halfOpen) + unsafe.Sizeof(m.halfOpen); end > line {
		t.Errorf("what a pick reads ends at byte %d, want %d at most", end, line)
	}
}
