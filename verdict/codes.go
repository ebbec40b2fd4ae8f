package verdict

import (
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

const maxCode = 128 // bytes; nothing longer is a code

// codeSet is everything that names an error for programs, as they are compared, the most specific first.
type codeSet []string

// addOf adds what an error object calls itself.
func (c *codeSet) addOf(fault gjson.Result) {
	for _, code := range membersOf(fault, "code", "type", "status", "reason", "error_code", "errorCode", "error_type", "name", "Code") {
		c.add(code)
	}
}

func (c *codeSet) add(r gjson.Result) {
	switch r.Type {
	case gjson.String:
		c.addText(r.Str)
	case gjson.Number:
		c.addText(r.Raw)
	default:
	}
}

// addName adds an AWS name, of which both `Name:http://...` and `namespace#Name` occur.
func (c *codeSet) addName(name string) {
	before, _, _ := strings.Cut(name, ":")
	left, right, _ := strings.Cut(before, "#")
	c.addText(left)
	c.addText(right)
}

// codeName returns a code as codes are compared: InvalidAPIKey, invalid_api_key and invalid-api-key are one.
func codeName(code string) string {
	code = lower(code)
	if !strings.ContainsAny(code, "_- ") {
		return code
	}
	plain := make([]byte, 0, len(code))
	for i := range len(code) {
		if c := code[i]; c != '_' && c != '-' && c != ' ' {
			plain = append(plain, c)
		}
	}
	return string(plain)
}

func (c *codeSet) addText(code string) {
	if code != "" && len(code) <= maxCode && !strings.Contains(code, "\n") {
		*c = append(*c, codeName(code))
	}
}

// addNames adds the words of a sentence that are names for programs, those with an underscore. What comes later says more:
// `invalid_request_error.invalid_api_key`.
func (c *codeSet) addNames(sentence string) {
	const maxNames = 16
	names := strings.FieldsFunc(sentence, func(r rune) bool { return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') })
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.Contains(strings.Trim(name, "_"), "_") })
	for _, name := range slices.Backward(names[:min(len(names), maxNames)]) {
		c.addText(name)
	}
}
