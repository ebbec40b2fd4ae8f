package sessions_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// Random bodies out of the words of the rules give what the rules give when applied one after the other. Bodies with one
// byte lost or cut off give something valid.
func TestIdentifyRandomBodies(t *testing.T) {
	seed := rand.Uint64()
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	identified := 0
	for range 5_000 {
		body := g.body()
		if !sameAsSlow([]byte(body)) {
			continue
		}
		got := sessions.Identify(nil, []byte(body), sessions.IdentificationReference)
		if want := slowIdentify(sessions.Identity{}, body); !equal(got, want) {
			t.Fatalf("seed %d: Identify(%s) = %q, want %q", seed, body, got.IDs, want.IDs)
		}
		checkIdentity(t, got)
		if got.Source != sessions.SourceNone {
			identified++
		}
		at := g.IntN(len(body))
		checkIdentity(t, sessions.Identify(nil, []byte(body[:at]+body[at+1:]), sessions.IdentificationReference))
		checkIdentity(t, sessions.Identify(nil, []byte(body[:at]), sessions.IdentificationReference))
		checkChained(t, sessions.Identify(nil, []byte(body), sessions.IdentificationChain))
		checkChained(t, sessions.Identify(nil, []byte(body[:at]+body[at+1:]), sessions.IdentificationChain))
	}
	if identified < 1_500 {
		t.Errorf("only %d bodies were identified: the generator has gone wrong", identified)
	}
}

// generator makes bodies.
type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) body() string {
	return g.object(func() (string, string) {
		switch name := g.one("metadata", "conversation_id", "conversation", "session_id", "sessionId", "prompt_cache_key", "messages",
			"system", "systemInstruction", "contents", "instructions", "input", "model", "messages", "contents", "input"); name {
		case "metadata":
			return name, g.maybe(func() string { return g.object(func() (string, string) { return g.one("user_id", "x"), g.userID() }) })
		case "conversation":
			return name, g.maybe(func() string { return g.object(func() (string, string) { return g.one("id", "x"), g.scalar() }) })
		case "systemInstruction":
			return name, g.object(func() (string, string) { return g.one("parts", "role"), g.parts() })
		case "messages", "contents", "input":
			return name, g.maybe(func() string { return g.list(func() string { return g.maybe(g.message) }) })
		case "system":
			return name, g.parts()
		default:
			return name, g.maybe(g.scalar)
		}
	})
}

func (g generator) message() string {
	return g.object(func() (string, string) {
		switch name := g.one("role", "type", "content", "parts", "role", "content", "x"); name {
		case "role":
			return name, g.quoted(g.one("system", "user", "assistant", "model", "developer", "tool"))
		case "type":
			return name, g.maybe(func() string { return g.quoted(g.one("message", "", "reasoning")) })
		default:
			return name, g.parts()
		}
	})
}

// parts is a string, or a list or object of parts.
func (g generator) parts() string {
	part := func() string {
		return g.maybe(func() string {
			return g.object(func() (string, string) {
				if g.IntN(2) == 0 {
					return "type", g.quoted(g.one("text", "input_text", "output_text", "image", "text"))
				}
				return "text", g.scalar()
			})
		})
	}
	switch g.IntN(4) {
	case 0:
		return g.object(func() (string, string) { return g.one("a", "text"), part() })
	case 1:
		return g.scalar()
	default:
		return g.list(part)
	}
}

func (g generator) userID() string {
	switch g.IntN(4) {
	case 0:
		return g.quoted("user" + g.one("_session_", "_Session_") + g.one("0a-f", "", "xyz", "a "))
	case 1:
		return g.quoted(g.object(func() (string, string) { return g.one("session_id", "x"), g.scalar() }))
	case 2:
		return g.object(func() (string, string) { return g.one("session_id", "x"), g.scalar() })
	default:
		return g.scalar()
	}
}

func (g generator) scalar() string {
	return g.one(`null`, `true`, `false`, `0`, `-1.50`, `1e21`, `-0.0`, `1E400`, `{"a":[1]}`, `[]`, `""`,
		g.quoted("x"), g.quoted(" a "), g.quoted("tab\t"), g.quoted("naïve 日本"), g.quoted(`{"text":"q"}`),
		g.quoted(strings.Repeat("ab", 48)+"é😀z"), g.quoted(strings.Repeat("k", 255+g.IntN(3))))
}

// maybe is mostly what the function makes, sometimes anything else.
func (g generator) maybe(usual func() string) string {
	if g.IntN(8) == 0 {
		return g.scalar()
	}
	return usual()
}

// quoted is a JSON string, some of its characters written as escapes.
func (g generator) quoted(text string) string {
	if g.IntN(3) > 0 {
		encoded, _ := json.Marshal(text)
		return string(encoded)
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, char := range text {
		if char < 0x10000 && (char < ' ' || char == '"' || char == '\\' || g.IntN(6) == 0) {
			fmt.Fprintf(&b, `\u%04x`, char)
		} else {
			b.WriteRune(char)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (g generator) object(member func() (name, value string)) string {
	var members []string
	for range g.IntN(5) {
		name, value := member()
		members = append(members, g.quoted(name)+g.one(":", " : ")+value)
	}
	return "{" + strings.Join(members, g.one(",", " ,\n")) + "}"
}

func (g generator) list(element func() string) string {
	var elements []string
	for range g.IntN(5) {
		elements = append(elements, element())
	}
	return "[" + g.one("", " ") + strings.Join(elements, g.one(",", ", ")) + "]"
}
