package sessions

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// maxID is the greatest length in bytes of an id that a request names, its prefix not counted.
const maxID = 256

// validID returns an id without the white space around it, if it is one: at most maxID bytes, and no control character
// even in the white space.
func validID(text string) (id string, ok bool) {
	id = strings.TrimSpace(text)
	if id == "" || len(id) > maxID || strings.ContainsFunc(text, unicode.IsControl) {
		return "", false
	}
	return id, true
}

// idOf is the id that a value of the body names. It reads on only while the text can still be one.
func idOf(v jsonscan.Value) (id string, ok bool) {
	var buf, kept [maxID]byte
	n, full := 0, false
	r := v.Text()
	for piece := r.Next(buf[:]); len(piece) > 0; piece = r.Next(buf[:]) {
		for len(piece) > 0 {
			char, size := utf8.DecodeRune(piece)
			space := unicode.IsSpace(char)
			full = full || n+size > maxID
			switch {
			case unicode.IsControl(char), full && !space:
				return "", false
			case space && n == 0, full:
				// White space around an id does not count, however long it is.
			default:
				n += copy(kept[n:], piece[:size])
			}
			piece = piece[size:]
		}
	}
	return validID(string(kept[:n]))
}

// claudeID is the session in Claude Code's `metadata.user_id`: at its end, or a member of the JSON that it holds.
func claudeID(userID jsonscan.Value) (id string, ok bool) {
	switch userID.Kind {
	case jsonscan.String, jsonscan.Object, jsonscan.Array:
	default:
		return "", false
	}
	if id, ok = sessionSuffix(userID.Text()); ok {
		return id, true
	}
	var first [1]byte
	r := userID.Text()
	if r.Head(first[:]) == 0 || first[0] != '{' {
		return "", false
	}
	inner := jsonscan.At(r.All(), 0)
	return idOf(inner.Get("session_id"))
}

// sessionSuffix is what follows `_session_` at the end of a text, if it is an id of the digits a-f, 0-9 and `-`.
func sessionSuffix(r jsonscan.Text) (id string, ok bool) {
	const mark = "_session_"
	const enough = len(mark) + maxID
	var buf [1024]byte
	var last [2 * enough]byte
	end := last[:0]
	for piece := r.Next(buf[:]); len(piece) > 0; piece = r.Next(buf[:]) {
		piece = piece[max(0, len(piece)-enough):]
		end = append(end[:0], end[max(0, len(end)+len(piece)-len(last)):]...)
		end = append(end, piece...)
	}
	before := bytes.TrimRight(end, "abcdef0123456789-")
	id = string(end[len(before):])
	return id, id != "" && len(id) <= maxID && bytes.HasSuffix(before, []byte(mark))
}
