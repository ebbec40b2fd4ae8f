package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

// readStream takes the first event that carries an error.
func (d *answer) readStream(text string) {
	failing, at := false, 0
	for line := range strings.Lines(text) {
		rest := text[at:]
		at += len(line)
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case line == "":
			failing = false
		case name == "" && strings.HasPrefix(value, "HTTP_STATUS/"):
			d.streamStatus = atoi(strings.TrimPrefix(value, "HTTP_STATUS/"))
			failing = failing || d.streamStatus >= 400
		case name == "event":
			failing = value == "error" || strings.HasSuffix(value, ".failed")
		case name == "data" && strings.HasPrefix(value, "{") && gjson.Valid(value):
			d.setRoot(gjson.Parse(value), failing)
		case strings.HasPrefix(line, "{") && gjson.Valid(line): // a relay that failed in the middle
			d.setRoot(gjson.Parse(line), failing)
		case strings.HasPrefix(line, "{"): // the same, over several lines
			d.setRoot(inText(rest), failing)
		case name == "data" && (failing || hasPrefixFold(value, "[error]") || hasPrefixFold(value, "error:")):
			d.source, d.root, d.fault, d.failed = value, gjson.Result{}, gjson.Result{}, true
		}
		if d.failed {
			return
		}
	}
	d.root, d.fault = gjson.Result{}, gjson.Result{}
}

// startsLines reports whether a text is JSON objects, one a line, as Ollama streams them and as batches return them.
func startsLines(text string) bool {
	first, rest, _ := strings.Cut(text, "\n")
	return strings.HasPrefix(first, "{") && strings.HasPrefix(rest, "{") && gjson.Valid(first)
}

// readLines takes the first line that carries an error.
func (d *answer) readLines(text string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); gjson.Valid(line) {
			d.setRoot(gjson.Parse(line), false)
		}
		if d.failed {
			return
		}
	}
	d.root, d.fault = gjson.Result{}, gjson.Result{}
}
