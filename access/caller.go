package access

import "time"

// MaxCallers is how many callers a Policy has at most.
const MaxCallers = 256

// Caller is who may ask, and what for. It is a value that nobody changes.
type Caller struct {
	// Name is unique. It stands in the log and in metrics.
	Name string
	// Roles are what it may do.
	Roles Roles
	// NoSecrets: what it picks is told without headers and proxy, which are secret.
	NoSecrets bool
	// Allow are the auths that it may get: those that one of the rules names. None: all.
	Allow []Rule
	// Limits are how much it may ask for.
	Limits Limits

	// URIs are exact names or globs on URI names (SAN) of the client's certificate, SPIFFE ids among them.
	URIs []string
	// DNS are the same on DNS names, whose case does not count.
	DNS []string
	// UIDs are users of this machine that connect over a Unix socket.
	UIDs []uint32
	// Tokens are bearer tokens.
	Tokens []Token
}

// Rule names auths by globs: those that match each of its lists. An empty list matches every auth.
type Rule struct {
	Providers, Labels, IDs, Domains, Models []string
}

// Limits are how much a caller may ask for; 0: as much as it likes.
type Limits struct {
	// InFlight is how many calls may run at once, streams left out.
	InFlight int
	// PicksPerSecond is how many picks may begin in a second, that many at once among them.
	PicksPerSecond int
	// Streams is how many may be open.
	Streams int
}

// Token is a bearer token, as far as the broker knows it.
type Token struct {
	// Hash of its text.
	Hash Hash
	// Expires is when it ends; zero: never.
	Expires time.Time
}
