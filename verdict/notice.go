package verdict

import (
	"slices"
	"strings"
)

// notice is a failure that is told beside a body: in trailers, in a frame that closes a connection, in the words of a
// client's library.
type notice struct {
	status int    // that of HTTP which it stands for; 0: its words decide
	code   string // its name
	words  string
}

// takeNotice lets what is told beside the body count as an error in it. It reports whether anything was.
func (v *view) takeNotice() bool {
	n, told := v.grpcNotice()
	if !told && (v.o.Status == 0 || v.inBand()) && !v.failed {
		n, told = readNotice(cut(v.o.TransportError))
	}
	if !told && (v.inBand() || v.status >= 500) {
		n, told = grpcWords(v.message)
	}
	if !told {
		return false
	}
	v.embedded = true
	if n.words != "" {
		v.setRoot(inText(n.words), false)
		v.addCodesOf(v.fault)
		v.message = n.words
		v.text = folded(n.words)
		v.addNames(v.text)
	}
	v.addText(n.code)
	if v.status = n.status; v.status == 0 {
		v.status = v.embeddedStatus()
	}
	return true
}

// readNotice reads the text of a failure to get an answer.
func readNotice(text string) (notice, bool) {
	if n, ok := closeNotice(text); ok {
		return n, true
	}
	if strings.Contains(text, "ENHANCE_YOUR_CALM") {
		// What gRPC makes of it as well.
		return notice{status: 429, code: "enhance_your_calm", words: text}, true
	}
	n, ok := grpcWords(text)
	// Libraries call it unavailable, too, that nobody was there.
	if n.status == 503 && (strings.Contains(n.words, "connect") || strings.Contains(n.words, "transport")) {
		return notice{}, false
	}
	return n, ok
}

// addNames adds the words of a sentence that are names for programs, those with an underscore. What comes later says more:
// `invalid_request_error.invalid_api_key`.
func (v *view) addNames(sentence string) {
	const maxNames = 16
	names := strings.FieldsFunc(sentence, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(strings.Trim(name, "_"), "_") })
	for _, name := range slices.Backward(names[:min(len(names), maxNames)]) {
		v.addText(name)
	}
}
