package config

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/credbroker/credbroker/internal/authdoc"
	"github.com/credbroker/credbroker/internal/document"
)

const (
	maxPath    = 4 << 10
	unixPrefix = "unix://"
)

// The rules below answer with what is wrong with a text, as a message; empty: nothing.

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
	if wrong := authdoc.WrongLine(text); wrong != "" {
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
	if socket, ok := strings.CutPrefix(text, unixPrefix); ok {
		// The shortest limit of the systems that have such sockets, less the final zero.
		const maxSocket = 103
		switch {
		case !filepath.IsAbs(socket) || authdoc.FaultOfLine(socket) != "" || strings.HasSuffix(socket, "/"):
			return document.Quote(text) + " is not the absolute path of a socket" + allowed
		case len(socket) > maxSocket:
			return "the path of the socket is too long; allowed: at most " + strconv.Itoa(maxSocket) + " bytes"
		}
		return ""
	}
	_, port, err := net.SplitHostPort(text)
	if err != nil || authdoc.FaultOfLine(text) != "" {
		return document.Quote(text) + " is not an address" + allowed
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return document.Quote(text) + " has no port from 0 to 65535" + allowed
	}
	return ""
}

// isLocal tells whether only this machine reaches an address that the rule above allows.
func isLocal(text string) bool {
	if strings.HasPrefix(text, unixPrefix) {
		return true
	}
	host, _, err := net.SplitHostPort(text)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// wrongWorkloadSocket is where a Workload API answers.
func wrongWorkloadSocket(text string) string {
	if path, unix := strings.CutPrefix(text, unixPrefix); !unix || !filepath.IsAbs(path) || authdoc.FaultOfLine(text) != "" {
		return document.Quote(text) + " is no socket; allowed: unix:///path"
	}
	return ""
}

func wrongTrustDomain(text string) string {
	allowed := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
	}
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return !allowed(r) }) {
		return document.Quote(text) + " is no trust domain; allowed: small letters, digits, `.`, `_` and `-`, as in example.org"
	}
	return ""
}
