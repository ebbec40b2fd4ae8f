package sessions

import (
	"github.com/cespare/xxhash/v2"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// author is whose message it is.
type author uint8

const (
	// instructions to the model are no part of the conversation; they may change from request to request.
	instructions author = iota
	user
	// tool counts as the user's side.
	tool
	assistant
)

// What a conversation is made of, as the letters that go into its digest.
const (
	userText       = 'u'
	assistantText  = 'a'
	toolCall       = 'c'
	toolResult     = 'r'
	userMedia      = 'm'
	assistantMedia = 'n'
)

// chain is the running digest of a conversation. Turns of the two sides alternate, however many messages make one; where
// one ends, the digest so far is a prefix by which a later request can be found. With u for the user's turns, a for the
// assistant's answers, and [x] for the id that is the digest of x:
//
//	request    its ids, the most specific first
//	u1         [u1]                                              others may begin alike: it is a first turn
//	u1a1u2     [u1a1u2] [u1a1] [u1]                              continues what [u1] was bound to
//	u1a1u2a2u3 [u1a1u2a2u3] [u1a1u2a2] [u1a1u2] [u1a1] [u1]      continues what [u1a1u2] was bound to
//	u1b1u2     [u1b1u2] [u1b1] [u1]                              another one; once its answer was reported, [u1b1] tells it apart
type chain struct {
	// sum of everything so far, and text of the texts alone.
	sum, text uint64

	// The text being read: neighbouring texts of one side are one, in however many pieces it was streamed. textDigest is of
	// all of it, trimmedSum without the white space at its end, which counts only once something follows.
	textDigest xxhash.Digest
	trimmedSum uint64
	letter     byte
	inText     bool

	author author
	// beyondTexts: something other than texts went into the sum.
	beyondTexts bool
	// answers is how many turns the assistant had, and forms how they were written.
	answers int
	forms   forms

	prefixes prefixes

	// items gets the items of an answer as text, if it is one that is read.
	items    []byte
	ofAnswer bool
	// decoded is a text at hand without its escapes. Its memory is kept for the next.
	decoded []byte
}

// forms are those in which a conversation's answers come back.
type forms uint8

const (
	inFull forms = 1 << iota
	byReference
	// withReasoning: beside them there may be encrypted reasoning.
	withReasoning
)

// startTurn begins a turn, unless the author is on the side whose turn it is.
func (c *chain) startTurn(v author) {
	if v == tool {
		v = user
	}
	if v == instructions || v == c.author {
		return
	}
	c.endText()
	switch c.author {
	case user:
		c.prefixes.endUserTurn(c.sum, c.text)
	case assistant:
		c.prefixes.endAnswer(c.sum)
	}
	if v == assistant {
		c.answers++
	}
	c.author = v
}

// addText adds a text of the side whose turn it is.
func (c *chain) addText(letter byte, v jsonscan.Value) {
	if v.Kind != jsonscan.String {
		return
	}
	if c.inText && c.letter != letter {
		c.endText()
	}
	if !c.inText {
		if v = v.TrimLeft(); len(v.Raw) == 0 {
			return
		}
		c.textDigest.Reset()
		c.inText, c.letter = true, letter
	}
	behind := v
	v = v.TrimRight()
	behind.Raw = behind.Raw[len(v.Raw):]
	if len(v.Raw) > 0 {
		writeText(&c.textDigest, v)
		c.trimmedSum = c.textDigest.Sum64()
	}
	writeText(&c.textDigest, behind)
}

// endText ends the text being read.
func (c *chain) endText() {
	if c.inText {
		c.inText = false
		c.mixIn(c.letter, c.trimmedSum)
	}
}

// addItem adds what is not a text.
func (c *chain) addItem(letter byte, sum uint64) {
	c.endText()
	c.mixIn(letter, sum)
}

func (c *chain) mixIn(letter byte, sum uint64) {
	c.sum = mix(letter, c.sum, sum)
	switch letter {
	case userText, assistantText:
		c.text = mix(letter, c.text, sum)
	default:
		c.beyondTexts = true
	}
	if letter == assistantText || letter == toolCall {
		c.forms |= inFull
	}
	if c.ofAnswer && len(c.items) <= maxItems*itemLength {
		c.items = appendItem(c.items, letter, sum)
	}
}

// empty reports whether there is no conversation.
func (c *chain) empty() bool {
	c.endText()
	return c.sum == 0
}

// prefixes are those by which the conversation may be known. The newest ones are the requests before this one, and their
// answers. A user may go back as far as they like: then the early ones are found. They tell the conversation from others
// that began alike, even if it begins with an answer that is always the same.
type prefixes struct {
	// The newest first.
	requests [2]uint64
	answers  [1]uint64
	texts    [2]uint64
	// early are the first prefixes, a request and an answer in turns.
	early [5]uint64
	count int
	// outgrown fell out of the newest when the last turns ended: a request, an answer, a text.
	outgrown [3]uint64
}

// endUserTurn notes the prefix that ends with a turn of the user's side.
func (p *prefixes) endUserTurn(sum, text uint64) {
	p.addEarly(sum)
	p.outgrown[0] = push(p.requests[:], sum)
	if text != p.texts[0] {
		p.outgrown[2] = push(p.texts[:], text)
	}
}

// endAnswer notes the prefix that ends with an answer.
func (p *prefixes) endAnswer(sum uint64) {
	if p.count == 0 {
		p.count++ // it began with an answer
	}
	p.addEarly(sum)
	p.outgrown[1] = push(p.answers[:], sum)
}

func (p *prefixes) addEarly(sum uint64) {
	if p.count < len(p.early) {
		p.early[p.count] = sum
		p.count++
	}
}

// push puts a number in front of the others and returns the last, which falls out.
func push(list []uint64, first uint64) (last uint64) {
	last = list[len(list)-1]
	copy(list[1:], list)
	list[0] = first
	return last
}
