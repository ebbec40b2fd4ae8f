package verdict

import (
	"cmp"
	"strconv"
	"strings"
)

const (
	headerGRPCStatus  = "grpc-status"
	headerGRPCMessage = "grpc-message"
)

// grpcCodes are the codes of gRPC in their order, with the statuses of HTTP that google.rpc.Code maps them to.
var grpcCodes = [...]struct {
	name   string
	status int
}{
	{"ok", 0}, {"cancelled", 499}, {"unknown", 500}, {"invalid_argument", 400}, {"deadline_exceeded", 504}, {"not_found", 404},
	{"already_exists", 409}, {"permission_denied", 403}, {"resource_exhausted", 429}, {"failed_precondition", 400}, {"aborted", 409},
	{"out_of_range", 400}, {"unimplemented", 501}, {"internal", 500}, {"unavailable", 503}, {"data_loss", 500}, {"unauthenticated", 401},
}

// grpcNotice reads the trailers of gRPC, from headers or, with gRPC-Web, from the end of the body.
func (v *view) grpcNotice() (notice, bool) {
	status, message := v.headers[headerGRPCStatus], v.headers[headerGRPCMessage]
	if status == "" && v.kind == kindText {
		status, message = bodyTrailer(v.source, headerGRPCStatus), bodyTrailer(v.source, headerGRPCMessage)
	}
	n := atoi(strings.TrimSpace(status))
	if n <= 0 || n >= len(grpcCodes) {
		return notice{}, false
	}
	fault := v.grpcError()
	words := cmp.Or(percentDecoded(message), fault.Get("message").Str)
	return notice{status: grpcCodes[n].status, code: grpcCodes[n].name, words: words, fault: fault}, true
}

func bodyTrailer(body, name string) string {
	_, after, _ := strings.Cut(body, name+":")
	value, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(value)
}

// percentDecoded undoes what gRPC does to bytes that a header cannot hold.
func percentDecoded(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// grpcWords reads how libraries of gRPC print an error:
//
//	rpc error: code = ResourceExhausted desc = ...             Go
//	status = StatusCode.RESOURCE_EXHAUSTED details = "..."     Python
//	8 RESOURCE_EXHAUSTED: ...                                  Node
//	StatusRuntimeException: RESOURCE_EXHAUSTED: ...            Java
//	status: ResourceExhausted, message: "..."                  Rust
//	google.api_core.exceptions.ResourceExhausted: 429 ...      Google's client
func grpcWords(text string) (notice, bool) {
	folded := lower(text)
	for _, mark := range grpcWordMarks {
		_, after, found := strings.Cut(folded, mark)
		if n := grpcNamed(after); found && n.code != "" {
			n.words = grpcDetails(text[len(text)-len(after):])
			return n, true
		}
	}
	for _, code := range grpcCodes[1:] {
		if _, after, found := strings.Cut(folded, called(code.name, code.status)); found {
			return notice{status: code.status, code: code.name, words: text[len(text)-len(after):]}, true
		}
	}
	for number, code := range grpcCodes[1:] {
		_, after, found := strings.Cut(folded, numbered(number+1, code.name))
		if found {
			return notice{status: code.status, code: code.name, words: strings.TrimSpace(text[len(text)-len(after):])}, true
		}
	}
	return notice{}, false
}

// grpcWordMarks stand before the name of a code.
var grpcWordMarks = [...]string{"code = ", "statuscode.", "statusruntimeexception: ", "exceptions.", "status: "}

// grpcMarks are what grpcWords looks for.
func grpcMarks() []string {
	marks := grpcWordMarks[:]
	for number, code := range grpcCodes[1:] {
		marks = append(marks, numbered(number+1, code.name), called(code.name, code.status))
	}
	return marks
}

// called is how Google's client for Python prints an error: `PermissionDenied: 403 ...`.
func called(name string, status int) string {
	return strings.ReplaceAll(name, "_", "") + ": " + strconv.Itoa(status) + " "
}

func numbered(number int, name string) string { return strconv.Itoa(number) + " " + name + ":" }

// grpcNamed returns the code whose name a text starts with, in either spelling.
func grpcNamed(text string) notice {
	end := 0
	for end < len(text) && isWord(text[end]) {
		end++
	}
	name := strings.ReplaceAll(text[:end], "_", "")
	if name == "canceled" {
		name = "cancelled"
	}
	for _, code := range grpcCodes[1:] {
		if name == strings.ReplaceAll(code.name, "_", "") {
			return notice{status: code.status, code: code.name}
		}
	}
	return notice{}
}

// grpcDetails returns the words that follow the name of a code.
func grpcDetails(after string) string {
	for _, mark := range [...]string{"desc = ", "details = ", "message: ", ": "} {
		if _, words, found := strings.Cut(after, mark); found {
			return strings.TrimSpace(words)
		}
	}
	return after
}
