package sessions

import (
	"github.com/cespare/xxhash/v2"
)

// voice is who speaks in a message.
type voice uint8

const (
	// nobody: what instructs the model is no part of the conversation; it may change from request to request.
	nobody voice = iota
	user
	// tool speaks on the user's side.
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
// one ends, the digest so far is a prefix by which a later request can be found.
type chain struct {
	// sum of everything so far, and text of the texts alone.
	sum, text uint64

	// The text at hand: neighbouring texts of one side are one.
	words  xxhash.Digest
	letter byte
	open   bool

	speaker voice
	// asks: the user's turn at hand has a text.
	asks bool
	// beyondText: something other than texts went into the sum.
	beyondText bool
	// answers is how many turns the assistant had.
	answers int

	past past

	// said gets the items of an answer as text, if it is one that is read.
	said    []byte
	reading bool
	// arguments of the tool call at hand, kept for the next.
	arguments []byte
}

// speaks begins a turn, unless it is that of the side that spoke before.
func (c *chain) speaks(v voice) {
	if v == tool {
		v = user
	}
	if v == nobody || v == c.speaker {
		return
	}
	c.flush()
	switch c.speaker {
	case user:
		c.past.asked(prefix{c.sum, c.text, c.asks})
	case assistant:
		c.past.answered(c.sum)
	}
	if v == assistant {
		c.answers++
	}
	c.speaker, c.asks = v, false
}

// say takes a text of the side that speaks.
func (c *chain) say(letter byte, v value) {
	if v.kind != text {
		return
	}
	v = trimmed(v)
	if len(v.raw) == 0 {
		return
	}
	if c.open && c.letter != letter {
		c.flush()
	}
	if !c.open {
		c.words.Reset()
		c.open, c.letter = true, letter
	}
	writeText(&c.words, v)
}

// flush ends the text at hand.
func (c *chain) flush() {
	if c.open {
		c.open = false
		c.fold(c.letter, c.words.Sum64())
	}
}

// add takes what is not a text.
func (c *chain) add(letter byte, sum uint64) {
	c.flush()
	c.fold(letter, sum)
}

func (c *chain) fold(letter byte, sum uint64) {
	c.sum = mix(letter, c.sum, sum)
	switch letter {
	case userText, assistantText:
		c.text = mix(letter, c.text, sum)
		c.asks = c.asks || letter == userText
	default:
		c.beyondText = true
	}
	if c.reading {
		c.said = appendItem(c.said, letter, sum)
	}
}

// empty reports whether there is no conversation.
func (c *chain) empty() bool {
	c.flush()
	return c.sum == 0
}

// prefix is where the user's side ended a turn.
type prefix struct {
	sum, text uint64
	// asked: the turn that ends here had a text, not only results of tools.
	asked bool
}

// past holds the prefixes by which the conversation may be known, the newest first. One request asks once, so the newest
// prefixes are the requests before this one. A person who goes back puts other words in place of those of an earlier turn,
// and what they answered may lie many rounds of tools behind: of such requests two more are held.
type past struct {
	requests [3]prefix
	// persons: after each of them a person spoke.
	persons [2]prefix
	texts   [2]uint64
	answers [1]uint64
	// opening is what the conversation began with. However far a person goes back, it is there.
	opening uint64
	// done fell out of the above when the last turn ended.
	done [4]uint64
}

// asked takes the end of a turn of the user's side.
func (p *past) asked(at prefix) {
	if p.opening == 0 {
		p.opening = at.sum
	}
	p.done[0], p.done[1] = 0, 0
	if last := push(p.requests[:], at); p.requests[len(p.requests)-1].asked {
		p.done[1] = push(p.persons[:], last).sum
	} else {
		p.done[0] = last.sum
	}
	if at.text != p.texts[0] {
		p.done[2] = push(p.texts[:], at.text)
	}
}

// answered takes the end of a turn of the assistant's.
func (p *past) answered(sum uint64) { p.done[3] = push(p.answers[:], sum) }

// push puts an element in front of the others and returns the last, which falls out.
func push[T any](list []T, first T) (last T) {
	last = list[len(list)-1]
	copy(list[1:], list)
	list[0] = first
	return last
}
