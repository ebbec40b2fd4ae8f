package authdoc

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/credbroker/credbroker/internal/document"
	"github.com/credbroker/credbroker/selector"
)

// Members of an auth file that more than one place asks for.
const (
	MemberToken       = "token"
	MemberAccessToken = "access_token"
	MemberAPIKey      = "api_key"
	MemberID          = "id"
	MemberSecretless  = "secretless"

	memberType = "type" // the provider
	// Two names of exclude_models; the first one counts.
	memberExclude    = "excluded_models"
	memberExcludeToo = "excluded-models"
)

const (
	// MaxFile is the size of an auth file.
	MaxFile = 1 << 20
	// Suffix ends the names of auth files.
	Suffix = ".json"
	// earliestMillis is the number from which on a time counts in milliseconds; in seconds it would be in the year 5138.
	earliestMillis = 1e11
)

// ExpiryMembers returns the names under which files keep the end of the access token; the first one counts.
func ExpiryMembers() []string { return []string{"expired", "expire", "expires_at", "expiry"} }

// SettingMembers returns the members that a document replaces as a whole. All others are part of the account, and so is
// what other programs keep in the file.
func SettingMembers() []string {
	members := []string{memberType, MemberID, memberExclude, memberExcludeToo, MemberSecretless}
	for _, s := range settings() {
		if s.key != "headers" {
			members = append(members, s.key)
		}
	}
	return members
}

// authFile is one auth file that is being read.
type authFile struct {
	draft Draft
	email string
	// The members that are there and not null, of the file and of its member token.
	top, token map[string]document.Value
}

// Parse reads an auth file. Members that it does not know are dropped, for they may be secret.
func Parse(id, file string, data []byte) (*Draft, document.Problems) {
	f := &authFile{draft: Draft{Auth: selector.Auth{ID: id, Origin: selector.OriginFile, Source: file}, inFile: true}}
	in := document.NewFile(file)
	if wrong := WrongLine(id); wrong != "" || len(id) > MaxID {
		in.Add(0, "", fmt.Sprintf("its path cannot be an id: at most %d bytes on one line are allowed", MaxID))
		return &f.draft, in.Problems()
	}
	if root, ok := in.JSON(data); ok && root.Kind() != document.KindMapping {
		root.Wrong("one JSON object")
	} else if ok {
		f.read(root)
	}
	return &f.draft, in.Problems()
}

func (f *authFile) read(v document.Value) {
	f.top = present(v)
	if token, ok := f.top[MemberToken]; ok {
		f.token = present(token)
	}
	a := &f.draft.Auth
	a.Provider = f.provider(v)
	// A file whose name is its id and the suffix is called by the id. Any other member `id` belongs to somebody else.
	if id, ok := f.top[MemberID]; ok && id.Kind() == document.KindText && id.Literal()+Suffix == a.ID {
		a.ID = id.Literal()
	}
	f.identify()
	secret := f.secret()
	f.settings()
	if wrong := f.draft.Refusal(); wrong != "" {
		secret.Problemf("%s", wrong)
	}
	a.Label = cmp.Or(f.email, a.Label, a.Provider)
}

// present are the members that are not null, by name.
func present(v document.Value) map[string]document.Value {
	found := make(map[string]document.Value)
	for _, m := range v.Members() {
		if !m.IsNull() {
			found[m.Key] = m.Value
		}
	}
	return found
}

func (f *authFile) provider(v document.Value) string {
	given, ok := f.top[memberType]
	if !ok {
		v.Problemf("has no type; allowed: type with the name of the provider, such as claude")
		return ""
	}
	text, ok := given.Text(MaxProvider)
	if !ok {
		return ""
	}
	text = strings.ToLower(strings.TrimSpace(text))
	if wrong := wrongProvider(text); wrong != "" {
		given.Problemf("%s", wrong)
	}
	return text
}

// find is a member of the file, or else of its token; blank text counts as absent.
func (f *authFile) find(name string) (document.Value, bool) {
	for _, members := range []map[string]document.Value{f.top, f.token} {
		if v, ok := members[name]; ok && !isBlank(v) {
			return v, true
		}
	}
	return document.Value{}, false
}

func isBlank(v document.Value) bool {
	return v.Kind() == document.KindText && strings.TrimSpace(v.Literal()) == ""
}

// id is a name that the upstream gave; some of them are numbers.
func (f *authFile) id(name string) string {
	v, ok := f.find(name)
	if !ok {
		return ""
	}
	text, ok := v.Scalar(maxAccount)
	text = strings.TrimSpace(text)
	if wrong := WrongLine(text); ok && wrong != "" {
		v.Problemf("%s", wrong)
	}
	return text
}

// identify reads whose account it is, and with whom it shares limits.
func (f *authFile) identify() {
	a := &f.draft.Auth
	uuid, id := f.id("account_uuid"), f.id("account_id")
	f.email = f.id("email")
	f.draft.account = cmp.Or(uuid, id, f.email)
	shared := func(kind, name string) {
		if domain := kind + ":" + name; name != "" && !slices.Contains(a.Domains, domain) {
			a.Domains = append(a.Domains, domain)
		}
	}
	shared("org", f.id("organization_uuid"))
	shared("account", uuid)
	shared("account", id)
	shared("project", f.id("project_id"))
}

// settings reads what is no secret and not of the account.
func (f *authFile) settings() {
	d := &f.draft
	for _, s := range settings() {
		f.setting(f.memberOf(s.key), s.of)
	}
	f.setting("websockets", func(*Draft, Literal) document.Type { return webSockets(&d.Auth.WebSockets) })
	f.setting(MemberSecretless, func(*Draft, Literal) document.Type { return document.Boolean(&d.secretless) })
}

func (f *authFile) setting(member string, of func(*Draft, Literal) document.Type) {
	if v, given := f.top[member]; given && !isBlank(v) {
		v.Read(of(&f.draft, Secret))
	}
}

// memberOf is what a setting is called in auth files.
func (f *authFile) memberOf(key string) string {
	if key != keyExclude {
		return key
	}
	if _, given := f.top[memberExclude]; given {
		return memberExclude
	}
	return memberExcludeToo
}

// secret reads the key or the access token, which it returns, and what follows from which of them there is. A key goes before a
// token.
func (f *authFile) secret() document.Value {
	d := &f.draft
	key, hasKey := f.find(MemberAPIKey)
	token, hasToken := f.find(MemberAccessToken)
	take := Secret(func(_ document.Value, text string) { d.secret = text })
	d.Auth.Kind = selector.KindOAuth
	if hasToken {
		token.Read(take)
	}
	if hasKey {
		d.Auth.Kind = selector.KindAPIKey
		key.Read(take)
	}
	if !hasKey || !hasToken {
		d.Auth.ExpiresAt = f.expiry()
	}
	if hasKey {
		return key
	}
	return token
}

// filePriority is a number, or text as the attribute of that name.
func filePriority(to **int64) document.Type {
	return document.NewType(nil, func(v document.Value) {
		text := v.Literal()
		switch v.Kind() {
		case document.KindNumber:
			n, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				n = 0
				if f, err := strconv.ParseFloat(text, 64); err == nil && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
					n = int64(f)
				}
			}
			*to = &n
		case document.KindText:
			*to = new(selector.PriorityOf(text))
		default:
			v.Wrong("a whole number, as a number or as text")
		}
	})
}

// fileWeight reads a number, or the same as text.
func fileWeight(to **uint32) document.Type {
	return document.NewType(nil, func(v document.Value) {
		if v.Kind() != document.KindText {
			v.Read(document.Optional(to, weight))
			return
		}
		n, err := strconv.ParseUint(strings.TrimSpace(v.Literal()), 10, 32)
		if err != nil || n > selector.MaxWeight {
			v.Problemf("does not fit; allowed: a whole number from 0 to %d", selector.MaxWeight)
			return
		}
		*to = new(uint32(n))
	})
}

// webSockets keeps what the selector can make sense of.
func webSockets(to *any) document.Type {
	return document.NewType(nil, func(v document.Value) {
		switch v.Kind() {
		case document.KindBoolean:
			*to = v.Literal() == "true"
		case document.KindText:
			*to = v.Literal()
		default:
		}
	})
}

// expiry is the end of the access token; zero: it has none, or the file says nothing.
func (f *authFile) expiry() time.Time {
	for _, name := range ExpiryMembers() {
		if v, ok := f.find(name); ok {
			return instant(v)
		}
	}
	return time.Time{}
}

// instant reads a time of day in any of the forms that auth files have.
func instant(v document.Value) time.Time {
	const allowed = "a time such as 2026-01-31T12:00:00Z, or Unix seconds or milliseconds"
	text := strings.TrimSpace(v.Literal())
	var at time.Time
	n, notNumber := strconv.ParseFloat(text, 64)
	switch {
	case v.Kind() != document.KindText && v.Kind() != document.KindNumber:
		v.Wrong(allowed)
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
		v.Problemf("is no time that can be read; allowed: %s", allowed)
		return time.Time{}
	}
	return at.UTC()
}
