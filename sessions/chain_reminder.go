package sessions

import (
	"bytes"
	"slices"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// What clients put around words of their own among those of the person.
const (
	reminderBegin = "<system-reminder>"
	reminderEnd   = "</system-reminder>"
)

// addWords adds a text of a message, unless it is a reminder among the person's: then it does not count.
func (c *chain) addWords(v jsonscan.Value, of author) (counts bool) {
	letter := byte(assistantText)
	if of != assistant {
		letter = userText
		if len(v.Raw) > 0 && (v.Raw[0] == '<' || v.Raw[0] == '\\' || v.Raw[0] <= ' ') {
			words := v.TrimLeft()
			if c.isReminder(words) {
				return false
			}
			if !c.inText || c.author != of {
				v = words
			}
		}
	}
	c.startTurn(of)
	c.addText(letter, v)
	return true
}

// isReminder reports whether a text, without white space before it, is one reminder, from tag to tag or cut off before its
// end. The client wrote it, in place of instructions, and may leave it out of the history.
func (c *chain) isReminder(v jsonscan.Value) bool {
	const longestEscape = len(`\u0000`)
	if len(v.Raw) == 0 || v.Raw[0] != '<' && v.Raw[0] != '\\' {
		return false
	}
	var begin [len(reminderBegin)]byte
	head := jsonscan.Value{Kind: jsonscan.String, Raw: v.Raw[:min(len(v.Raw), longestEscape*len(begin))]}
	if n := head.Text().Head(begin[:]); string(begin[:n]) != reminderBegin {
		return false
	}
	v = v.TrimRight()
	text := v.Raw
	if v.NonCanonical {
		text = c.decode(v)
	}
	end := bytes.Index(text, []byte(reminderEnd))
	return end < 0 || end+len(reminderEnd) == len(text)
}

// decode is a text without its escapes. It is valid until the next is decoded.
func (c *chain) decode(v jsonscan.Value) []byte {
	c.decoded = appendText(slices.Grow(c.decoded[:0], len(v.Raw)), v.Raw)
	return c.decoded
}
