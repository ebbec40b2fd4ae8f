package sessions

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// scope is what a conversation belongs to: equal messages of different persons are different conversations.
func scope(person jsonscan.Value, previousResponse string) uint64 {
	var sum uint64
	if person.Kind == jsonscan.String {
		sum = mix('p', textSum(person), sum)
	}
	if previousResponse != "" {
		sum = mix('v', xxhash.Sum64String(previousResponse), sum)
	}
	return sum
}

// The digests that ids show.
func chainSum(sum, scope uint64) uint64 { return mix('i', sum, scope) }
func wordsSum(sum, scope uint64) uint64 { return mix('t', sum, scope) }
func kinSum(sum, scope uint64) uint64   { return mix('w', sum, scope) }

// openingAnswers is with how many answers, all of them texts, a request is no opening any more. Clients begin with
// greetings and examples that are always the same. With tools, a second answer is enough.
const openingAnswers = 8

// identity is that of the conversation, in its scope.
func (c *chain) identity(scope uint64) Identity {
	c.flush()
	var list idList
	list.add(chainSum(c.sum, scope))
	p := &c.past
	list.prefix(chainSum, p.answers[0], scope)
	// What opened the conversation may be how others open too, so it is the last that is asked.
	for _, sum := range p.requests {
		if sum != p.early[0] {
			list.prefix(chainSum, sum, scope)
		}
	}
	for i := len(p.early) - 1; i > 0; i-- {
		list.prefix(chainSum, p.early[i], scope)
	}
	id := Identity{Source: SourceChain, Opening: c.answers < 2 || c.answers < openingAnswers && !c.beyondText}
	// Where nothing but text was said, the texts alone tell nothing new. While the conversation opens they tell too little.
	words := c.beyondText && c.answers >= 2
	if words {
		list.prefix(wordsSum, c.text, scope)
		for _, text := range p.texts {
			list.prefix(wordsSum, text, scope)
		}
	}
	// A request that begins its answer itself marks what it asks: the next one has the answer in full. As a mark, that does
	// not tell an opening from a twin.
	begun := c.speaker == assistant && p.requests[0] != 0
	id.Keep = list.n
	list.prefix(chainSum, p.early[0], scope)
	if !begun || p.requests[0] != p.early[0] {
		id.Keep = list.n
	}
	list.prefix(chainSum, p.done[0], scope)
	list.prefix(chainSum, p.done[1], scope)
	if words {
		list.prefix(wordsSum, p.done[2], scope)
	}
	id.IDs = list.ids()
	if words {
		id.Marks = append(id.Marks, idText(wordsSum(c.text, scope)))
	}
	if begun {
		id.Marks = append(id.Marks, idText(chainSum(p.requests[0], scope)))
	}
	if c.speaker == user {
		id.State = state{c.sum, scope, c.forms}.String()
	}
	return id
}

// idList gathers ids without repeating one.
type idList struct {
	sums [16]uint64
	n    int
}

func (l *idList) add(sum uint64) {
	if slices.Contains(l.sums[:l.n], sum) {
		return
	}
	l.sums[l.n] = sum
	l.n++
}

// prefix adds the id of a prefix, if there is one.
func (l *idList) prefix(id func(sum, scope uint64) uint64, sum, scope uint64) {
	if sum != 0 {
		l.add(id(sum, scope))
	}
}

// ids share one string.
func (l *idList) ids() []string {
	all := make([]byte, 0, idLength*len(l.sums))
	for _, sum := range l.sums[:l.n] {
		all = appendID(all, sum)
	}
	text := string(all)
	ids := make([]string, l.n)
	for i := range ids {
		ids[i] = text[i*idLength : (i+1)*idLength]
	}
	return ids
}

// idLength is that of every id of SourceChain.
const idLength = len("chain:") + 16

func appendID(dst []byte, sum uint64) []byte {
	return appendHex(append(dst, "chain:"...), sum)
}

func appendHex(dst []byte, sum uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[sum>>shift&15])
	}
	return dst
}

func idText(sum uint64) string { return string(appendID(make([]byte, 0, idLength), sum)) }

// state is what the next turn goes on from.
type state struct {
	sum, scope uint64
	forms      forms
}

const stateLength = 8 + 8 + 1

func (s state) String() string {
	var b [stateLength]byte
	binary.LittleEndian.PutUint64(b[:], s.sum)
	binary.LittleEndian.PutUint64(b[8:], s.scope)
	b[16] = byte(s.forms)
	return string(b[:])
}

// parseState reads what String gives.
func parseState(text string) (s state, ok bool) {
	if len(text) != stateLength {
		return state{}, false
	}
	b := []byte(text)
	return state{binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), forms(b[16])}, true
}
