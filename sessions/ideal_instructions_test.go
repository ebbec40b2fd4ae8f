package sessions_test

import (
	"encoding/json"
	"testing"

	"github.com/credbroker/credbroker/internal/corpus"
)

// changing counts the conversations of a client whose instructions are not the same in all requests.
func changing(t *testing.T, chat []corpus.Request) (count int) {
	t.Helper()
	seen := map[string]map[string]bool{}
	for _, r := range chat {
		if seen[r.Session] == nil {
			seen[r.Session] = map[string]bool{}
		}
		seen[r.Session][instructionsOf(t, r.Body)] = true
	}
	for _, texts := range seen {
		if len(texts) > 1 {
			count++
		}
	}
	return count
}

// instructionsOf is all that instructs the model in a body.
func instructionsOf(t *testing.T, body json.RawMessage) string {
	t.Helper()
	var b struct {
		System, Instructions, SystemInstruction, Request any
		Messages, Input                                  json.RawMessage
	}
	decode(t, body, &b)
	all := []any{b.System, b.Instructions, b.SystemInstruction}
	if wrapped, ok := b.Request.(map[string]any); ok {
		all = append(all, wrapped["systemInstruction"])
	}
	for _, list := range []json.RawMessage{b.Messages, b.Input} {
		var messages []struct {
			Role    string
			Content any
		}
		if len(list) == 0 || list[0] != '[' {
			continue
		}
		decode(t, list, &messages)
		for _, m := range messages {
			if m.Role == "system" || m.Role == "developer" {
				all = append(all, m.Content)
			}
		}
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func decode(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
}
