package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

// setRoot finds the error object of a JSON object. Failed says that something around it called it an error.
func (d *answer) setRoot(root gjson.Result, failed bool) {
	if !root.IsObject() {
		return
	}
	d.root, d.fault, d.failed = root, root, failed
	inner := innerError(root)
	if inner.IsObject() {
		d.fault = inner
		d.failed = d.failed || strings.Trim(inner.Raw, "{} \t\r\n") != ""
		return
	}
	d.failed = d.failed || saysError(root)
}

// innerError returns the error object in an object; something else if there is none.
func innerError(root gjson.Result) gjson.Result {
	inner := root.Get("error")
	for _, path := range [...]string{
		"response.error",      // an event of the Responses API
		"response.body.error", // a line of a batch's results
		"result.error.error",  // the same at Anthropic
		"errors.data.0",       // a batch that failed as a whole
		"errors.0", "errors",  // Cloudflare and others
		"choices.0.error", // a chunk that a relay made an error of
		"Response.Error",  // Tencent Cloud
	} {
		if inner.IsObject() {
			break
		}
		if found := root.Get(path); found.IsObject() && found.Raw != "{}" {
			inner = found
		}
	}
	if nested := inner.Get("error"); nested.IsObject() {
		return nested
	}
	return inner
}

// saysError reports whether an object without an error object is an error all the same.
func saysError(root gjson.Result) bool {
	if text := root.Get("error"); text.Type == gjson.String && text.Str != "" {
		return true
	}
	if root.Get("type").Str == "error" || root.Get("object").Str == "error" || root.Get("__type").Exists() || root.Get("detail.code").Type == gjson.String {
		return true
	}
	for _, number := range [...]string{"base_resp.status_code", "error_code"} { // MiniMax, Baidu
		if root.Get(number).Int() != 0 {
			return true
		}
	}
	if list := root.Get("errors"); list.IsArray() && list.Get("#").Int() > 0 {
		return true
	}
	if plainFailure(root) {
		return true
	}
	// A line of a batch's results that never came to an answer.
	if ended := root.Get("result.type").Str; root.Get("custom_id").Exists() && (ended == "canceled" || ended == "expired") {
		return true
	}
	// DashScope's native form: a code and a message, and none of what an answer has.
	code := root.Get("code")
	return code.Type == gjson.String && code.Str != "" && root.Get("message").Type == gjson.String &&
		!root.Get("choices").Exists() && !root.Get("output").IsObject() && !root.Get("object").Exists()
}

// plainFailure reports whether an object says no more than that something failed, as web services of all kinds do:
// {"success":false,"message":"..."}, {"status":"error","message":"..."}, {"code":429,"msg":"..."}.
func plainFailure(root gjson.Result) bool {
	if root.Get("message").Type != gjson.String && root.Get("msg").Type != gjson.String {
		return false
	}
	code := root.Get("code").Int()
	if 0 < code && code < int64(len(grpcCodes)) && root.Get("details").IsArray() { // google.rpc.Status
		return true
	}
	return root.Get("success").Type == gjson.False || root.Get("status").Str == "error" || 400 <= code && code < 600
}
