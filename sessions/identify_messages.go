package sessions

import (
	"encoding/binary"
	"encoding/hex"
)

// texts are the first texts of the sides of a conversation, each set once.
type texts struct {
	system, user, assistant start
	// lateSystem: the system's text came after the user's.
	lateSystem bool
}

// opened reports whether the conversation has a text that it begins with.
func (t *texts) opened() bool { return !t.system.empty() || !t.user.empty() }

// start is the start of a text: as much of it as counts.
type start struct {
	bytes [100]byte
	n     int
}

func (s *start) text() []byte { return s.bytes[:s.n] }
func (s *start) empty() bool  { return s.n == 0 }
func (s *start) full() bool   { return s.n == len(s.bytes) }

// set takes the text of a value.
func (s *start) set(v value) { s.n = v.text().head(s.bytes[:]) }

// setIfEmpty takes another text if there is none yet.
func (s *start) setIfEmpty(other start) {
	if s.empty() {
		*s = other
	}
}

// join adds the text of a value, if it has one, after a space.
func (s *start) join(v value) {
	var more start
	if more.set(v); more.empty() {
		return
	}
	if !s.empty() {
		s.n += copy(s.bytes[s.n:], " ")
	}
	s.n += copy(s.bytes[s.n:], more.text())
}

// content takes a message's content, which begins at c: a string, or the joined texts of the parts of the wanted types.
func (s *start) content(c *cursor, wanted func(partType value) bool) {
	if c.kind() != list {
		if v, ok := c.value(); ok && v.kind == text {
			s.set(v)
		}
		return
	}
	parts := objectsAt(*c)
	for !s.full() && parts.next() {
		if wanted(parts.get("type")) {
			s.join(parts.get("text"))
		}
	}
	*c = parts.end()
}

// firstPart takes the first text that is not empty of the parts that begin at c, a list or the values of an object.
func (s *start) firstPart(c *cursor) {
	if kind := c.kind(); kind != list && kind != object {
		return
	}
	parts := objectsAt(*c)
	for s.empty() && parts.next() {
		s.set(parts.get("text"))
	}
	*c = parts.end()
}

// anthropic takes `system` of Anthropic requests: a string, or the first text among its parts.
func (s *start) anthropic(system value) {
	switch system.kind {
	case text:
		s.set(system)
	case list:
		parts := system.cursor()
		s.firstPart(&parts)
	}
}

// chat reads `messages` of OpenAI chat and Anthropic requests, which begin at c.
func (t *texts) chat(c *cursor) {
	messages := objectsAt(*c)
	for (t.system.empty() || t.user.empty() || t.assistant.empty()) && messages.next() {
		var side *start
		switch role := messages.get("role"); {
		case role.is("system"):
			side = &t.system
		case role.is("user"):
			side = &t.user
		case role.is("assistant"):
			side = &t.assistant
		}
		if side != nil && side.empty() && messages.member("content") {
			side.content(&messages.cursor, chatPart)
		}
	}
	*c = messages.end()
}

func chatPart(partType value) bool { return partType.is("text") }

// gemini reads `contents`, which begin at c.
func (t *texts) gemini(c *cursor) {
	turns := objectsAt(*c)
	for (t.user.empty() || t.assistant.empty()) && turns.next() {
		var side *start
		switch role := turns.get("role"); {
		case role.is("user"):
			side = &t.user
		case role.is("model"):
			side = &t.assistant
		}
		if side != nil && side.empty() && turns.member("parts") {
			side.firstPart(&turns.cursor)
		}
	}
	*c = turns.end()
}

// responses reads `input` of OpenAI Responses requests, which begins at c.
func (t *texts) responses(c *cursor) {
	items := objectsAt(*c)
	for (t.user.empty() || t.assistant.empty()) && items.next() {
		// An item with neither type nor role is passed over for want of a role.
		if kind := items.get("type"); !kind.is("message") && !kind.text().empty() {
			continue
		}
		var side *start
		switch role := items.get("role"); {
		case role.is("developer"), role.is("system"):
			side = &t.system
			t.lateSystem = t.lateSystem || side.empty() && !t.user.empty()
		case role.is("user"):
			side = &t.user
		case role.is("assistant"):
			side = &t.assistant
		}
		if side != nil && side.empty() && items.member("content") {
			side.content(&items.cursor, responsesPart)
		}
	}
	*c = items.end()
}

func responsesPart(partType value) bool {
	return partType.is("input_text") || partType.is("output_text") || partType.is("text")
}

// identity of a conversation with these texts. A conversation continues its own first turn, which had no answer yet.
func (t *texts) identity() Identity {
	if !t.opened() {
		return Identity{}
	}
	h := newFNV1a().side("sys:", t.system.text()).side("usr:", t.user.text())
	ids := make([]string, 0, 2)
	if !t.assistant.empty() {
		ids = append(ids, h.side("ast:", t.assistant.text()).id())
	}
	ids = append(ids, h.id())
	return Identity{IDs: ids, Source: SourceMessages, Keep: len(ids)}
}

// fnv1a is the state of FNV-1a with 64 bits. Package hash/fnv would have to begin anew for the second id.
type fnv1a uint64

func newFNV1a() fnv1a { return 14695981039346656037 }

// side goes on with one side's text behind its mark and before a newline, if there is one.
func (h fnv1a) side(mark string, text []byte) fnv1a {
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
