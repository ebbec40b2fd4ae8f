package config

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"

	"github.com/credbroker/credbroker/internal/document"
)

// The limits of an auth, in bytes where nothing else is said.
const (
	maxID         = 256
	maxProvider   = 64
	maxLabel      = 256
	maxNote       = 1 << 10
	maxGlobs      = 256
	maxModel      = 256
	maxURL        = 2 << 10
	maxAttributes = 64
	maxAttribute  = 4 << 10
	maxHeaders    = 64
	maxSecret     = 16 << 10
	maxDomains    = 16
	maxDomain     = 256
	maxDialect    = 64
	maxAccount    = 256
	maxPath       = 4 << 10
)

// everyProvider is what a request calls all providers together.
const everyProvider = "mixed"

// The rules below answer with what is wrong with a text, as a message; empty: nothing.

// wrongLine allows any text on one line, with nothing around it.
func wrongLine(text string) string {
	if fault := faultOfLine(text); fault != "" {
		return fault + "; allowed: text on one line, with no white space around it"
	}
	return ""
}

// faultOfLine is wrongLine, for rules that know better what is allowed.
func faultOfLine(text string) string {
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

// wrongLabel is wrongLine that may be empty.
func wrongLabel(text string) string {
	if text == "" {
		return ""
	}
	return wrongLine(text)
}

func wrongProvider(text string) string {
	if text == everyProvider {
		return "mixed stands for every provider; allowed: any other name, such as claude"
	}
	return wrongLine(text)
}

// wrongGlob allows * and ?, and every other character as itself.
func wrongGlob(text string) string {
	if fault := faultOfLine(text); fault != "" {
		return fault + "; allowed: a model name, in which * stands for any text and ? for one character"
	}
	return ""
}

func wrongPrefix(text string) string {
	if wrong := wrongLine(text); wrong != "" {
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
	case faultOfLine(text) != "":
		return faultOfLine(text) + allowed
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
	const allowed = "; allowed: a URL such as http://proxy.example.com:3128, https, socks5 and socks5h too, or the word direct or none"
	if text == "direct" || text == "none" {
		return ""
	}
	u, err := url.Parse(text)
	if faultOfLine(text) != "" || err != nil || u.Host == "" {
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

// wrongSecret is what can stand in a header. A message never repeats it.
func wrongSecret(text string) string {
	switch {
	case text == "":
		return "is empty"
	case len(text) > maxSecret:
		return "is too long; allowed: at most " + strconv.Itoa(maxSecret) + " bytes"
	case !httpguts.ValidHeaderFieldValue(text):
		return "has a character that an HTTP header cannot have, such as a line break"
	}
	return ""
}

// wrongVariable is the name of an environment variable. What is not is perhaps a secret and not repeated.
func wrongVariable(text string) string {
	for i := range len(text) {
		c := text[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return "is not the name of an environment variable; allowed: letters, digits and _"
		}
	}
	if text == "" {
		return "is empty"
	}
	return ""
}

func wrongPath(text string) string {
	if wrong := wrongLine(text); wrong != "" {
		return wrong
	}
	if text == "~" || strings.HasPrefix(text, "~/") {
		return "begins with ~, which only a shell expands; allowed: an absolute path, or one relative to this file's folder"
	}
	return ""
}

// wrongAddress is where to listen.
func wrongAddress(text string) string {
	const allowed = "; allowed: host:port such as 127.0.0.1:7420, or unix:///path"
	if socket, ok := strings.CutPrefix(text, "unix://"); ok {
		// The shortest limit of the systems that have such sockets, less the final zero.
		const maxSocket = 103
		switch {
		case !filepath.IsAbs(socket) || faultOfLine(socket) != "" || strings.HasSuffix(socket, "/"):
			return document.Quote(text) + " is not the absolute path of a socket" + allowed
		case len(socket) > maxSocket:
			return "the path of the socket is too long; allowed: at most " + strconv.Itoa(maxSocket) + " bytes"
		}
		return ""
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil || faultOfLine(text) != "" {
		return document.Quote(text) + " is not an address" + allowed
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return document.Quote(text) + " has no port from 0 to 65535" + allowed
	}
	return ""
}

// isLocal tells whether only this machine reaches an address that the rule above allows.
func isLocal(text string) bool {
	if strings.HasPrefix(text, "unix://") {
		return true
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
