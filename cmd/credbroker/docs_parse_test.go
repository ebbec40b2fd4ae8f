package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A document shows commands in blocks that start with ```sh. Of these, the lines that begin with `grpcurl`, `credbroker`
// or `bin/credbroker` are executed, in order, against a broker that is fresh for each document; a trailing \ and an open
// ' continue a line.
// They must exit with 0, or with the code in the block's info string: ```sh exit=72. A `credbroker serve` line is only
// checked for its flags. A block of ```json or ```text that follows at most a blank line later is the answer of the last
// command: JSON must have the same members in the same shape, text the same words once numbers, times and blanks are
// made equal.

// example is one command of a document.
type example struct {
	line    int
	command string
	exit    int
	// answer is the text of the block that follows, of kind json, text or "".
	answer, kind string
}

// block is one fenced block.
type block struct {
	line  int // of the first line inside
	info  []string
	lines []string
	// follows: nothing but blanks lies between it and the block before.
	follows bool
}

func blocksOf(text string) []block {
	var (
		blocks  []block
		current *block
		follows bool
	)
	for i, line := range strings.Split(text, "\n") {
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case isFence && current == nil:
			current = &block{line: i + 2, info: strings.Fields(fence), follows: follows}
		case isFence:
			blocks = append(blocks, *current)
			current, follows = nil, true
		case current != nil:
			current.lines = append(current.lines, line)
		case strings.TrimSpace(line) != "":
			follows = false
		}
	}
	return blocks
}

// examplesOf reads the commands of a document and their answers.
func examplesOf(text string) ([]example, error) {
	var found []example
	inShell := false
	for _, b := range blocksOf(text) {
		kind := ""
		if len(b.info) > 0 {
			kind = b.info[0]
		}
		switch {
		case kind == "sh":
			commands, err := b.commands()
			if err != nil {
				return nil, err
			}
			found = append(found, commands...)
			inShell = len(commands) > 0
			continue
		case inShell && b.follows && (kind == "json" || kind == "text"):
			last := &found[len(found)-1]
			last.answer, last.kind = strings.Join(b.lines, "\n"), kind
		}
		inShell = false
	}
	return found, nil
}

func (b *block) commands() ([]example, error) {
	exit := 0
	for _, word := range b.info[1:] {
		value, ok := strings.CutPrefix(word, "exit=")
		n, err := strconv.Atoi(value)
		if !ok || err != nil {
			return nil, fmt.Errorf("line %d: %q is unknown: a block may have exit=N", b.line-1, word)
		}
		exit = n
	}
	var found []example
	for i := 0; i < len(b.lines); i++ {
		line, command := b.line+i, b.lines[i]
		for i+1 < len(b.lines) && isOpen(command) {
			i++
			command += "\n" + b.lines[i]
		}
		command = strings.TrimPrefix(command, "bin/") // what is run is built by the test
		if strings.HasPrefix(command, "grpcurl ") || strings.HasPrefix(command, "credbroker ") {
			found = append(found, example{line: line, command: command, exit: exit})
		}
	}
	return found, nil
}

// isOpen: the shell would read on.
func isOpen(command string) bool {
	return strings.HasSuffix(command, `\`) || strings.Count(command, "'")%2 == 1
}

// shape replaces every value of a JSON document by the name of its type.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			v[name] = shape(v[name])
		}
		return v
	case []any:
		for i := range v {
			v[i] = shape(v[i])
		}
		return v
	case nil:
		return "null"
	}
	return fmt.Sprintf("%T", v)
}

// diffJSON compares the shapes of two documents.
func diffJSON(want, got string) string {
	var w, g any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		return "the document's answer is no JSON: " + err.Error()
	}
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		return fmt.Sprintf("the answer is no JSON: %v: %q", err, got)
	}
	return cmp.Diff(shape(w), shape(g))
}

// diffText compares two texts but for what differs from run to run.
func diffText(want, got string) string { return cmp.Diff(steady(want), steady(got)) }

// steady replaces what differs from run to run: opaque ids, times, durations, numbers, versions, and the width of
// columns.
func steady(text string) string {
	for _, r := range []struct{ pattern, with string }{
		{`\b[0-9a-f]{32}\b`, "HASH"},
		{`(?m)^(PICK ID\s+)\S+$`, "${1}ID"},
		{`(?m)^(VERSION\s+|credbroker )\S+`, "${1}VERSION"},
		{`\bgo\d[\w.]*`, "GO"},
		{`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)`, "TIME"},
		{`\b(\d+h)?(\d+m)?\d+(\.\d+)?[mµn]?s\b`, "SPAN"},
		{`(?m)(^|[\s:=(])\d+\b`, "${1}N"}, // not those of names, such as team-1
		{`[ \t]+`, " "},
		{`(?m) $`, ""},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return strings.TrimSpace(text)
}

func TestExamplesOf(t *testing.T) {
	const document = "# T\n\n```sh\n# a comment\ngrpcurl -d '{\n}' addr\n```\n" +
		"```sh exit=4\ncredbroker pick \\\n  --model m\nls\ncredbroker status\n```\n\n```text\nout\nput\n```\n" +
		"```sh\nmake run\n```\n```json\n{}\n```\n" +
		"```sh\nbin/credbroker version\n```\nprose\n```text\nnot its answer\n```\n"
	got, err := examplesOf(document)
	want := []example{
		{line: 5, command: "grpcurl -d '{\n}' addr"},
		{line: 9, command: "credbroker pick \\\n  --model m", exit: 4},
		{line: 12, command: "credbroker status", exit: 4, answer: "out\nput", kind: "text"},
		{line: 26, command: "credbroker version"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(example{})); err != nil || diff != "" {
		t.Errorf("examplesOf: %v (-want +got):\n%s", err, diff)
	}
	if _, err := examplesOf("```sh quietly\ncredbroker status\n```\n"); err == nil {
		t.Error("an unknown word in an info string is accepted")
	}
}

func TestAnswersAreComparedByWhatIsSteady(t *testing.T) {
	for _, tt := range []struct {
		name, want, got string
		diff            func(want, got string) string
		same            bool
	}{
		{"JSON of one shape", `{"a": [1, "x"], "b": null}`, `{"b":null,"a":[2,"y"]}`, diffJSON, true},
		{"JSON with a further member", `{"a": 1}`, `{"a": 1, "b": 2}`, diffJSON, false},
		{"JSON with another type", `{"a": 1}`, `{"a": "1"}`, diffJSON, false},
		{"JSON with a longer list", `[1]`, `[1,2]`, diffJSON, false},
		{"no JSON", `{}`, `ERROR`, diffJSON, false},
		{"text in other columns", "ID  LEFT\na   4m10s", "ID   LEFT\na    59m59s\n", diffText, true},
		{"text with other words", "ID\na", "ID\nb", diffText, false},
		{"times and hashes", "0123456789abcdef0123456789abcdef at 2026-01-02T03:04:05Z", "0123456789abcdef0123456789abcde0 at 2027-01-02T03:04:05.5Z", diffText, true},
	} {
		if got := tt.diff(tt.want, tt.got); (got == "") != tt.same {
			t.Errorf("%s: diff %q, want the same: %v", tt.name, got, tt.same)
		}
	}
}
