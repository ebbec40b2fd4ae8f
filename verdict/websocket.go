package verdict

import "strings"

// closeNotice reads how libraries print the frame that closed a WebSocket:
//
//	websocket: close 1008 (policy violation): ...                     Go
//	received 1011 (internal error) ...; then sent 1011 ...            Python
//	WebSocket closed: code=1009, reason=...                           others
func closeNotice(text string) (notice, bool) {
	folded := lower(text)
	for _, mark := range [...]string{"close ", "closed", "received ", "code", "status", "failed ("} {
		for rest := folded; ; {
			_, after, found := strings.Cut(rest, mark)
			if !found {
				break
			}
			rest = after
			if code, reason, ok := closeCode(after); ok {
				return closed(code, closeReason(text[len(text)-len(reason):]))
			}
		}
	}
	return notice{}, false
}

// closeCode reads a code of RFC 6455 that comes soon.
func closeCode(s string) (code int, rest string, ok bool) {
	const digitsOfCode, soon = 4, 24
	at := strings.IndexAny(s[:min(len(s), soon)], "0123456789")
	if at < 0 || digits(s[at:]) != digitsOfCode {
		return 0, s, false
	}
	code = atoi(s[at : at+digitsOfCode])
	return code, s[at+digitsOfCode:], 1000 <= code && code < 5000
}

// closeReason returns the words of the other side: what follows the library's own name for the code.
func closeReason(s string) string {
	s = strings.TrimLeft(s, " ,;")
	if strings.HasPrefix(s, "(") {
		_, s, _ = strings.Cut(s, ")")
	}
	s, _, _ = strings.Cut(s, "; then sent")
	s = strings.TrimLeft(s, " ,;:")
	if hasPrefixFold(s, "reason") {
		s = s[len("reason"):]
	}
	return strings.Trim(s, " ,;:=\"'")
}

// closed judges the codes that say by themselves what is wrong; of the others the words decide.
func closed(code int, reason string) (notice, bool) {
	n := notice{words: reason}
	switch {
	case code == 1003 || code == 1007:
		n.status = 400
	case code == 1009:
		n.status, n.code = 413, "request_too_large"
	case code == 1013:
		n.status = 503
	case code >= 4400 && code < 4600: // as many services count
		n.status = code - 4000
	case reason == "":
		return notice{}, false
	}
	return n, true
}

// handshakeNotice reads the status that an upstream answered to the handshake of a WebSocket.
func handshakeNotice(text string) (notice, bool) {
	folded := lower(text)
	for _, mark := range [...]string{"unexpected server response: ", "rejected websocket connection: http ", "http error: ", "invalid status code: "} {
		_, after, found := strings.Cut(folded, mark)
		const digitsOfStatus = 3
		if !found || digits(after) != digitsOfStatus {
			continue
		}
		if status := atoi(after[:digitsOfStatus]); status >= 400 && status < 600 {
			return notice{status: status, words: text[len(text)-len(after):]}, true
		}
	}
	return notice{}, false
}
