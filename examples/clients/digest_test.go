package clients_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The digests of answers that clients compute are those that the broker publishes.
func TestAnswerDigests(t *testing.T) {
	text, err := os.ReadFile("../../sessions/testdata/digests.json")
	if err != nil {
		t.Fatal(err)
	}
	var published struct {
		Answers []struct {
			Parts  json.RawMessage
			Digest string
		}
	}
	if err := json.Unmarshal(text, &published); err != nil {
		t.Fatal(err)
	}
	var lines, want bytes.Buffer
	for _, answer := range published.Answers {
		if err := json.Compact(&lines, answer.Parts); err != nil {
			t.Fatal(err)
		}
		lines.WriteByte('\n')
		want.WriteString(answer.Digest + "\n")
	}
	for _, client := range []struct{ language, program, from, script string }{
		{"Python", "python3", "python3", "python/answer_digest.py"},
		{"Node", "node", "nodejs", "node/answer_digest.js"},
	} {
		t.Run(client.language, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), need(t, client.program, client.from), client.script)
			command.Stdin = strings.NewReader(lines.String())
			command.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8", "PYTHONDONTWRITEBYTECODE=1")
			got, err := command.Output()
			if err != nil || string(got) != want.String() {
				t.Errorf("%s = %v\n%s, want\n%s", client.script, err, got, want.String())
			}
		})
	}
}
