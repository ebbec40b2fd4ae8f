package config

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
)

// Members of an auth file that more than one place asks for.
const (
	memberToken       = "token"
	memberAccessToken = "access_token"
	memberAPIKey      = "api_key"
	memberHeaders     = "headers"
	memberID          = "id"
)

const (
	// maxAuthFile is the size of an auth file.
	maxAuthFile = 1 << 20
	// authSuffix ends the names of auth files.
	authSuffix = ".json"
	// earliestMillis is the number from which on a time counts in milliseconds; in seconds it would be in the year 5138.
	earliestMillis = 1e11
)

// expiryMembers returns the names under which files keep the end of the access token; the first one counts.
func expiryMembers() []string { return []string{"expired", "expire", "expires_at", "expiry"} }

// authFile is one auth file that is being read.
type authFile struct {
	reader

	draft   draft
	members []member
	// The members that are there and not null, of the file and of its member token.
	top, token map[string]value
}

// parseAuth reads an auth file. Members that it does not know are dropped, for they may be secret.
func parseAuth(id, file string, data []byte) (*draft, Problems) {
	f := &authFile{}
	f.file = file
	f.draft.auth = selector.Auth{ID: id, Origin: selector.OriginFile, Source: file}
	if wrong := wrongLine(id); wrong != "" || len(id) > maxID {
		f.add(Problem{Message: fmt.Sprintf("its path cannot be an id: at most %d bytes on one line are allowed", maxID)})
		return &f.draft, f.all()
	}
	root, ok := f.parseJSON(data)
	if ok {
		v := f.at(root, root.Line, "")
		if v.kind() != "a mapping" {
			v.problemf("is %s; allowed: one JSON object", v.kind())
		} else {
			f.read(v)
		}
	}
	return &f.draft, f.all()
}

func (f *authFile) read(v value) {
	f.members = v.members()
	f.top = present(f.members)
	if token, ok := f.top[memberToken]; ok {
		f.token = present(token.members())
	}
	a := &f.draft.auth
	a.Provider = f.provider(v)
	// A file whose name is its id and the suffix is called by the id. Any other member `id` belongs to somebody else.
	if id, ok := f.top[memberID]; ok && id.kind() == "text" && id.node.Value+authSuffix == a.ID {
		a.ID = id.node.Value
	}
	f.identify()
	f.settings()
	f.secrets()
}

// present are the members that are not null, by name.
func present(list []member) map[string]value {
	found := make(map[string]value, len(list))
	for _, m := range list {
		if !m.isNull() {
			found[m.key] = m.value
		}
	}
	return found
}

func (f *authFile) provider(v value) string {
	given, ok := f.top["type"]
	if !ok {
		v.problemf("has no type; allowed: type with the name of the provider, such as claude")
		return ""
	}
	text, ok := given.text(maxProvider)
	if !ok {
		return ""
	}
	text = strings.ToLower(strings.TrimSpace(text))
	if wrong := wrongProvider(text); wrong != "" {
		given.problemf("%s", wrong)
	}
	return text
}

// plain reads a member of the file that is text; blank counts as absent.
func (f *authFile) plain(name string, limit int, rule func(string) string) string {
	v, ok := f.top[name]
	if !ok {
		return ""
	}
	text, ok := v.text(limit)
	text = strings.TrimSpace(text)
	if !ok || text == "" {
		return ""
	}
	if wrong := rule(text); wrong != "" {
		v.problemf("%s", wrong)
		return ""
	}
	return text
}

// find is a member of the file, or else of its token; blank text counts as absent.
func (f *authFile) find(name string) (value, bool) {
	for _, members := range []map[string]value{f.top, f.token} {
		if v, ok := members[name]; ok && (v.kind() != "text" || strings.TrimSpace(v.node.Value) != "") {
			return v, true
		}
	}
	return value{}, false
}

// id is a name that the upstream gave; some of them are numbers.
func (f *authFile) id(name string) string {
	v, ok := f.find(name)
	if !ok {
		return ""
	}
	text, ok := v.scalar(maxAccount)
	text = strings.TrimSpace(text)
	if wrong := wrongLine(text); ok && wrong != "" {
		v.problemf("%s", wrong)
	}
	return text
}

// identify reads whose account it is, and with whom it shares limits.
func (f *authFile) identify() {
	a := &f.draft.auth
	uuid, id, email := f.id("account_uuid"), f.id("account_id"), f.id("email")
	for _, account := range []string{uuid, id, email} {
		if f.draft.account == "" {
			f.draft.account = account
		}
	}
	a.Label = email
	if name := f.plain("label", maxLabel, wrongLabel); a.Label == "" {
		a.Label = name
	}
	if a.Label == "" {
		a.Label = a.Provider
	}
	shared := func(kind, name string) {
		if domain := kind + ":" + name; name != "" && !slices.Contains(a.Domains, domain) {
			a.Domains = append(a.Domains, domain)
		}
	}
	shared("org", f.id("organization_uuid"))
	shared("account", uuid)
	shared("account", id)
	shared("project", f.id("project_id"))
	if v, ok := f.top["domains"]; ok {
		f.draft.readDomains(v)
	}
}

func (f *authFile) settings() {
	a := &f.draft.auth
	a.Prefix = f.plain("prefix", maxModel, func(text string) string { return wrongPrefix(strings.Trim(text, "/")) })
	a.Prefix = strings.Trim(a.Prefix, "/")
	a.BaseURL = f.plain("base_url", maxURL, wrongBaseURL)
	a.Dialect = f.plain("dialect", maxDialect, wrongLine)
	f.draft.proxy = f.plain("proxy_url", maxURL, wrongProxyURL)
	known := fields{
		"disabled":   func(v value) { a.Disabled = v.boolean() },
		"priority":   func(v value) { a.Priority = filePriority(v) },
		"weight":     func(v value) { a.Weight = fileWeight(v) },
		"models":     func(v value) { a.Models = f.draft.readGlobs(v) },
		"attributes": f.draft.readAttributes,
		"note":       f.draft.readNote,
		"websockets": func(v value) { a.WebSockets = webSockets(v) },
	}
	for _, m := range f.members {
		if read, ok := known[m.key]; ok && !m.isNull() {
			read(m.value)
		}
	}
	for _, name := range []string{"excluded_models", "excluded-models"} {
		if v, ok := f.top[name]; ok {
			a.ExcludeModels = f.draft.readGlobs(v)
			break
		}
	}
}

// secrets reads the key or the access token, and the headers. A key goes before a token.
func (f *authFile) secrets() {
	d := &f.draft
	for _, name := range []string{memberAPIKey, memberAccessToken} {
		v, ok := f.find(name)
		if !ok {
			continue
		}
		text, isText := v.text(maxSecret)
		text, ok = v.header(text, isText)
		if ok && d.secret == "" {
			d.secret = text
		}
	}
	_, key := f.find(memberAPIKey)
	if !key {
		d.auth.ExpiresAt = f.expiry()
	} else if _, token := f.find(memberAccessToken); !token {
		d.auth.ExpiresAt = f.expiry()
	}
	d.auth.Kind = selector.KindOAuth
	if key {
		d.auth.Kind = selector.KindAPIKey
	}
	if v, ok := f.top["kind"]; ok {
		d.readKind(v)
	}
	if v, ok := f.top[memberHeaders]; ok {
		d.readHeaders(v, func(v value) (string, bool) {
			text, ok := v.text(maxSecret)
			return v.header(text, ok)
		})
	}
}

// filePriority reads a number, or text as the attribute of that name.
func filePriority(v value) *int64 {
	var n int64
	switch v.kind() {
	case "a number":
		if v.node.Decode(&n) != nil || v.node.ShortTag() != "!!int" {
			n = 0
			if f, err := strconv.ParseFloat(v.node.Value, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
				n = int64(f)
			}
		}
	case "text":
		n = selector.PriorityOf(v.node.Value)
		if strings.TrimSpace(v.node.Value) == "" {
			return nil
		}
	default:
		v.wrong("a whole number, as a number or as text")
	}
	return &n
}

// fileWeight reads a number, or the same as text.
func fileWeight(v value) *uint32 {
	if v.kind() != "text" {
		return weight(v)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(v.node.Value), 10, 32)
	if err != nil || n > selector.MaxWeight {
		v.problemf("does not fit; allowed: a whole number from 0 to %d", selector.MaxWeight)
		return nil
	}
	w := uint32(n)
	return &w
}

// webSockets keeps what the selector can make sense of.
func webSockets(v value) any {
	switch v.kind() {
	case "a truth value":
		return v.node.Value == "true"
	case "text":
		return v.node.Value
	}
	return nil
}

// expiry is the end of the access token; zero: it has none, or the file says nothing.
func (f *authFile) expiry() time.Time {
	for _, name := range expiryMembers() {
		if v, ok := f.find(name); ok {
			return instant(v)
		}
	}
	return time.Time{}
}

// instant reads a time of day in any of the forms that auth files have.
func instant(v value) time.Time {
	const allowed = "a time such as 2026-01-31T12:00:00Z, or Unix seconds or milliseconds"
	text := strings.TrimSpace(v.node.Value)
	var at time.Time
	n, notNumber := strconv.ParseFloat(text, 64)
	switch {
	case v.kind() != "text" && v.kind() != "a number":
		v.wrong(allowed)
		return time.Time{}
	case notNumber == nil:
		if n <= 0 {
			return time.Time{}
		}
		if n >= earliestMillis {
			n /= 1000
		}
		if n < earliestMillis {
			at = time.UnixMilli(int64(math.Round(n * 1000)))
		}
	default:
		parsed, err := time.Parse(time.RFC3339, text)
		if err == nil && parsed.IsZero() {
			return time.Time{}
		}
		at = parsed
	}
	if at.IsZero() || at.Year() > 9999 {
		v.problemf("is no time that can be read; allowed: %s", allowed)
		return time.Time{}
	}
	return at.UTC()
}
