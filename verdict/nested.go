package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

const maxNested = 3 // how deep errors are looked for in the texts of errors

// unwrap goes on to the error that somebody put, as text, into the message of his own: `got status: 429. {"error":{...}}`. What
// a relay keeps beside its own message is found by passedOn.
func (d *answer) unwrap() {
	for range maxNested {
		inner := d.inner()
		if !inner.IsObject() {
			return
		}
		if inner.Get("@type").Exists() && !d.fault.Get("details").Exists() { // a list of details alone
			d.details = gjson.Parse("[" + inner.Raw + "]")
			return
		}
		var found answer
		if found.setRoot(inner, false); !found.failed {
			return
		}
		d.outer, d.root, d.fault, d.failed = d.fault, found.root, found.fault, true
	}
}

// inner returns the object in the text of the error.
func (d *answer) inner() gjson.Result {
	if d.kind == kindText {
		return inText(d.source)
	}
	for _, at := range [...]gjson.Result{d.fault.Get("message"), d.fault.Get("error"), d.root.Get("error")} {
		if at.Type == gjson.String && at.Str != "" {
			return inText(at.Str)
		}
	}
	return gjson.Result{}
}

// inText returns the JSON object, or the first of a list, that a text ends with.
func inText(text string) gjson.Result {
	end := max(strings.LastIndexByte(text, '}'), strings.LastIndexByte(text, ']')) + 1
	if end == 0 {
		return gjson.Result{}
	}
	start := strings.IndexAny(text, "{[")
	for tries := 0; 0 <= start && start < end && tries < maxNested; tries++ {
		if inner := text[start:end]; gjson.Valid(inner) {
			return firstOf(gjson.Parse(inner))
		}
		next := strings.IndexAny(text[start+1:], "{[")
		if next < 0 {
			break
		}
		start += 1 + next
	}
	return gjson.Result{}
}

// firstOf returns the first element of a list that is worth reading: of Google's details the one with a delay.
func firstOf(value gjson.Result) gjson.Result {
	if !value.IsArray() {
		return value
	}
	if delay := value.Get(`#(retryDelay)`); delay.Exists() {
		return delay
	}
	return value.Get("0")
}

// passedOn returns the error of the provider behind a relay, where the relay tells it beside its own.
func (d *answer) passedOn() gjson.Result {
	raw := d.fault.Get("metadata.raw")
	if raw.Type == gjson.String {
		raw = inText(raw.Str)
	}
	var found answer
	found.setRoot(raw, false)
	return found.fault
}

// namesProvider reports whether a relay says whose answer it passes on.
func (d *answer) namesProvider() bool {
	metadata := d.fault.Get("metadata")
	return metadata.Get("provider_name").String() != "" || metadata.Get("raw").String() != ""
}
