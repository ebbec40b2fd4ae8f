package selector

import (
	"time"

	"github.com/credbroker/credbroker/selector/cooldown"
)

// Attempt is one upstream request that an auth was used for, and that was answered.
type Attempt struct {
	AuthID string
	// Model as requested; blank: none.
	Model string
	// Started is when it was sent, at the latest; zero: nobody knows.
	Started time.Time
	// Windows are the quota windows that the answer told of.
	Windows []cooldown.Window
	// Tag stands for the client's request that it was an attempt of: a hash of the first pick's id; 0: nobody knows the request.
	Tag uint64
	// Pin is the reference that the request names, see Request.Pins; zero: none.
	Pin SessionKey
	// Again is the request as it would be picked with once more if the attempt failed, with the auths excluded that it was tried
	// with; nil: nobody asks.
	Again *Request
}

// Consequence is what a report changed.
type Consequence struct {
	// Action that was taken: that of the finding, or what repetition made of it, or none if newer evidence stands
	// against it.
	Action cooldown.Action
	// Until is the end of the cooldown now in force; zero: there is none, or it has no end.
	Until time.Time
	// ProbeAt is from when on one request at a time may probe it before Until; zero: none may.
	ProbeAt time.Time
	// Level is the step of the backoff ladder, from 1; 0: the time was told.
	Level int
	// Domains are the limit domains that cool down instead of the auth, sorted.
	Domains []string
	// Outage: most auths of the provider fail alike, so the provider cools down instead of the auth.
	Outage bool
	// Released counts the sessions that were bound to the auth and are not any more.
	Released int
	// Others: Attempt.Again would get an auth now.
	Others bool
	// Refused is the error that Again would get even if it excluded no auth; nil: it would get one then, or nobody asked.
	Refused error
	// Suspect: the request itself is to blame, because it failed alike on auths that share nothing. Nothing is held against them.
	Suspect bool
	// Changed: something must be stored before the report is acknowledged, see Pool.Changes.
	Changed bool
	// Note is a human-readable message: why less was done than the finding says; empty: it was done.
	Note string
}
