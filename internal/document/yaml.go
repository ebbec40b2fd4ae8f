package document

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// YAML reads the one document of a YAML file. False: there is nothing in it but comments, or it was noted why not.
func (f *File) YAML(data []byte) (Value, bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if errors.Is(err, io.EOF) {
		return Value{}, false
	}
	if err != nil {
		f.addSyntax(data, err)
		return Value{}, false
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		f.Add(second.Line, "", "has a second document; allowed: one")
		return Value{}, false
	case !errors.Is(err, io.EOF):
		f.addSyntax(data, err)
		return Value{}, false
	}
	if first.Kind != yaml.DocumentNode || len(first.Content) != 1 {
		return Value{}, false
	}
	return f.at(first.Content[0], first.Content[0].Line, "", 0), true
}

// addSyntax finds the line in an error of the parser. The name of an unknown alias is left out: it may be the
// beginning of a secret.
func (f *File) addSyntax(data []byte, err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if alias, ok := strings.CutPrefix(text, "unknown anchor '"); ok {
		name, _, _ := strings.Cut(alias, "'")
		before, _, _ := bytes.Cut(data, []byte("*"+name))
		f.Add(bytes.Count(before, []byte("\n"))+1, "",
			"is not YAML: * begins the name of an anchor, and there is none of this name; put text that begins with * in quotes")
		return
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
	f.Add(line, "", "is not YAML: "+text)
}
