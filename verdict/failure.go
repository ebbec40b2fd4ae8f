package verdict

import (
	"strings"

	"github.com/tidwall/gjson"
)

// setRoot finds the error object of a JSON object. Told says that something around it called it an error.
func (d *answer) setRoot(root gjson.Result, told bool) {
	if !root.IsObject() {
		return
	}
	d.root, d.fault, d.failed = root, root, told
	inner := root.Get("error")
	if !inner.IsObject() {
		if nested := root.Get("response.error"); nested.IsObject() {
			inner = nested
		}
	}
	if nested := inner.Get("error"); nested.IsObject() {
		inner = nested
	}
	if inner.IsObject() {
		d.fault = inner
		d.failed = d.failed || strings.Trim(inner.Raw, "{} \t\r\n") != ""
		return
	}
	d.failed = d.failed || saysError(root)
}

// saysError reports whether an object without an error object is an error all the same.
func saysError(root gjson.Result) bool {
	if text := root.Get("error"); text.Type == gjson.String && text.Str != "" {
		return true
	}
	if root.Get("type").Str == "error" || root.Get("base_resp.status_code").Int() != 0 || root.Get("__type").Exists() {
		return true
	}
	if root.Get("detail.code").Type == gjson.String {
		return true
	}
	// DashScope's native form: a code and a message, and none of what an answer has.
	code := root.Get("code")
	return code.Type == gjson.String && code.Str != "" && root.Get("message").Type == gjson.String &&
		!root.Get("choices").Exists() && !root.Get("output").IsObject() && !root.Get("object").Exists()
}
