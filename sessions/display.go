package sessions

import (
	"fmt"
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// shownRunes is the greatest length of what Display gives.
const shownRunes = 64

// Display is the id to read, never to compare: at most 64 characters, all of them visible. An id that is
// longer or has others is cut and ends in a hash of the whole, so that different ids look different.
func Display(id string) string {
	if utf8.RuneCountInString(id) <= shownRunes && !strings.ContainsFunc(id, hidden) {
		return id
	}
	h := fnv.New64a()
	h.Write([]byte(id))
	tail := fmt.Sprintf("…%016x", h.Sum64())
	shown := make([]rune, 0, shownRunes)
	for _, char := range id {
		if len(shown) == shownRunes-utf8.RuneCountInString(tail) {
			break
		}
		if hidden(char) {
			char = utf8.RuneError
		}
		shown = append(shown, char)
	}
	return string(shown) + tail
}

// hidden characters are not shown: control characters, those that turn the direction of text, invalid UTF-8.
func hidden(char rune) bool { return char == utf8.RuneError || !unicode.IsGraphic(char) }
