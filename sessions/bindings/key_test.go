package bindings_test

import (
	"strings"
	"testing"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

func TestKeyKeepsItsPartsApart(t *testing.T) {
	table := bindings.New(bindings.Config{HashKey: [16]byte{1, 2, 3}})
	long := strings.Repeat("x", 100_000)
	parts := [][3]string{
		{"", "", ""}, {"a", "", ""}, {"", "a", ""}, {"", "", "a"}, {"a", "b", "c"}, {"ab", "", "c"}, {"", "ab", "c"},
		{"a", "bc", ""}, {"a", "", "bc"}, {"a::b", "c", ""}, {"a", "b::c", ""}, {"a\x00", "b", ""}, {"a", "\x00b", ""},
		{"p", long, "m"}, {"p", long + "m", ""}, {"p", long[1:], "xm"}, {long, "i", "m"}, {"p", "i", long},
		{"claude", "header:1", "opus"}, {"Claude", "header:1", "opus"}, {"claude", "header:1", "Opus"},
	}
	seen := make(map[selector.SessionKey][3]string)
	for _, p := range parts {
		key := table.Key(p[0], p[1], p[2])
		if other, ok := seen[key]; ok {
			t.Errorf("Key(%.20q) = Key(%.20q)", p, other)
		}
		seen[key] = p
		if again := table.Key(p[0], p[1], p[2]); again != key {
			t.Errorf("Key(%.20q) = %v, then %v", p, key, again)
		}
	}
}

func TestKeyDependsOnTheHashKey(t *testing.T) {
	a, b := bindings.New(bindings.Config{}), bindings.New(bindings.Config{HashKey: [16]byte{15: 1}})
	if a.Key("p", "i", "m") == b.Key("p", "i", "m") {
		t.Error("tables with different hash keys give one key")
	}
}

func TestKeyOfTheLongestRequestAllocatesNothing(t *testing.T) {
	table := bindings.New(bindings.Config{})
	provider, id, model := strings.Repeat("p", 64), strings.Repeat("i", 300), strings.Repeat("m", 256)
	if got := testing.AllocsPerRun(100, func() { table.Key(provider, id, model) }); got > 0 {
		t.Errorf("Key allocates %v times", got)
	}
}
