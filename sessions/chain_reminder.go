package sessions

import (
	"bytes"
	"slices"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// reminderTags are what clients put around words of their own among those of the person: Claude Code and Qwen Code, goose.
var reminderTags = [...]struct{ begin, end string }{
	{"<system-reminder>", "</system-reminder>"},
	{"<info-msg>", "</info-msg>"},
}

// addWords adds a text of a message, unless it is a reminder among the person's: then it does not count.
func (c *chain) addWords(v jsonscan.Value, of author) (counts bool) {
	letter := byte(userText)
	if of == assistant {
		letter = assistantText
	}
	if mayBeginWithTag(v) {
		begins := !c.inText || c.author != of
		trimmed := v.TrimLeft()
		if !c.inText {
			v = trimmed // the white space before a text does not count
		}
		switch {
		case of != assistant && c.isReminder(trimmed):
			return false
		case of == assistant && begins:
			v = withoutThoughts(v)
		}
	}
	c.startTurn(of)
	c.addText(letter, v)
	return true
}

// mayBeginWithTag: the first character is the one of tags, or an escape or white space, before which may be one.
func mayBeginWithTag(v jsonscan.Value) bool {
	return len(v.Raw) > 0 && (v.Raw[0] == '<' || v.Raw[0] == '\\' || v.Raw[0] <= ' ')
}

// isReminder reports whether a text, without white space before it, is one reminder, from tag to tag. The client wrote it, in
// place of instructions, and may leave it out of the history.
func (c *chain) isReminder(v jsonscan.Value) bool {
	for _, tag := range reminderTags {
		if _, ok := cutTag(v, tag.begin); ok {
			return c.endsWith(v.TrimRight(), tag.end)
		}
	}
	return false
}

// endsWith reports whether a text has the end tag at its end and nowhere else, or was shortened before it.
func (c *chain) endsWith(v jsonscan.Value, tag string) bool {
	text := v.Raw
	if v.NonCanonical {
		text = c.decode(v)
	}
	if end := bytes.Index(text, []byte(tag)); end >= 0 {
		return end+len(tag) == len(text)
	}
	return wasShortened(text)
}

// wasShortened reports whether a recorder of requests kept only the beginning of a text: it ends in ` ~LENGTH~HASH` then, which no
// client writes. So recordings can be played.
func wasShortened(text []byte) bool {
	const longestMark, hashLength = 32, 12
	mark := text[max(0, len(text)-longestMark):]
	begin := bytes.LastIndex(mark, []byte(" ~"))
	if begin < 0 {
		return false
	}
	length, hash, ok := bytes.Cut(mark[begin+2:], []byte("~"))
	return ok && len(length) > 0 && len(hash) == hashLength &&
		len(bytes.Trim(length, "0123456789")) == 0 && len(bytes.Trim(hash, "0123456789abcdef")) == 0
}

// decode is a text without its escapes. It is valid until the next is decoded.
func (c *chain) decode(v jsonscan.Value) []byte {
	c.decoded = appendText(slices.Grow(c.decoded[:0], len(v.Raw)), v.Raw)
	return c.decoded
}
