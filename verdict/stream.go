package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

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
