package verdict

import (
	"encoding/binary"
	"strings"
)

// Eight bytes at a time: ones has a 1 in each, highs their highest bits.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
	word  = 8
)

const pieceSize = 512 // bytes that are folded at a time, on the stack: the text is copied once

// upperIn returns the highest bit of each byte that is an ASCII capital.
func upperIn(w uint64) uint64 {
	rest := w &^ highs
	fromA, beyondZ := rest+(0x80-'A')*ones, rest+(0x80-'Z'-1)*ones
	return fromA &^ beyondZ &^ w & highs
}

// lower returns s with ASCII letters in lower case: phrases, codes and header names are ASCII, and bytes that are not text
// stay as they are.
func lower(s string) string {
	first := 0
	for first < len(s) && (s[first] < 'A' || s[first] > 'Z') {
		first++
	}
	if first == len(s) {
		return s
	}
	var folded strings.Builder
	folded.Grow(len(s))
	folded.WriteString(s[:first])
	var piece [pieceSize]byte
	for rest := s[first:]; rest != ""; {
		n := copy(piece[:], rest)
		lowerIn(piece[:n])
		folded.Write(piece[:n])
		rest = rest[n:]
	}
	return folded.String()
}

func lowerIn(b []byte) {
	i := 0
	for ; i+word <= len(b); i += word {
		w := binary.LittleEndian.Uint64(b[i:])
		binary.LittleEndian.PutUint64(b[i:], w|upperIn(w)>>2)
	}
	for ; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
}

// contractions are written out, in this order: the same is said with them and without.
var contractions = [...]struct{ short, long string }{
	{"can't", "can not"}, {"cannot", "can not"}, {"won't", "will not"}, {"n't", " not"}, {"'ve", " have"}, {"'re", " are"}, {"'ll", " will"},
}

// folded returns a text as phrases are written: in lower case, `isn't` and `is not` alike.
func folded(s string) string { return spelledOut(strings.ReplaceAll(lower(s), "\u2019", "'")) }

func spelledOut(s string) string {
	if !strings.Contains(s, "'") && !strings.Contains(s, "cannot") {
		return s
	}
	for _, c := range contractions {
		s = strings.ReplaceAll(s, c.short, c.long)
	}
	return s
}
