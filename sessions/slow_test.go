package sessions_test

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/tidwall/gjson"

	"github.com/credbroker/credbroker/sessions"
)

// slowIdentify states the rules once more, one look-up in the body after the other, to compare with.
func slowIdentify(header sessions.Identity, body string) sessions.Identity {
	if !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		return header
	}
	userID := gjson.Get(body, "metadata.user_id").String()
	if m := slowSession.FindStringSubmatch(userID); m != nil {
		if id, ok := validID(m[1]); ok {
			return identity(sessions.SourceClaude, id)
		}
	} else if strings.HasPrefix(userID, "{") {
		if id, ok := validID(gjson.Get(userID, "session_id").String()); ok {
			return identity(sessions.SourceClaude, id)
		}
	}
	if header.Source != sessions.SourceNone {
		return header
	}
	conversation := gjson.Get(body, "conversation")
	if conversation.Type != gjson.String {
		conversation = gjson.Result{}
	}
	for _, named := range []struct {
		source sessions.Source
		text   string
	}{
		{sessions.SourceUser, userID},
		{sessions.SourceConversation, gjson.Get(body, "conversation_id").String()},
		{sessions.SourceConversation, gjson.Get(body, "conversation.id").String()},
		{sessions.SourceConversation, conversation.String()},
		{sessions.SourceSession, gjson.Get(body, "session_id").String()},
		{sessions.SourceSession, gjson.Get(body, "sessionId").String()},
		{sessions.SourcePromptCacheKey, gjson.Get(body, "prompt_cache_key").String()},
	} {
		if id, ok := validID(named.text); ok {
			return identity(named.source, id)
		}
	}
	return slowMessages(body)
}

// validID cuts white space around an id of 1 to 256 bytes without control characters.
func validID(text string) (string, bool) {
	id := strings.TrimSpace(text)
	return id, id != "" && len(id) <= 256 && !strings.ContainsFunc(text, unicode.IsControl)
}

var slowSession = regexp.MustCompile(`_session_([a-f0-9-]+)$`)

// slowTexts are system, user and assistant.
type slowTexts [3]string

const slowSystem, slowUser, slowAssistant = 0, 1, 2

func (s *slowTexts) set(side int, text string) {
	if s[side] == "" {
		s[side] = text[:min(100, len(text))]
	}
}

func (s *slowTexts) opened() bool { return s[slowSystem] != "" || s[slowUser] != "" }

func slowMessages(body string) sessions.Identity {
	var s slowTexts
	slowEach(gjson.Get(body, "messages"), func(message gjson.Result) bool {
		if side, ok := map[string]int{"system": 0, "user": 1, "assistant": 2}[message.Get("role").String()]; ok {
			s.set(side, slowContent(message.Get("content"), "text"))
		}
		return s[slowSystem] != "" && s[slowUser] != "" && s[slowAssistant] != ""
	})
	if system := gjson.Get(body, "system"); system.IsArray() {
		s.set(slowSystem, slowFirst(system))
	} else if system.Type == gjson.String {
		s.set(slowSystem, system.Str)
	}
	if !s.opened() {
		if parts := gjson.Get(body, "systemInstruction.parts"); parts.IsArray() {
			s.set(slowSystem, slowFirst(parts))
		}
		slowEach(gjson.Get(body, "contents"), func(content gjson.Result) bool {
			if side, ok := map[string]int{"user": 1, "model": 2}[content.Get("role").String()]; ok {
				s.set(side, slowFirst(content.Get("parts")))
			}
			return s[slowUser] != "" && s[slowAssistant] != ""
		})
	}
	if !s.opened() {
		s.set(slowSystem, gjson.Get(body, "instructions").String())
		slowEach(gjson.Get(body, "input"), func(item gjson.Result) bool {
			kind, role := item.Get("type").String(), item.Get("role").String()
			side, ok := map[string]int{"developer": 0, "system": 0, "user": 1, "assistant": 2}[role]
			if ok && (kind == "" || kind == "message") {
				s.set(side, slowContent(item.Get("content"), "input_text", "output_text", "text"))
			}
			return s[slowUser] != "" && s[slowAssistant] != ""
		})
	}
	if !s.opened() {
		return sessions.Identity{}
	}
	return said(s[slowSystem], s[slowUser], s[slowAssistant])
}

// slowEach calls read with the elements of a list until it returns true.
func slowEach(list gjson.Result, read func(gjson.Result) (done bool)) {
	if list.IsArray() {
		list.ForEach(func(_, element gjson.Result) bool { return !read(element) })
	}
}

func slowContent(content gjson.Result, types ...string) string {
	if content.Type == gjson.String {
		return content.Str
	}
	var texts []string
	slowEach(content, func(part gjson.Result) bool {
		for _, wanted := range types {
			if text := part.Get("text").String(); part.Get("type").String() == wanted && text != "" {
				texts = append(texts, text)
			}
		}
		return false
	})
	return strings.Join(texts, " ")
}

// slowFirst is the first text of the parts in a list, or in an object.
func slowFirst(parts gjson.Result) (first string) {
	parts.ForEach(func(_, part gjson.Result) bool {
		first = part.Get("text").String()
		return first == ""
	})
	return first
}
