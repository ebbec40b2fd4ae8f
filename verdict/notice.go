package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

// notice is a failure that is reported beside a body: in trailers, in a frame that closes a connection, in the words of a
// client's library.
type notice struct {
	status int    // that of HTTP which it stands for; 0: its words decide
	code   string // its name
	words  string
	fault  gjson.Result // the error as an object, if there is one
}

// takeNotice lets what is reported beside the body count as an error in it. It reports whether anything was.
func (v *view) takeNotice() bool {
	n, found := v.grpcNotice()
	if !found && (v.o.Status == 0 || v.inBand()) && !v.failed {
		n, found = readNotice(cut(v.o.TransportError))
	}
	if !found && v.kind != kindHTML && (v.inBand() || v.status >= 500) && v.text.containsAny(v.set.grammar.grpc) {
		n, found = grpcWords(v.message)
	}
	if !found {
		return false
	}
	v.embedded = true
	if n.words != "" || n.fault.IsObject() {
		v.setRoot(inText(n.words), false)
		v.setRoot(n.fault, true)
		v.addFaultCodes()
		v.message = n.words
		v.text = searchIn(folded(n.words + "\n" + n.fault.Raw))
		v.codes.addNames(folded(n.words))
	}
	v.codes.addText(n.code)
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
	if n, ok := handshakeNotice(text); ok {
		return n, true
	}
	n, ok := grpcWords(text)
	// Libraries call it unavailable, too, that nobody was there.
	if n.status == 503 && (strings.Contains(n.words, "connect") || strings.Contains(n.words, "transport")) {
		return notice{}, false
	}
	return n, ok
}
