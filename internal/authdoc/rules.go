package authdoc

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/credbroker/credbroker/internal/document"
)

// The limits of an auth, in bytes where nothing else is said.
const (
	MaxID         = 256
	MaxProvider   = 64
	maxLabel      = 256
	maxNote       = 1 << 10
	maxGlobs      = 256
	maxModel      = 256
	maxURL        = 2 << 10
	maxAttributes = 64
	maxAttribute  = 4 << 10
	maxHeaders    = 64
	MaxSecret     = 16 << 10
	maxDomains    = 16
	maxDomain     = 256
	maxDialect    = 64
	maxAccount    = 256
)

// everyProvider is what a request calls all providers together.
const everyProvider = "mixed"

// The rules below answer with what is wrong with a text, as a message; empty: nothing.

// WrongLine allows any text on one line, with nothing around it.
func WrongLine(text string) string {
	if fault := FaultOfLine(text); fault != "" {
		return fault + "; allowed: text on one line, with no white space around it"
	}
	return ""
}

// FaultOfLine is WrongLine, for rules that know better what is allowed.
func FaultOfLine(text string) string {
	switch {
	case text == "":
		return "is empty"
	case !utf8.ValidString(text):
		return "is not UTF-8"
	case strings.ContainsFunc(text, unicode.IsControl):
		return "has a control character"
	case strings.TrimSpace(text) != text:
		return "has white space around it"
	}
	return ""
}

// wrongLabel is WrongLine that may be empty.
func wrongLabel(text string) string {
	if text == "" {
		return ""
	}
	return WrongLine(text)
}

func wrongProvider(text string) string {
	if text == everyProvider {
		return "mixed stands for every provider; allowed: any other name, such as claude"
	}
	return WrongLine(text)
}

// wrongGlob allows * and ?, and every other character as itself.
func wrongGlob(text string) string {
	if fault := FaultOfLine(text); fault != "" {
		return fault + "; allowed: a model name, in which * stands for any text and ? for one character"
	}
	return ""
}

func wrongPrefix(text string) string {
	if wrong := WrongLine(text); wrong != "" {
		return wrong
	}
	if strings.Trim(text, "/") != text {
		return "has a slash at its end; allowed: the text before the slash"
	}
	return ""
}

// wrongBaseURL is shown in listings, so it must not hold a secret. A message never repeats it.
func wrongBaseURL(text string) string {
	const allowed = "; allowed: a URL such as https://api.example.com"
	u, err := url.Parse(text)
	switch {
	case FaultOfLine(text) != "":
		return FaultOfLine(text) + allowed
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "is not an http or https URL with a host" + allowed
	case u.User != nil:
		return "has a user or password, and listings show it" + allowed + ", and a secret in headers"
	case u.Fragment != "":
		return "has a fragment" + allowed
	}
	return ""
}

// wrongProxyURL may hold a password. A message never repeats it. Words that gateways know are passed on.
func wrongProxyURL(text string) string {
	const allowed = "; allowed: a URL such as http://proxy.example.com:3128, https, socks5 and socks5h too, or direct or none"
	if text == "direct" || text == "none" {
		return ""
	}
	u, err := url.Parse(text)
	if FaultOfLine(text) != "" || err != nil || u.Host == "" {
		return "is not a URL with a host" + allowed
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return ""
	}
	return "has another scheme" + allowed
}

func wrongHeaderName(text string) string {
	if !httpguts.ValidHeaderFieldName(text) {
		return "is not the name of an HTTP header; allowed: letters, digits and a few signs, such as X-Title"
	}
	return ""
}

// connectionHeaders are those that HTTP needs for the connection itself, so that the gateway's client alone can set them.
func connectionHeaders() []string {
	return []string{
		"connection", "content-length", "host", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
		"te", "trailer", "transfer-encoding", "upgrade",
	}
}

// WrongSecret is what can stand in a header. A message never repeats it.
func WrongSecret(text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > MaxSecret:
		return "is too long; allowed: at most " + strconv.Itoa(MaxSecret) + " bytes"
	case !httpguts.ValidHeaderFieldValue(text):
		return "has a character that an HTTP header cannot have, such as a line break"
	}
	return ""
}

// Line is text on one line.
func Line(to *string, limit int) document.Type { return document.Text(to, limit, WrongLine) }

// Glob is a pattern on model keys.
func Glob(to *string) document.Type { return document.Text(to, maxModel, wrongGlob) }

func globs(to *[]string) document.Type { return document.List(to, maxGlobs, Glob) }

// Secret is a secret that stands in the document itself; white space around it does not count.
func Secret(take func(v document.Value, text string)) document.Type {
	schema := func() document.Schema {
		return document.Schema{"type": "string", "minLength": 1, "maxLength": MaxSecret}
	}
	return document.NewType(schema, func(v document.Value) {
		text, ok := v.Text(MaxSecret)
		if !ok {
			return
		}
		text = strings.TrimSpace(text)
		if wrong := WrongSecret(text); wrong != "" {
			v.Problemf("%s", wrong)
			return
		}
		take(v, text)
	})
}
