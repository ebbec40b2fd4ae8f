package selector

import "time"

// Auth is one entry of the pool as it is configured: an account or a key at a provider. The pool keeps the pointer that
// it is given and never writes through it; neither may the caller afterwards.
type Auth struct {
	// ID names the auth in the pool and in reports.
	ID string
	// Provider as requests name it, or by another name that means the same.
	Provider string
	// Label is a human-readable name.
	Label string
	// Note is human-readable free text.
	Note string
	// Identity is what runtime state (blocks, bindings, counters) belongs to, so that a renamed or refreshed auth keeps
	// it. Auths of one identity share it. Empty: the ID.
	Identity string
	// Kind is what sort of secret it holds.
	Kind Kind
	// Dialect names the verdict rules for its answers.
	Dialect string

	// Priority: higher first. Nil: the attribute `priority`, read by PriorityOf.
	Priority *int64
	// Weight is its share of a weighted rotation, 0 to MaxWeight; 0: never by that strategy. Nil: 1.
	Weight *uint32
	// Models are globs of the model keys it serves; none: every model. ExcludeModels beat them.
	Models, ExcludeModels []string
	// Prefix names its models `prefix/model` as well.
	Prefix string
	// Disabled is the configuration's word; an operator's is runtime state.
	Disabled bool
	// ExpiresAt is the end of its access token; past it the auth is out. Zero: it does not expire.
	ExpiresAt time.Time

	// BaseURL is where requests go; empty: the gateway's default.
	BaseURL string
	// ProxyURL may hold a password.
	ProxyURL Secret
	// Headers are set on the upstream request, the one that authenticates among them.
	Headers []Header
	// Attributes are handed to the gateway; never secret. The pool itself reads `priority`, `websockets` and
	// `gemini_virtual_parent`.
	Attributes map[string]string
	// WebSockets is the metadata `websockets`, a bool or text, for auths without that attribute. Nil: absent.
	WebSockets any
	// Domains are the limit domains that it shares, such as `org:acme`.
	Domains []string

	// Origin is where it comes from, and Source the file and line, or the file.
	Origin Origin
	Source string
}

// Header is one header of the upstream request.
type Header struct {
	Name  string
	Value Secret
}

// Kind is what sort of secret an auth holds.
type Kind uint8

// The kinds of secret. The zero value is not known.
const (
	KindUnknown Kind = iota
	KindAPIKey
	KindOAuth
)

// String is the name of the kind in files and rules; empty: it is not known.
func (k Kind) String() string {
	switch k {
	case KindAPIKey:
		return "api_key"
	case KindOAuth:
		return "oauth"
	default:
		return ""
	}
}

// Origin is where an auth comes from, and so who may write it.
type Origin uint8

// The origins of auths.
const (
	OriginUnknown Origin = iota
	// OriginConfig is the configuration file.
	OriginConfig
	// OriginFile is a file of an auth directory.
	OriginFile
	// OriginMemory is an auth that was put by RPC and is kept nowhere else.
	OriginMemory
)

// MaxWeight is the greatest weight.
const MaxWeight = 1_000_000
