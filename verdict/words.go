package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

// words returns the part of a body in which the upstream speaks of the failure. What it repeats of the request, and what it
// had answered before it failed, are the words of others: they must not decide about an auth.
func (d *answer) words(served bool) string {
	if !d.root.IsObject() || d.kind == kindText {
		return d.source
	}
	if text, ok := complaints(d.root); ok {
		return text
	}
	switch {
	case !served && d.kind == kindJSON:
		return d.source + "\n" + d.unwrapped()
	case d.fault.Raw != d.root.Raw:
		return d.fault.Raw
	case d.root.Get("base_resp.status_code").Int() != 0:
		return d.root.Get("base_resp").Raw
	default:
		return d.root.Raw
	}
}

// unwrapped returns an error that stood in the message of another, without the escapes that hide its words.
func (d *answer) unwrapped() string {
	if !d.outer.Exists() {
		return ""
	}
	return d.fault.Raw
}

// complaints returns what a list of validation errors says, without the parts of the request that each repeats as `input`.
func complaints(root gjson.Result) (text string, ok bool) {
	for _, path := range [...]string{"detail", "message.detail", "error.detail"} {
		list := root.Get(path)
		if !list.IsArray() || len(list.Get("#.input").Array()) == 0 {
			continue
		}
		var all []string
		list.ForEach(func(_, complaint gjson.Result) bool {
			all = append(all, complaint.Get("type").Str, complaint.Get("msg").Str)
			return true
		})
		return strings.Join(all, "\n"), true
	}
	return "", false
}
