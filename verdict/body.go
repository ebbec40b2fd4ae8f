package verdict

import (
	"cmp"
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
	failed       bool         // it says that something failed
	streamStatus int          // `:HTTP_STATUS/429` of a stream
}

func readAnswer(body []byte, contentType string) answer {
	whole := len(body) <= MaxBody
	source := strings.TrimPrefix(string(body[:min(len(body), MaxBody)]), "\ufeff")
	trimmed := strings.TrimSpace(source)
	d := answer{source: source}
	contentType = lower(contentType)
	switch {
	case trimmed == "":
		d.kind = kindEmpty
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
	case isHTML(trimmed) || strings.Contains(contentType, "text/html"):
		d.kind = kindHTML
	default:
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
	for _, tag := range [...]string{"<!doctype html", "<html", "<head", "<body", "<center", "<title"} {
		if strings.Contains(start, tag) {
			return true
		}
	}
	return false
}

// setRoot finds the error object of a JSON object. Told says that something around it called it an error.
func (d *answer) setRoot(root gjson.Result, told bool) {
	if !root.IsObject() {
		return
	}
	d.root, d.fault, d.failed = root, root, told
	inner := root.Get("error")
	if !inner.IsObject() {
		if nested := root.Get("response.error"); nested.IsObject() {
			inner = nested
		}
	}
	if nested := inner.Get("error"); nested.IsObject() {
		inner = nested
	}
	if inner.IsObject() {
		d.fault = inner
		d.failed = d.failed || strings.Trim(inner.Raw, "{} \t\r\n") != ""
		return
	}
	d.failed = d.failed || saysError(root)
}

// saysError reports whether an object without an error object is an error all the same.
func saysError(root gjson.Result) bool {
	if text := root.Get("error"); text.Type == gjson.String && text.Str != "" {
		return true
	}
	if root.Get("type").Str == "error" || root.Get("base_resp.status_code").Int() != 0 || root.Get("__type").Exists() {
		return true
	}
	if root.Get("detail.code").Type == gjson.String {
		return true
	}
	// DashScope's native form: a code and a message, and none of what an answer has.
	code := root.Get("code")
	return code.Type == gjson.String && code.Str != "" && root.Get("message").Type == gjson.String &&
		!root.Get("choices").Exists() && !root.Get("output").IsObject() && !root.Get("object").Exists()
}

// readStream takes the first event that carries an error.
func (d *answer) readStream(text string) {
	told := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case line == "":
			told = false
		case name == "" && strings.HasPrefix(value, "HTTP_STATUS/"):
			d.streamStatus = atoi(strings.TrimPrefix(value, "HTTP_STATUS/"))
			told = told || d.streamStatus >= 400
		case name == "event":
			told = value == "error" || strings.HasSuffix(value, ".failed")
		case name == "data" && strings.HasPrefix(value, "{") && gjson.Valid(value):
			d.setRoot(gjson.Parse(value), told)
		case name == "data" && told:
			d.source, d.root, d.fault, d.failed = value, gjson.Result{}, gjson.Result{}, true
		}
		if d.failed {
			return
		}
	}
	d.root, d.fault = gjson.Result{}, gjson.Result{}
}

// exceptionMember returns the name of the exception that an event of AWS consists of: {"throttlingException":{"message":...}}.
func (d *answer) exceptionMember() (name string) {
	d.root.ForEach(func(key, value gjson.Result) bool {
		if strings.HasSuffix(key.Str, "Exception") && value.IsObject() {
			name, d.fault = key.Str, value
		}
		return false
	})
	return name
}

// frameException returns the name of the exception in a frame of an AWS event stream, which starts with its length, or in
// the headers of one that somebody wrote out.
func (d *answer) frameException() string {
	if d.kind == kindJSON {
		return cmp.Or(d.root.Get(headerException).String(), d.root.Get("headers."+headerException).String(), d.exceptionMember())
	}
	if d.kind != kindText || d.source[0] != 0 && d.source[0] != ':' {
		return ""
	}
	_, after, found := strings.Cut(d.source, headerException)
	if !found {
		return ""
	}
	isLetter := func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }
	start := strings.IndexFunc(after, isLetter)
	if start < 0 {
		return ""
	}
	name := after[start:]
	end := strings.IndexFunc(name, func(r rune) bool { return !isLetter(r) })
	if end < 0 {
		end = len(name)
	}
	return name[:end]
}
