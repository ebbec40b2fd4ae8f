package broker

import (
	"encoding/binary"
	"strings"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// pickContext is what the report of an answer must know of the request that was answered. The zero value is that of a
// request of a conversation that cannot continue.
type pickContext struct {
	// Scope is how the provider was named, and whether the model had the auth's prefix.
	Scope contextScope
	// FirstTurn and Pin are the sessions of an ambiguous first turn and of a reference; zero: it was none, it had none.
	FirstTurn, Pin selector.SessionKey
	// Attempt of the client's request that the pick was for, from 2, and Tag of the request, as the first pick has it; zero: this
	// is the first pick.
	Attempt uint8
	Tag     uint64
	// Format of the client's API, and whether the request is one of a message thread of Anthropic's.
	Format sessions.Format
	Thread bool
	// State is that of the identity.
	State string
}

type contextScope uint8

const (
	scopeNoProvider    contextScope = 1 << iota // the provider was empty
	scopeMixedProvider                          // it was `mixed`; else that of the auth
	scopePrefix                                 // the model had the auth's prefix
	scopeFirstTurn                              // FirstTurn follows
	scopePin                                    // Pin follows
	scopeAttempt                                // Attempt and Tag follow
	scopeFormat                                 // Format and Thread follow
	scopeAll           = scopeFormat<<1 - 1

	scopeFollows = scopeFirstTurn | scopePin | scopeAttempt | scopeFormat
)

const (
	keyBytes     = 16
	attemptBytes = 1 + 8
	threadBit    = 0x80 // in the byte of the format
	maxState     = 64
	// maxContext is the most bytes that a pick context takes.
	maxContext = 1 + 2*keyBytes + attemptBytes + 1 + maxState
)

// contextOf a request that was given an auth.
func contextOf(identity *sessions.Identity, request *selector.Request, auth *selector.Auth) pickContext {
	p := pickContext{State: identity.State, Thread: identity.Thread}
	if len(p.State) > maxState {
		p.State = ""
	}
	if identity.FirstTurn && len(request.Sessions) > 0 {
		p.FirstTurn = request.Sessions[0].Key
	}
	if len(request.Pins) > 0 {
		p.Pin = request.Pins[0].Key
	}
	switch request.Provider {
	case "":
		p.Scope |= scopeNoProvider
	case MixedProvider:
		p.Scope |= scopeMixedProvider
	}
	if prefix := auth.Prefix; prefix != "" && strings.HasPrefix(strings.TrimSpace(request.Model), prefix+"/") {
		p.Scope |= scopePrefix
	}
	return p
}

// append adds what parseContext reads.
func (p *pickContext) append(b []byte) []byte {
	scope := p.Scope &^ scopeFollows
	if p.FirstTurn != (selector.SessionKey{}) {
		scope |= scopeFirstTurn
	}
	if p.Pin != (selector.SessionKey{}) {
		scope |= scopePin
	}
	if p.Attempt != 0 {
		scope |= scopeAttempt
	}
	if p.Format != sessions.FormatUnknown || p.Thread {
		scope |= scopeFormat
	}
	if scope == 0 && p.State == "" {
		return b
	}
	b = append(b, byte(scope))
	for _, key := range []selector.SessionKey{p.FirstTurn, p.Pin} {
		if key != (selector.SessionKey{}) {
			b = binary.BigEndian.AppendUint64(b, key.Hi)
			b = binary.BigEndian.AppendUint64(b, key.Lo)
		}
	}
	if scope&scopeAttempt != 0 {
		b = binary.BigEndian.AppendUint64(append(b, p.Attempt), p.Tag)
	}
	if scope&scopeFormat != 0 {
		format := byte(p.Format)
		if p.Thread {
			format |= threadBit
		}
		b = append(b, format)
	}
	return append(b, p.State...)
}

// parseContext reads what append adds, and nothing else.
func parseContext(b []byte) (p pickContext, ok bool) {
	if len(b) == 0 {
		return pickContext{}, true
	}
	scope := contextScope(b[0])
	b = b[1:]
	if scope&^scopeAll != 0 || scope == 0 && len(b) == 0 {
		return pickContext{}, false
	}
	for _, k := range []struct {
		present contextScope
		key     *selector.SessionKey
	}{{scopeFirstTurn, &p.FirstTurn}, {scopePin, &p.Pin}} {
		if scope&k.present == 0 {
			continue
		}
		if len(b) < keyBytes {
			return pickContext{}, false
		}
		k.key.Hi, k.key.Lo = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
		if b = b[keyBytes:]; *k.key == (selector.SessionKey{}) {
			return pickContext{}, false
		}
	}
	if b, ok = p.parseAttempt(scope, b); !ok {
		return pickContext{}, false
	}
	p.Scope, p.State = scope&^scopeFollows, string(b)
	return p, len(b) <= maxState
}

// parseAttempt reads which attempt it was, in which format, and whether in a thread.
func (p *pickContext) parseAttempt(scope contextScope, b []byte) (rest []byte, ok bool) {
	if scope&scopeAttempt != 0 {
		if len(b) < attemptBytes || b[0] < 2 {
			return nil, false
		}
		p.Attempt, p.Tag = b[0], binary.BigEndian.Uint64(b[1:])
		if b = b[attemptBytes:]; p.Tag == 0 {
			return nil, false
		}
	}
	if scope&scopeFormat != 0 {
		if len(b) == 0 || b[0] == 0 || b[0]&^threadBit > byte(sessions.FormatGemini) {
			return nil, false
		}
		p.Format, p.Thread, b = sessions.Format(b[0]&^threadBit), b[0]&threadBit != 0, b[1:]
	}
	return b, true
}
