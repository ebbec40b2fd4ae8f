package sessions_test

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/credbroker/credbroker/sessions"
)

// line is one header in the order of a request.
type line struct{ name, value string }

func headersOf(lines []line) *sessions.Headers {
	var h sessions.Headers
	for _, l := range lines {
		h.Add(l.name, l.value)
	}
	return &h
}

func TestHeaders(t *testing.T) {
	for _, test := range []struct {
		name  string
		lines []line
		want  sessions.Identity
	}{
		{"none", nil, sessions.Identity{}},
		{"X-Session-ID", []line{{"X-Session-ID", "a"}}, identity(sessions.SourceHeader, "a")},
		{"X-Amp-Thread-Id", []line{{"X-Amp-Thread-Id", "a"}}, identity(sessions.SourceAmp, "a")},
		{"X-Claude-Code-Session-Id", []line{{"X-Claude-Code-Session-Id", "a"}}, identity(sessions.SourceClaude, "a")},
		{"Session-Id", []line{{"Session-Id", "a"}}, identity(sessions.SourceCodex, "a")},
		{"Session_id", []line{{"Session_id", "a"}}, identity(sessions.SourceCodex, "a")},
		{"X-Session-Affinity", []line{{"X-Session-Affinity", "a"}}, identity(sessions.SourceAffinity, "a")},
		{"the rank decides, not the order", []line{{"X-Session-Affinity", "f"}, {"Session_id", "e"}, {"Session-Id", "d"},
			{"X-Claude-Code-Session-Id", "c"}, {"X-Amp-Thread-Id", "b"}, {"x-session-id", "a"}}, identity(sessions.SourceHeader, "a")},
		{"Session-Id goes before Session_id", []line{{"Session_id", "b"}, {"Session-Id", "a"}}, identity(sessions.SourceCodex, "a")},
		{"names in any case", []line{{"xX-Session-ID", "b"}, {"SESSION_ID", "a"}}, identity(sessions.SourceCodex, "a")},
		{"letters that only fold to ASCII are others", []line{{"X-Se\u017fsion-ID"[:12], "a"}, {"\u017fession-Id", "a"}}, sessions.Identity{}},
		{"the first valid value counts", []line{{"Session-Id", ""}, {"Session-Id", "a\n"}, {"Session-Id", " b "}, {"Session-Id", "c"}},
			identity(sessions.SourceCodex, "b")},
		{"an invalid name leaves the next", []line{{"X-Session-ID", " "}, {"Session-Id", "a"}}, identity(sessions.SourceCodex, "a")},
		{"of spellings the smallest counts", []line{{"session-id", "a"}, {"Session-Id", "b"}, {"SESSION-ID", "c"}, {"Session-ID", "d"}},
			identity(sessions.SourceCodex, "c")},
		{"of spellings with a valid value", []line{{"session-id", "a"}, {"SESSION-ID", "\t"}}, identity(sessions.SourceCodex, "a")},
		{"others are not kept", []line{{"Authorization", "a"}, {"X-Client-Request-Id", "b"}, {"Conversation_id", "c"}, {"", "d"}},
			sessions.Identity{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := sessions.Identify(headersOf(test.lines), nil, sessions.IdentificationReference); !equal(got, test.want) {
				t.Errorf("Identify(%q) = %v, want %v", test.lines, got, test.want)
			}
		})
	}
}

// The order in which spellings come does not matter; that of the values of one spelling does.
func TestHeadersOrderOfSpellingsDoesNotMatter(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	names := []string{"X-Session-ID", "X-Amp-Thread-Id", "Session-Id", "Session_id", "X-Session-Affinity", "Cookie"}
	values := []string{"", " ", "a", " b ", "c\x00", "d"}
	for range 2000 {
		sent := http.Header{}
		for range 1 + random.IntN(8) {
			name := anyCase(random, names[random.IntN(len(names))])
			sent[name] = append(sent[name], values[random.IntN(len(values))])
		}
		spellings := make([]string, 0, len(sent))
		for name := range sent {
			spellings = append(spellings, name)
		}
		slices.Sort(spellings)
		want := identityIn(sent, spellings)
		random.Shuffle(len(spellings), func(i, j int) { spellings[i], spellings[j] = spellings[j], spellings[i] })
		if got := identityIn(sent, spellings); !equal(got, want) {
			t.Fatalf("seed %d: %q in order %q gives %v, want %v", seed, sent, spellings, got, want)
		}
	}
}

func identityIn(sent http.Header, order []string) sessions.Identity {
	var h sessions.Headers
	for _, name := range order {
		for _, value := range sent[name] {
			h.Add(name, value)
		}
	}
	return sessions.Identify(&h, nil, sessions.IdentificationReference)
}

func anyCase(random *rand.Rand, name string) string {
	switch random.IntN(4) {
	case 0:
		return strings.ToLower(name)
	case 1:
		return strings.ToUpper(name)
	case 2:
		return name[:1] + strings.ToLower(name[1:])
	default:
		return name
	}
}

func TestHeadersAddAllocatesNothing(t *testing.T) {
	var h sessions.Headers
	if n := testing.AllocsPerRun(100, func() {
		h.Add("x-session-id", " abc ")
		h.Add("Session_id", "def")
		h.Add("User-Agent", "x")
	}); n != 0 {
		t.Errorf("Add allocates %v times", n)
	}
}
