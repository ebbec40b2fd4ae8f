package sessions

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// The digest of an answer is the list of its items, each a letter and the digest of the item in hexadecimal. Behind a bar
// the same answer may stand in other words: as the ids under which the upstream keeps it.
const (
	itemLength = 1 + 16
	// maxItems is how many items a digest may hold. Answers with more tell nothing.
	maxItems = 64
	// maxDigest is the greatest length of a digest: two forms of one answer.
	maxDigest = 2*maxItems*itemLength + 1
)

// Answer is what an upstream's answer tells of the conversation that it belongs to.
type Answer struct {
	// Digest for Answered; empty if the answer says nothing.
	Digest string
	// ResponseID is what a later request may name it by. Empty if there is none, or the upstream does not keep it.
	ResponseID string
	// MessageID is that of one of Anthropic's messages, by which only requests of a message thread name it: see Identity.Thread.
	MessageID string
	// Usage that the upstream told; zero if it did not.
	Usage Usage
}

// ReadAnswer reads an assistant's message, the response that holds it, the stream of server-sent events that it came in, or a
// list of what such a stream has, in any of the wire formats. A stream may have been cut off: then it is what had come until then.
func ReadAnswer(answer []byte) Answer {
	answer = bytes.TrimLeft(bytes.TrimPrefix(answer, []byte("\ufeff")), " \t\r\n")
	if isEvents(answer) {
		return readEvents(answer).answer()
	}
	at := jsonscan.At(answer, 0)
	if at.Kind() == jsonscan.Array {
		if a := readChunks(at).answer(); a != (Answer{}) {
			return a
		}
	}
	a := Answer{Digest: digestOf(answer)}
	if at.Kind() == jsonscan.Object {
		whole, _ := at.Value()
		a.readResponse(whole, 0)
	}
	return a
}

// wrappers are what a response may lie in: `response` of Code Assist, of Antigravity and of frames, and what relays make.
var wrappers = [...]string{"response", "message", "data"}

// readResponse takes what a response tells beside its message, and then what the response does that it wraps.
func (a *Answer) readResponse(response jsonscan.Value, wraps int) {
	a.Usage.take(response.Get("usage"), response.Get("usageMetadata"))
	switch id, _ := idOf(keptID(response)); {
	case response.Get("object").Is("response"):
		a.ResponseID = id
	case response.Get("stop_reason").Kind != jsonscan.Absent:
		a.MessageID = id
	}
	for _, wrapper := range wrappers {
		if inner := response.Get(wrapper); inner.Kind == jsonscan.Object && wraps < maxWraps {
			a.readResponse(inner, wraps+1)
		}
	}
}

// keptID is the id of a response or message, Absent if the upstream does not keep it.
func keptID(of jsonscan.Value) jsonscan.Value {
	if store := member(of, "store"); store.Kind == jsonscan.Boolean && store.Raw[0] == 'f' {
		return jsonscan.Value{}
	}
	return member(of, "id")
}

// AnswerDigest is the digest of an answer for Answered; see [ReadAnswer]. It is empty if the answer says nothing.
func AnswerDigest(message []byte) string { return ReadAnswer(message).Digest }

// digestOf is the digest of a message or response in JSON.
func digestOf(message []byte) string {
	c := jsonscan.At(message, 0)
	var a answer
	a.c.ofAnswer = true
	switch c.Kind() {
	case jsonscan.Object:
		a.readObject(&c, 0)
	case jsonscan.Array:
		a.readOutput(&c)
	}
	a.c.endText()
	if len(a.c.items) > maxItems*itemLength {
		return ""
	}
	if len(a.c.items) == 0 {
		return string(a.ids[:min(len(a.ids), maxItems*itemLength)])
	}
	if len(a.ids) == 0 || len(a.ids) > maxItems*itemLength {
		return string(a.c.items)
	}
	return string(a.c.items) + "|" + string(a.ids)
}

// answer is what was read of an answer.
type answer struct {
	c   chain
	ids []byte
}

// maxWraps is how many objects may lie around the assistant's message.
const maxWraps = 4

// readObject reads the object that begins at c: a message, or what holds one.
func (a *answer) readObject(c *jsonscan.Cursor, wraps int) {
	whole := *c
	c.Enter()
	for {
		raw, ok := c.Member()
		if !ok {
			break
		}
		var buf jsonscan.NameBuffer
		name, kind := string(buf.Decode(raw)), c.Kind()
		switch {
		case wraps == maxWraps:
		case kind == jsonscan.Object && (name == "content" || slices.Contains(wrappers[:], name)):
			a.readObject(c, wraps+1)
			return
		case kind == jsonscan.Array && (name == "choices" || name == "candidates"):
			if c.Enter(); c.Element() && c.Kind() == jsonscan.Object {
				a.readObject(c, wraps+1)
			}
			return
		case kind == jsonscan.Array && name == "output":
			a.readOutput(c)
			return
		}
		if _, ok := c.Value(); !ok {
			break
		}
	}
	a.c.startTurn(assistant)
	a.c.readMessage(&whole)
}

// readOutput reads the items of a Responses answer from their bracket on.
func (a *answer) readOutput(at *jsonscan.Cursor) {
	items := *at
	a.c.startTurn(assistant)
	a.c.readMessages(at)
	items.Enter()
	for items.Element() {
		item, ok := items.Value()
		if !ok {
			return
		}
		if len(a.ids) > maxItems*itemLength {
			return
		}
		if id := item.Get("id"); item.Kind == jsonscan.Object && id.Kind == jsonscan.String && !item.Get("type").Is("reasoning") {
			a.ids = appendItem(a.ids, assistantText, textSum(id))
		}
	}
}

func appendItem(dst []byte, letter byte, sum uint64) []byte {
	return appendHex(append(dst, letter), sum)
}

// ValidDigest reports whether a text has the form of an answer's digest.
func ValidDigest(digest string) bool {
	if digest == "" || len(digest) > maxDigest {
		return false
	}
	full, references, both := strings.Cut(digest, "|")
	_, ok := state{}.after(full)
	if ok && both {
		_, ok = state{}.after(references)
	}
	return ok
}

// Answered are the ids, with their prefixes, that the next request of a conversation names if the request with this
// Identity.State got the answer with this digest. It is empty for a state or digest that is none.
func Answered(of, digest string) []string {
	s, ok := parseState(of)
	if !ok || !ValidDigest(digest) {
		return nil
	}
	// The form in which answers come back stays the same: the other one would be bound in vain.
	full, references, both := strings.Cut(digest, "|")
	form := s.forms &^ withReasoning
	var ids []string
	if !both || form != byReference {
		sum, _ := s.after(full)
		ids = append(ids, chainID(chainSum(sum, s.scope)))
	}
	if both && form != inFull {
		sum, _ := s.after(references)
		ids = append(ids, chainID(chainSum(sum, s.scope)))
	}
	return ids
}

// after is the sum of the conversation with the items of one form of a digest.
func (s state) after(form string) (sum uint64, ok bool) {
	if form == "" || len(form)%itemLength != 0 {
		return 0, false
	}
	sum = s.sum
	for ; form != ""; form = form[itemLength:] {
		item, err := strconv.ParseUint(form[1:itemLength], 16, 64)
		if err != nil || strings.IndexByte(answerLetters, form[0]) < 0 {
			return 0, false
		}
		sum = mix(form[0], sum, item)
	}
	return sum, true
}

// answerLetters are those of what an assistant's turn may hold.
const answerLetters = string(assistantText) + string(toolCall) + string(toolResult) + string(assistantMedia)
