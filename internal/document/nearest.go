package document

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxShown is how many bytes of a text from a document a message repeats.
const maxShown = 48

// shown is a key of a document as a message names it.
func shown(key string) string {
	plain := key != "" && len(key) <= maxShown && utf8.ValidString(key) &&
		!strings.ContainsFunc(key, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
	if plain {
		return key
	}
	return Quote(key)
}

// Quote is text of a document as a message may repeat it.
func Quote(text string) string {
	if len(text) > maxShown {
		text = text[:maxShown] + "..."
	}
	return strconv.Quote(strings.ToValidUTF8(text, "?"))
}

// suggestion asks whether a mistyped text stands for one of some names.
func suggestion(text string, names []string) string {
	if near := nearest(text, names); near != "" {
		return ", did you mean " + near + "?"
	}
	return ""
}

// nearest is the name that a mistyped text most likely stands for; empty: none is near.
func nearest(text string, names []string) string {
	if len(text) > maxShown {
		return ""
	}
	// Case, and whether parts are joined by - or _, is the easiest to mistake.
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, "-", "_")) }
	best, distance := "", 1+max(1, min(2, len(text)/3))
	for _, name := range names {
		if d := editDistance(plain(text), plain(name)); d < distance {
			best, distance = name, d
		}
	}
	return best
}

// editDistance counts the bytes to add, drop, replace or swap with their neighbour.
func editDistance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
