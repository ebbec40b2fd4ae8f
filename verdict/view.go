package verdict

import (
	"cmp"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/credbroker/credbroker/internal/glob"
)

const (
	headerMitigated = "cf-mitigated"
	headerException = ":exception-type"
	headerErrorCode = ":error-code"
	headerErrorType = "x-amzn-errortype"
)

const (
	maxErrorHeader = 8 << 10 // bytes of a header that holds a whole error
)

// view is an outcome as the rows see it.
type view struct {
	o        *Outcome
	set      *ruleSet
	headers  map[string]string // names in lower case
	clock    time.Time         // of the server
	status   int               // effective: what the body says where HTTP said 2xx
	embedded bool              // HTTP said 2xx, the body says error
	answer
	exception string // name of the exception that an AWS event stream carries
	codes     codeSet
	message   string
	text      string // body and message, ASCII in lower case
}

func newView(o *Outcome, set *ruleSet) *view {
	v := &view{o: o, set: set, headers: lowerNames(o.Headers), status: o.Status, clock: o.ReceivedAt}
	v.readClock()
	v.answer = readAnswer(unpacked(o.Body, v.headers["content-encoding"]), v.headers["content-type"])
	v.exception = cmp.Or(v.headers[headerException], v.headers[headerErrorCode])
	if v.exception == "" {
		v.exception = v.frameException()
	}
	v.readMessage()
	v.readCodes()
	switch told := v.takeNotice(); {
	case !told && v.status >= 500 && v.wrapped() != 0:
		v.status = v.wrapped()
	case told:
	case v.exception != "":
		v.embedded = true
		if status := v.embeddedStatus(); status != unknownStatus || v.inBand() {
			v.status = status
		}
	case !v.inBand():
	case v.fails():
		v.embedded = true
		v.status = v.embeddedStatus()
	case o.TransportError != "": // it broke on the way
		v.status, v.message = 0, cut(o.TransportError)
		v.text = folded(v.message)
	}
	return v
}

// readClock takes over the server's clock, unless the answer comes from a cache.
func (v *view) readClock() {
	if _, cached := v.headers["age"]; cached {
		return
	}
	if date, ok := parseHTTPDate(v.headers["date"]); ok {
		v.clock = date
	}
}

// wrapped returns the status that the error in another's message names; 0 if there is none.
func (v *view) wrapped() int {
	if code := v.fault.Get("code").Int(); v.outer.Exists() && 400 <= code && code < 500 {
		return int(code)
	}
	return 0
}

// inBand reports whether failures are told in what HTTP calls a success, or in frames of a connection that it opened.
func (v *view) inBand() bool {
	return v.o.Status >= 200 && v.o.Status < 300 || v.o.Status == 101 || v.o.Status == 0 && (v.failed || v.exception != "")
}

// fails reports whether the answer is an error, whatever HTTP says.
func (v *view) fails() bool {
	return v.failed || v.kind == kindHTML || v.headers[headerErrorType] != ""
}

// lowerNames returns headers with names in lower case: the same map if they are, which is the rule. Of names equal but for
// case the smallest spelling wins.
func lowerNames(headers map[string]string) map[string]string {
	folded := false
	for name := range headers {
		folded = folded || lower(name) != name
	}
	if !folded {
		return headers
	}
	names, spelling := make(map[string]string, len(headers)), make(map[string]string, len(headers))
	for name, value := range headers {
		key := lower(name)
		if before, twice := spelling[key]; !twice || name < before {
			names[key], spelling[key] = value, name
		}
	}
	return names
}

func (v *view) readMessage() {
	if v.o.Status == 0 && !v.failed && v.exception == "" {
		v.message = cut(v.o.TransportError)
		v.text = lower(v.message)
		return
	}
	for _, at := range []gjson.Result{
		v.fault.Get("message"), v.fault.Get("Message"), v.fault.Get("error_description"), v.fault.Get("error"), v.fault.Get("detail"),
		v.fault.Get("detail.message"), v.root.Get("base_resp.status_msg"), v.root.Get("message"), v.root.Get("error_msg"),
		v.root.Get("error.0"), v.root.Get("errors.0"),
	} {
		if at.Type == gjson.String && at.Str != "" {
			v.message = at.Str
			break
		}
	}
	v.message = cmp.Or(v.message, v.xml.message)
	if v.kind != kindJSON && v.kind != kindStream && !v.failed {
		v.message = v.source
	}
	v.text = v.words(v.inBand())
	if v.message != "" && !strings.Contains(v.text, v.message) { // decoding its escapes changed it
		v.text += "\n" + v.message
	}
	v.text = folded(v.text)
}

// folded returns a text as phrases are written.
func folded(s string) string { return strings.ReplaceAll(lower(s), "\u2019", "'") }

// readCodes collects everything that names the error for programs, the most specific first.
func (v *view) readCodes() {
	v.codes.addOf(v.fault)
	details := v.fault.Get("details")
	details.ForEach(func(_, detail gjson.Result) bool {
		if detail.IsObject() {
			v.codes.add(detail.Get("reason"))
		}
		return true
	})
	v.codes.add(details.Get("error_code"))
	metadata := v.fault.Get("metadata")
	for _, name := range [...]string{"error_type", "reason", "limit_source", "provider_code"} {
		v.codes.add(metadata.Get(name))
	}
	v.codes.addOf(v.passedOn())
	v.codes.addOf(v.outer)
	v.codes.add(v.root.Get("code"))
	v.codes.add(v.root.Get("error")) // token endpoints: {"error":"invalid_grant"}
	v.codes.add(v.root.Get("detail.code"))
	v.codes.add(v.root.Get("error_type"))
	v.codes.add(v.root.Get("result.type"))
	if status := v.root.Get("base_resp.status_code"); status.Int() != 0 {
		v.codes.add(status)
	}
	v.codes.addName(v.root.Get("__type").String())
	v.codes.addName(v.headers[headerErrorType])
	v.codes.addName(v.exception)
	v.codes.addName(v.xml.name)
	v.addHeaderCodes()
	if in := v.set.codeInMessage; in != nil {
		if found := in.FindStringSubmatch(v.message); len(found) > 1 {
			v.codes.addText(found[1])
		}
	}
}

// addHeaderCodes adds what OpenAI repeats in headers, where a proxy may have taken the body away.
func (v *view) addHeaderCodes() {
	v.codes.addText(v.headers["x-openai-authorization-error"])
	encoded := v.headers["x-error-json"]
	if encoded == "" || len(encoded) > maxErrorHeader {
		return
	}
	decoded, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil || !gjson.ValidBytes(decoded) {
		return
	}
	root := gjson.ParseBytes(decoded)
	for _, path := range [...]string{"error.code", "error.type", "code", "type", "detail.code"} {
		v.codes.add(root.Get(path))
	}
}

// unknownStatus is that of an error inside a 2xx of which nothing more is known.
const unknownStatus = 502

// embeddedStatus returns the status that an error inside a 2xx stands for.
func (v *view) embeddedStatus() int {
	for _, number := range [...]int64{
		v.fault.Get("code").Int(), v.fault.Get("status").Int(), v.root.Get("status").Int(), v.root.Get("response.status_code").Int(),
		int64(v.streamStatus),
	} {
		if number >= 400 && number <= 599 {
			return int(number)
		}
	}
	for _, code := range v.codes {
		for _, s := range v.set.statuses {
			if glob.MatchAny(s.codes, code) {
				return s.status
			}
		}
	}
	for _, s := range v.set.statuses {
		if containsAny(v.text, s.text) {
			return s.status
		}
	}
	return unknownStatus
}

func cut(s string) string { return s[:min(len(s), MaxBody)] }

// atoi reads a small number; -1 if it is none.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
