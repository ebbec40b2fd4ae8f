package sessions

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/credbroker/credbroker/sessions/internal/jsonscan"
)

// texts are the first texts of the sides of a conversation, each set once.
type texts struct {
	system, user, assistant textStart
	// lateSystem: the system's text came after the user's.
	lateSystem bool
}

// begun reports whether the conversation has a text that it begins with.
func (t *texts) begun() bool { return !t.system.empty() || !t.user.empty() }

// textStart is the start of a text: as much of it as counts.
type textStart struct {
	bytes [100]byte
	n     int
}

func (s *textStart) text() []byte { return s.bytes[:s.n] }
func (s *textStart) empty() bool  { return s.n == 0 }
func (s *textStart) full() bool   { return s.n == len(s.bytes) }

// set takes the text of a value.
func (s *textStart) set(v jsonscan.Value) { s.n = v.Text().Head(s.bytes[:]) }

// setIfEmpty takes another text if there is none yet.
func (s *textStart) setIfEmpty(other textStart) {
	if s.empty() {
		*s = other
	}
}

// join adds the text of a value, if it has one, after a space.
func (s *textStart) join(v jsonscan.Value) {
	var more textStart
	if more.set(v); more.empty() {
		return
	}
	if !s.empty() {
		s.n += copy(s.bytes[s.n:], " ")
	}
	s.n += copy(s.bytes[s.n:], more.text())
}

// readContent takes a message's content, which begins at c: a string, or the joined texts of the parts of the wanted types.
func (s *textStart) readContent(c *jsonscan.Cursor, wanted func(partType jsonscan.Value) bool) {
	if c.Kind() != jsonscan.Array {
		if v, ok := c.Value(); ok && v.Kind == jsonscan.String {
			s.set(v)
		}
		return
	}
	parts := jsonscan.ObjectsAt(*c)
	for !s.full() && parts.Next() {
		if wanted(parts.Get("type")) {
			s.join(parts.Get("text"))
		}
	}
	*c = parts.End()
}

// readFirstPart takes the first text that is not empty of the parts that begin at c, a list or the values of an object.
func (s *textStart) readFirstPart(c *jsonscan.Cursor) {
	if kind := c.Kind(); kind != jsonscan.Array && kind != jsonscan.Object {
		return
	}
	parts := jsonscan.ObjectsAt(*c)
	for s.empty() && parts.Next() {
		s.set(parts.Get("text"))
	}
	*c = parts.End()
}

// readSystem takes `system` of Anthropic requests: a string, or the first text among its parts.
func (s *textStart) readSystem(system jsonscan.Value) {
	switch system.Kind {
	case jsonscan.String:
		s.set(system)
	case jsonscan.Array:
		parts := system.Cursor()
		s.readFirstPart(&parts)
	}
}

// readChat reads `messages` of OpenAI chat and Anthropic requests, which begin at c.
func (t *texts) readChat(c *jsonscan.Cursor) {
	messages := jsonscan.ObjectsAt(*c)
	for (t.system.empty() || t.user.empty() || t.assistant.empty()) && messages.Next() {
		var side *textStart
		switch role := messages.Get("role"); {
		case role.Is("system"):
			side = &t.system
		case role.Is("user"):
			side = &t.user
		case role.Is("assistant"):
			side = &t.assistant
		}
		if side != nil && side.empty() && messages.Find("content") {
			side.readContent(&messages.Cursor, chatPart)
		}
	}
	*c = messages.End()
}

func chatPart(partType jsonscan.Value) bool { return partType.Is("text") }

// readGemini reads `contents`, which begin at c.
func (t *texts) readGemini(c *jsonscan.Cursor) {
	turns := jsonscan.ObjectsAt(*c)
	for (t.user.empty() || t.assistant.empty()) && turns.Next() {
		var side *textStart
		switch role := turns.Get("role"); {
		case role.Is("user"):
			side = &t.user
		case role.Is("model"):
			side = &t.assistant
		}
		if side != nil && side.empty() && turns.Find("parts") {
			side.readFirstPart(&turns.Cursor)
		}
	}
	*c = turns.End()
}

// readResponses reads `input` of OpenAI Responses requests, which begins at c.
func (t *texts) readResponses(c *jsonscan.Cursor) {
	items := jsonscan.ObjectsAt(*c)
	for (t.user.empty() || t.assistant.empty()) && items.Next() {
		// An item with neither type nor role is passed over for want of a role.
		if kind := items.Get("type"); !kind.Is("message") && !kind.Text().Empty() {
			continue
		}
		var side *textStart
		switch role := items.Get("role"); {
		case role.Is("developer"), role.Is("system"):
			side = &t.system
			t.lateSystem = t.lateSystem || side.empty() && !t.user.empty()
		case role.Is("user"):
			side = &t.user
		case role.Is("assistant"):
			side = &t.assistant
		}
		if side != nil && side.empty() && items.Find("content") {
			side.readContent(&items.Cursor, responsesPart)
		}
	}
	*c = items.End()
}

func responsesPart(partType jsonscan.Value) bool {
	return partType.Is("input_text") || partType.Is("output_text") || partType.Is("text")
}

// identity of a conversation with these texts. A conversation continues its own first turn, which had no answer yet.
func (t *texts) identity() Identity {
	if !t.begun() {
		return Identity{}
	}
	h := newFNV1a().addText("sys:", t.system.text()).addText("usr:", t.user.text())
	ids := make([]string, 0, 2)
	if !t.assistant.empty() {
		ids = append(ids, h.addText("ast:", t.assistant.text()).id())
	}
	ids = append(ids, h.id())
	return Identity{IDs: ids, Source: SourceMessages, Bindable: len(ids)}
}

// fnv1a is the state of FNV-1a with 64 bits. Package hash/fnv would have to begin anew for the second id.
type fnv1a uint64

func newFNV1a() fnv1a { return 14695981039346656037 }

// addText goes on with one side's text behind its mark and before a newline, if there is one.
func (h fnv1a) addText(mark string, text []byte) fnv1a {
	if len(text) == 0 {
		return h
	}
	for i := range len(mark) {
		h = h.add(mark[i])
	}
	for _, c := range text {
		h = h.add(c)
	}
	return h.add('\n')
}

func (h fnv1a) add(c byte) fnv1a { return (h ^ fnv1a(c)) * 1099511628211 }

func (h fnv1a) id() string {
	var sum [8]byte
	binary.BigEndian.PutUint64(sum[:], uint64(h))
	return SourceMessages.Prefix() + hex.EncodeToString(sum[:])
}
