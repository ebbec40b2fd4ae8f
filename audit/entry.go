package audit

import (
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// The actions of the broker itself. Others are the names of the methods that were called.
const (
	ActionStart  = "start"
	ActionStop   = "stop"
	ActionReload = "reload"
	// ActionGap stands where entries were dropped.
	ActionGap = "gap"
)

// OutcomeOK is that of what was done.
const OutcomeOK = "OK"

// The most bytes of a text in an entry. What is longer is cut.
const (
	maxText = 512
	maxFact = 1 << 10
)

// Facts are what is known of something, by name. Never a secret.
type Facts map[string]string

// Entry is one release of a credential, or one administrative act. What is empty is left out.
type Entry struct {
	// Time of the call, fleet time.
	Time time.Time `json:"time"`
	// Action is the method that was called, or one of those above.
	Action string `json:"action"`
	// Outcome is OutcomeOK, or the reason that callers were given.
	Outcome string `json:"outcome,omitempty"`
	// Caller by name, how it was proven (`token`, `certificate`, `uid`), and from which address.
	Caller string `json:"caller,omitempty"`
	Proof  string `json:"proof,omitempty"`
	From   string `json:"from,omitempty"`
	// RequestID is that of the access log.
	RequestID string `json:"request_id,omitempty"`
	// AuthID and Provider of the auth, and Model that it was picked for.
	AuthID   string `json:"auth_id,omitempty"`
	Provider string `json:"provider,omitempty"`
	Model    string `json:"model,omitempty"`
	// Session is the keyed hash of the session.
	Session string `json:"session_hash,omitempty"`
	PickID  string `json:"pick_id,omitempty"`
	DryRun  bool   `json:"dry_run,omitempty"`
	// Before and After are what an act changed.
	Before Facts `json:"before,omitempty"`
	After  Facts `json:"after,omitempty"`
	// Dropped is how many entries are missing.
	Dropped int64 `json:"dropped,omitempty"`
	// Note is for readers.
	Note string `json:"note,omitempty"`
}

// text is the entry as JSON in ASCII: nothing in it can turn or hide what a terminal shows.
func (e *Entry) text() ([]byte, error) {
	short := *e
	short.Time = e.Time.UTC()
	for _, field := range []*string{
		&short.Action, &short.Outcome, &short.Caller, &short.Proof, &short.From, &short.RequestID, &short.AuthID, &short.Provider,
		&short.Model, &short.Session, &short.PickID, &short.Note,
	} {
		*field = cut(*field, maxText)
	}
	short.Before, short.After = e.Before.cut(), e.After.cut()
	raw, err := json.Marshal(&short)
	return toASCII(raw), err
}

func (f Facts) cut() Facts {
	if len(f) == 0 {
		return nil
	}
	short := make(Facts, len(f))
	for name, value := range f {
		short[name] = cut(value, maxFact)
	}
	return short
}

// cut shortens a text without leaving half a rune.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "..."
}

// toASCII escapes what is not printable ASCII in JSON.
func toASCII(raw []byte) []byte {
	const hexDigits = "0123456789abcdef"
	plain := true
	for _, b := range raw {
		plain = plain && b < 0x7f
	}
	if plain {
		return raw
	}
	escape := func(to []byte, unit rune) []byte {
		return append(to, '\\', 'u', hexDigits[unit>>12&15], hexDigits[unit>>8&15], hexDigits[unit>>4&15], hexDigits[unit&15])
	}
	to := make([]byte, 0, 2*len(raw))
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		raw = raw[size:]
		switch {
		case r < 0x7f:
			to = append(to, byte(r)) //nolint:gosec // it is ASCII
		case r > 0xffff:
			r -= 0x10000
			to = escape(escape(to, 0xd800+r>>10), 0xdc00+r&0x3ff)
		default:
			to = escape(to, r)
		}
	}
	return to
}
