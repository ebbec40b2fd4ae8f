package sessions

import (
	"github.com/credbroker/credbroker/selector"
)

// identity is an id that a request names.
func identity(source Source, id string) Identity {
	return Identity{IDs: []string{source.Prefix() + id}, Source: source, Keep: 1}
}

// Caller is the identity that the caller of the broker worked out itself. The error is a *selector.FieldError.
func Caller(sessionID string) (Identity, error) {
	id, ok := validID(sessionID)
	if !ok {
		return Identity{}, &selector.FieldError{
			Field:   "session_id",
			Problem: "must have 1 to 256 bytes besides white space at its ends, and no control characters",
		}
	}
	return identity(SourceCaller, id), nil
}

// Identify recognises the conversation of a client's request by its headers, which may be nil, and its body, which may be
// anything. It passes over the body once, and keeps no part of it.
func Identify(h *Headers, body []byte, _ Recognition) Identity {
	return reference(h, body)
}

// reference is Identify by RecognitionReference.
func reference(h *Headers, body []byte) Identity {
	header := h.identity()
	var found members
	found.read(body, header.Source != SourceNone)
	if found.claude != "" {
		return identity(SourceClaude, found.claude)
	}
	if header.Source != SourceNone {
		return header
	}
	for _, named := range found.named() {
		if id, ok := named.value.id(); ok {
			return identity(named.source, id)
		}
	}
	return found.texts().identity()
}
