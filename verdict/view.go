package verdict

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

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
	class     Class  // what the caller takes it for
	exception string // name of the exception that an AWS event stream carries
	codes     codeSet
	codeGrams gramSet // of all codes
	message   string
	named     answerTo   // whether it names a model
	lowered   string     // message in lower case, once somebody asked for it
	text      searchText // body and message
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
	switch found := v.takeNotice(); {
	case !found && v.status >= 500 && v.wrapped() != 0:
		v.status = v.wrapped()
	case found:
	case v.exception != "":
		v.embedded = true
		if status := v.embeddedStatus(); status != unknownStatus || v.inBand() {
			v.status = status
		}
	case !v.inBand():
	case v.fails():
		v.embedded = true
		v.status = v.embeddedStatus()
	}
	v.takeEnding()
	v.codeGrams = gramsOf(v.codes...)
	return v
}

func (v *view) lowerMessage() string {
	if v.lowered == "" {
		v.lowered = lower(v.message)
	}
	return v.lowered
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
		v.text = searchIn(lower(v.message))
		return
	}
	v.message = v.findMessage()
	v.message = cmp.Or(v.message, v.xml.message)
	if v.kind != kindJSON && v.kind != kindStream && !v.failed {
		v.message = v.source
	}
	text := v.words(v.inBand())
	if v.message != "" && !strings.Contains(text, v.message) { // decoding its escapes changed it
		text += "\n" + v.message
	}
	v.text = searchIn(folded(text))
}

// findMessage returns the first text that says in words what is wrong.
func (v *view) findMessage() string {
	for _, name := range [...]string{"message", "Message", "error_description", "error", "detail", "detail.message"} {
		if at := v.fault.Get(name); at.Type == gjson.String && at.Str != "" {
			return at.Str
		}
	}
	for _, name := range [...]string{"base_resp.status_msg", "message", "error_msg", "msg", "error.0", "errors.0"} {
		if at := v.root.Get(name); at.Type == gjson.String && at.Str != "" {
			return at.Str
		}
	}
	if _, repeats := complaints(v.root); repeats || v.inBand() && v.fault.Raw == v.root.Raw {
		return ""
	}
	return longestText(v.fault, 0)
}

// longestText returns the longest sentence among the members of an object, and of what is in them: whatever it is called, it is
// what was written to be read.
func longestText(at gjson.Result, depth int) (longest string) {
	at.ForEach(func(_, value gjson.Result) bool {
		text := value.Str
		if value.IsObject() || value.IsArray() {
			if text = ""; depth < maxNested {
				text = longestText(value, depth+1)
			}
		}
		if strings.ContainsAny(text, " \u3000") && len(text) > len(longest) || longest == "" && len(text) > 0 && text[0] >= utf8.RuneSelf {
			longest = text
		}
		return true
	})
	return longest
}

// usualCodes is how many codes few answers have more of.
const usualCodes = 8

// readCodes collects everything that names the error for programs, the most specific first.
func (v *view) readCodes() {
	v.codes = make(codeSet, 0, usualCodes)
	v.addFaultCodes()
	v.codes.addOf(v.passedOn())
	v.codes.addOf(v.outer)
	root := membersOf(v.root, "code", "error", "detail", "error_type", "result", "base_resp", "__type")
	v.codes.add(root[0])
	v.codes.add(root[1]) // token endpoints: {"error":"invalid_grant"}
	v.codes.add(root[2].Get("code"))
	v.codes.add(root[3])
	v.codes.add(root[4].Get("type"))
	if status := root[5].Get("status_code"); status.Int() != 0 {
		v.codes.add(status)
	}
	v.codes.addName(root[6].String())
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

// addFaultCodes adds what the error object and its details call themselves.
func (v *view) addFaultCodes() {
	v.codes.addOf(v.fault)
	parts := membersOf(v.fault, "details", "metadata")
	parts[0].ForEach(func(_, detail gjson.Result) bool {
		if detail.IsObject() {
			v.codes.add(detail.Get("reason"))
		}
		return true
	})
	v.codes.add(parts[0].Get("error_code"))
	for _, code := range membersOf(parts[1], "error_type", "reason", "limit_source", "provider_code") {
		v.codes.add(code)
	}
}

// maxMembers is how many members are asked for at once.
const maxMembers = 9

// membersOf returns the first member of each name of an object, in one pass; what is not there does not exist.
func membersOf(of gjson.Result, names ...string) (found [maxMembers]gjson.Result) {
	if !of.IsObject() {
		return found
	}
	of.ForEach(func(key, value gjson.Result) bool {
		if i := slices.Index(names, key.Str); i >= 0 && !found[i].Exists() {
			found[i] = value
		}
		return true
	})
	return found
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
	if number := v.numberedStatus(); number != 0 {
		return number
	}
	for _, code := range v.codes {
		for _, s := range v.set.statuses {
			if glob.MatchAny(s.codes, code) {
				return s.status
			}
		}
	}
	for _, s := range v.set.statuses {
		if v.text.containsAny(s.text) {
			return s.status
		}
	}
	return unknownStatus
}

// numberedStatus returns the status of HTTP, or else that of gRPC, that an error inside a 2xx bears; 0 if it bears none.
func (v *view) numberedStatus() int {
	if v.root.Get("response.status_code").Int() >= 400 {
		return int(v.root.Get("response.status_code").Int())
	}
	for _, at := range [...]gjson.Result{v.fault, v.root} {
		for _, number := range membersOf(at, "code", "status", "http_code", "http_status", "httpStatus", "status_code", "statusCode") {
			if n := number.Int(); n >= 400 && n <= 599 {
				return int(n)
			}
		}
		// google.rpc.Status as JSON
		if n := at.Get("code"); n.Type == gjson.Number && 0 < n.Int() && n.Int() < int64(len(grpcCodes)) && at.Get("details").IsArray() {
			return grpcCodes[n.Int()].status
		}
	}
	if v.streamStatus >= 400 && v.streamStatus <= 599 {
		return v.streamStatus
	}
	return 0
}

func cut(s string) string { return s[:min(len(s), MaxBody)] }

// atoi reads a small number; -1 if it is none.
func atoi(s string) int {
	if s == "" { // for which an error need not be made
		return -1
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return -1
	}
	return n
}
