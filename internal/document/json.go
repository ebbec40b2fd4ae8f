package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxJSONValues is how many values a JSON document may hold.
const maxJSONValues = 50_000

// These are no faults of syntax.
var (
	errTooDeep = fmt.Errorf("is nested too deep; allowed: %d levels", maxDepth)
	errTooMany = fmt.Errorf("has too many values; allowed: %d", maxJSONValues)
)

// JSON reads one JSON value as the same nodes that YAML gives, so that one reader serves both. False: it was noted why not.
func (f *File) JSON(data []byte) (Value, bool) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	p := jsonParser{data: data, decoder: json.NewDecoder(bytes.NewReader(data)), line: 1}
	p.decoder.UseNumber()
	node, err := p.value(0)
	if err == nil {
		if _, next := p.decoder.Token(); !errors.Is(next, io.EOF) {
			f.Add(p.here(), "", "is not JSON: something follows the object")
			return Value{}, false
		}
	}
	switch {
	case err == nil:
		return f.at(node, node.Line, "", 0), true
	case errors.Is(err, errTooDeep), errors.Is(err, errTooMany):
		f.Add(p.here(), "", err.Error())
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f.Add(p.here(), "", "is not JSON: it ends too early")
	default:
		// The error of the parser names one character at most.
		f.Add(p.after(err), "", "is not JSON: "+strings.TrimPrefix(err.Error(), "json: "))
	}
	return Value{}, false
}

// jsonParser turns JSON into nodes.
type jsonParser struct {
	data    []byte
	decoder *json.Decoder
	line    int // at counted
	counted int
	values  int
}

// here is the line that the decoder has reached.
func (p *jsonParser) here() int { return p.lineAt(int(p.decoder.InputOffset())) }

func (p *jsonParser) lineAt(offset int) int {
	offset = min(max(offset, p.counted), len(p.data))
	p.line += bytes.Count(p.data[p.counted:offset], []byte("\n"))
	p.counted = offset
	return p.line
}

// after is the line of a fault of syntax.
func (p *jsonParser) after(err error) int {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return p.lineAt(int(syntax.Offset))
	}
	return p.here()
}

func (p *jsonParser) value(depth int) (*yaml.Node, error) {
	token, err := p.decoder.Token()
	if err != nil {
		return nil, err
	}
	if depth == maxDepth {
		return nil, errTooDeep
	}
	if p.values++; p.values > maxJSONValues {
		return nil, errTooMany
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Line: p.here()}
	switch token := token.(type) {
	case json.Delim:
		return p.composite(node, token, depth)
	case string:
		node.Tag, node.Value = "!!str", token
	case json.Number:
		node.Tag, node.Value = "!!int", token.String()
		if strings.ContainsAny(node.Value, ".eE") {
			node.Tag = "!!float"
		}
	case bool:
		node.Tag, node.Value = "!!bool", strconv.FormatBool(token)
	case nil:
		node.Tag, node.Value = "!!null", "null"
	}
	return node, nil
}

func (p *jsonParser) composite(node *yaml.Node, open json.Delim, depth int) (*yaml.Node, error) {
	node.Kind, node.Tag = yaml.SequenceNode, "!!seq"
	if open == '{' {
		node.Kind, node.Tag = yaml.MappingNode, "!!map"
	}
	for p.decoder.More() {
		if node.Kind == yaml.MappingNode {
			// The decoder has checked that it is a string.
			key, err := p.value(depth + 1)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, key)
		}
		element, err := p.value(depth + 1)
		if err != nil {
			return nil, err
		}
		node.Content = append(node.Content, element)
	}
	_, err := p.decoder.Token()
	return node, err
}
