package sessions

import (
	"encoding/binary"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// scope is what a conversation belongs to: equal messages of different users are different conversations.
func scope(userID jsonscan.Value, previousResponse string) uint64 {
	var sum uint64
	if userID.Kind == jsonscan.String {
		sum = mix('p', textSum(userID), sum)
	}
	if previousResponse != "" {
		sum = mix('v', xxhash.Sum64String(previousResponse), sum)
	}
	return sum
}

// The digests that ids show.
func chainSum(sum, scope uint64) uint64        { return mix('i', sum, scope) }
func textsSum(sum, scope uint64) uint64        { return mix('t', sum, scope) }
func instructionsSum(sum, scope uint64) uint64 { return mix('w', sum, scope) }

// firstTurnAnswers is with how many answers, all of them texts, a request is no first turn any more. Clients begin with
// greetings and examples that are always the same. With tools, a second answer is enough.
const firstTurnAnswers = 8

// identity is that of the conversation, in its scope.
func (c *chain) identity(scope uint64) Identity {
	c.endText()
	var list idList
	list.add(chainSum(c.sum, scope))
	p := &c.prefixes
	list.addPrefix(chainSum, p.answers[0], scope)
	// Others may begin as this conversation began, so the first turn is the last that is asked.
	for _, sum := range p.requests {
		if sum != p.early[0] {
			list.addPrefix(chainSum, sum, scope)
		}
	}
	for i := len(p.early) - 1; i > 0; i-- {
		list.addPrefix(chainSum, p.early[i], scope)
	}
	id := Identity{Source: SourceChain, FirstTurn: c.answers < 2 || c.answers < firstTurnAnswers && !c.beyondTexts}
	// Where nothing but text was said, the texts alone tell nothing new. In a first turn they tell too little.
	words := c.beyondTexts && c.answers >= 2
	if words {
		list.addPrefix(textsSum, c.text, scope)
		for _, text := range p.texts {
			list.addPrefix(textsSum, text, scope)
		}
	}
	// A request that begins its answer itself marks what it asks: the next one has the answer in full. As a mark, that does
	// not make a first turn less ambiguous.
	begun := c.author == assistant && p.requests[0] != 0
	id.Bindable = list.n
	list.addPrefix(chainSum, p.early[0], scope)
	if !begun || p.requests[0] != p.early[0] {
		id.Bindable = list.n
	}
	list.addPrefix(chainSum, p.outgrown[0], scope)
	list.addPrefix(chainSum, p.outgrown[1], scope)
	if words {
		list.addPrefix(textsSum, p.outgrown[2], scope)
	}
	id.IDs = list.ids()
	if words {
		id.Marks = append(id.Marks, chainID(textsSum(c.text, scope)))
	}
	if begun {
		id.Marks = append(id.Marks, chainID(chainSum(p.requests[0], scope)))
	}
	if c.author == user {
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

// addPrefix adds the id of a prefix, if there is one.
func (l *idList) addPrefix(id func(sum, scope uint64) uint64, sum, scope uint64) {
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

func chainID(sum uint64) string { return string(appendID(make([]byte, 0, idLength), sum)) }

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
