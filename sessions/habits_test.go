package sessions_test

import (
	"testing"
	"time"

	"github.com/credbroker/credbroker/sessions"
)

// requestsOf plays the requests of one conversation, a minute apart, and returns the auths that they get.
func requestsOf(s *affinityModel, h *sessions.Headers, bodies ...string) (auths []int) {
	for _, body := range bodies {
		s.now = s.now.Add(time.Minute)
		auths = append(auths, s.pick(sessions.Identify(h, []byte(body), sessions.IdentificationChain), "m"))
	}
	return auths
}

// chat is a body with messages, the user's and the assistant's in turns.
func chat(texts ...string) string {
	body := `{"max_tokens":9,"messages":[`
	for i, text := range texts {
		if i > 0 {
			body += ","
		}
		body += `{"role":"` + [2]string{"user", "assistant"}[i%2] + `","content":"` + text + `"}`
	}
	return body + `]}`
}

// What clients do beside adding to the history does not cost a conversation its auth.
func TestHabitsOfClients(t *testing.T) {
	var anthropic sessions.Headers
	anthropic.Add("Anthropic-Version", "2023-06-01")
	const uncounted = `{"messages":[{"role":"user","content":"a"}]}`
	for _, test := range []struct {
		name   string
		bodies []string
	}{
		{"an answer that the request begins", []string{
			chat("a", "{"), chat("a", "{1}", "b", "{"), chat("a", "{1}", "b", "{2}", "c", "{"), chat("a", "{1}", "b", "{2}", "c", "{3}", "d"),
		}},
		{"an answer that is continued", []string{chat("a"), chat("a", "b"), chat("a", "bc"), chat("a", "bcd", "e")}},
		{"a later answer that is continued", []string{chat("a"), chat("a", "b", "c"), chat("a", "b", "c", "d"), chat("a", "b", "c", "de", "f")}},
		{"a count of tokens", []string{chat("a"), uncounted, chat("a", "b", "c")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, auth := range requestsOf(newAffinityModel(), &anthropic, test.bodies...) {
				if auth != 1 {
					t.Errorf("request %d got auth %d, want that of the first", i, auth)
				}
			}
		})
	}
}

// Conversations that begin alike are spread, whatever they begin with.
func TestAmbiguousFirstTurnsOfClientsAreSpread(t *testing.T) {
	for _, test := range []struct{ name, body string }{
		{"a question", chat("a")},
		{"a question whose answer the request begins", chat("a", "{")},
		{"examples before the question", chat("one", "1", "two", "2", "three", "3", "four")},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, auth := range requestsOf(newAffinityModel(), nil, test.body, test.body, test.body) {
				if auth != i+1 {
					t.Errorf("first turn %d got auth %d, want one of its own", i, auth)
				}
			}
		})
	}
}
