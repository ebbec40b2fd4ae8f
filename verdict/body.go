package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

type bodyKind int

const (
	kindText bodyKind = iota // plain, binary, or JSON that was cut
	kindEmpty
	kindJSON
	kindStream
	kindHTML
)

// answer is a body, read as far as it can be.
type answer struct {
	kind         bodyKind
	source       string       // at most MaxBody bytes; of a stream that failed with mere words only those
	root         gjson.Result // the object, or the event, that carries the error
	fault        gjson.Result // the error object in it
	outer        gjson.Result // the error object whose message it was put into
	details      gjson.Result // details that stood in a message without their error
	failed       bool         // it says that something failed
	xml          xmlError
	streamStatus int // `:HTTP_STATUS/429` of a stream
}

func readAnswer(body []byte, contentType string) answer {
	d := readBody(body, contentType)
	d.unwrap()
	return d
}

func readBody(body []byte, contentType string) answer {
	whole := len(body) <= MaxBody
	source := strings.TrimPrefix(string(body[:min(len(body), MaxBody)]), "\ufeff")
	trimmed := strings.TrimSpace(source)
	d := answer{source: source}
	contentType = lower(contentType)
	switch {
	case trimmed == "":
		d.kind = kindEmpty
	case whole && trimmed[0] == '"' && gjson.Valid(trimmed):
		if inner := gjson.Parse(trimmed).Str; inner != "" && inner[0] != '"' { // JSON that was made a text of
			return readBody([]byte(inner), "")
		}
	case whole && (trimmed[0] == '{' || trimmed[0] == '[') && gjson.Valid(trimmed):
		d.kind = kindJSON
		root := gjson.Parse(trimmed)
		if root.IsArray() { // Google's stream endpoints without SSE
			d.setElement(root)
		} else {
			d.setRoot(root, false)
		}
	case strings.Contains(contentType, "text/event-stream") || startsStream(trimmed):
		d.kind = kindStream
		d.readStream(trimmed)
	case startsLines(trimmed):
		d.kind = kindStream
		d.readLines(trimmed)
	case isHTML(trimmed):
		d.kind = kindHTML
	default:
		if d.xml = readXML(trimmed); d.xml.name != "" {
			d.failed = true
		} else if strings.Contains(contentType, "text/html") {
			d.kind = kindHTML
		}
	}
	return d
}

// setElement takes the first element that carries an error, or the first.
func (d *answer) setElement(list gjson.Result) {
	var first gjson.Result
	list.ForEach(func(_, element gjson.Result) bool {
		if first.Raw == "" {
			first = element
		}
		d.setRoot(element, false)
		return !d.failed
	})
	if !d.failed {
		d.setRoot(first, false)
	}
}

func startsStream(text string) bool {
	for _, prefix := range [...]string{"data:", "event:", "id:", ": "} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

func isHTML(text string) bool {
	const head = 1 << 10
	if text[0] != '<' {
		return false
	}
	start := lower(text[:min(len(text), head)])
	for _, tag := range [...]string{"<!doctype html", "<html", "<head>", "<body", "<center", "<title"} {
		if strings.Contains(start, tag) {
			return true
		}
	}
	return false
}
