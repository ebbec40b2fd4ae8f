package verdict_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/verdict"
)

// TestLower: ASCII letters change, every other byte stays.
func TestLower(t *testing.T) {
	if text := strings.Repeat("Some Words. ", 1000); verdict.Lower(text) != strings.ToLower(text) {
		t.Error("Lower of a long text is not the text in lower case")
	}
	for b := range 256 {
		for index := range 17 {
			text := strings.Repeat("x", index) + string([]byte{byte(b)}) + strings.Repeat("\xc3\x89", 8)
			want := []byte(text)
			if 'A' <= b && b <= 'Z' {
				want[index] += 'a' - 'A'
			}
			if got := verdict.Lower("Z" + text); got != "z"+string(want) {
				t.Fatalf("Lower(%q) = %q, want %q", "Z"+text, got, "z"+string(want))
			}
		}
	}
}
