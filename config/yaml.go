package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxConfigFile is the size of the YAML file. Pools too large for it belong into auth files.
const maxConfigFile = 8 << 20

// parseYAML returns the one document of a YAML file, nil if it holds only comments. False: it was reported why not.
func (r *reader) parseYAML(data []byte) (*yaml.Node, bool) {
	if len(bytes.TrimSpace(data)) == 0 {
		// A file that is being written is empty for a moment; no pool must vanish by that.
		r.add(Problem{Message: "is empty; allowed: at least one key or comment"})
		return nil, false
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		return nil, true
	}
	if err != nil {
		r.add(syntaxProblem(data, err))
		return nil, false
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.add(Problem{Line: second.Line, Message: "has a second document; allowed: one"})
		return nil, false
	case !errors.Is(err, io.EOF):
		r.add(syntaxProblem(data, err))
		return nil, false
	}
	if first.Kind != yaml.DocumentNode || len(first.Content) != 1 {
		return nil, true
	}
	return first.Content[0], true
}

// syntaxProblem finds the line in an error of the parser. The name of an unknown alias is left out: it may be the
// beginning of a secret.
func syntaxProblem(data []byte, err error) Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if alias, ok := strings.CutPrefix(text, "unknown anchor '"); ok {
		name, _, _ := strings.Cut(alias, "'")
		before, _, _ := bytes.Cut(data, []byte("*"+name))
		return Problem{
			Line:    bytes.Count(before, []byte("\n")) + 1,
			Message: "is not YAML: * begins the name of an anchor, and there is none of this name; put text that begins with * in quotes",
		}
	}
	line := 0
	if found := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); found != nil {
		line, _ = strconv.Atoi(found[1]) // digits; what is too long for a number is no line
		text = text[len(found[0]):]
		// These come from another part of the parser, which counts lines from zero.
		if regexp.MustCompile(`^did not find expected (<|node content|'-' indicator|key|',' or)`).MatchString(text) {
			line++
		}
	}
	return Problem{Line: line, Message: "is not YAML: " + text}
}
