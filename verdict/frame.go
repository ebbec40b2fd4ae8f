package verdict

import (
	"cmp"
	"strings"

	"github.com/tidwall/gjson"
)

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
		_, after, found = strings.Cut(d.source, headerErrorCode)
	}
	if !found {
		return ""
	}
	name, payload := letters(after)
	// What follows the headers is the exception itself.
	if inner := inText(payload); inner.IsObject() {
		d.root, d.fault = inner, inner
	}
	return name
}

// letters returns the first run of letters, and what follows it.
func letters(s string) (word, rest string) {
	isLetter := func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }
	start := strings.IndexFunc(s, isLetter)
	if start < 0 {
		return "", ""
	}
	s = s[start:]
	end := strings.IndexFunc(s, func(r rune) bool { return !isLetter(r) })
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:]
}
