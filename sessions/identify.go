package sessions

import "errors"

// identity is an id that a request names.
func identity(source Source, id string) Identity {
	return Identity{IDs: []string{source.Prefix() + id}, Source: source, Bindable: 1}
}

var errCallerID = errors.New("must have 1 to 256 bytes besides white space at its ends, and no control characters")

// Caller is the identity that the caller of the broker worked out itself. The error says what is wrong with it.
func Caller(sessionID string) (Identity, error) {
	id, ok := validID(sessionID)
	if !ok {
		return Identity{}, errCallerID
	}
	return identity(SourceCaller, id), nil
}

// Refer is an identity that was worked out elsewhere, with what the request's body refers to: pins and reasoning.
func Refer(id Identity, body []byte) Identity {
	var found members
	found.byChain, found.hasID = true, true
	found.read(body, false)
	found.addReferences(&id)
	return id
}

// Identify works out the conversation of a client's request from its headers, which may be nil, and its body, which may be
// anything. It passes over the body once, looks again only at messages, and keeps no part of it.
func Identify(h *Headers, body []byte, by Identification) Identity {
	if by == IdentificationReference {
		return reference(h, body)
	}
	var found members
	found.byChain = true
	named := h.identity()
	found.hasID = named.Source != SourceNone
	found.read(body, false)
	id := found.identity(named)
	found.addReferences(&id)
	if h == nil {
		h = new(Headers)
	}
	found.setRole(&id, h)
	id.Format = found.format(h)
	if id.Role == RoleTurn && (h.auxiliary() || found.auxiliary(h)) {
		id.Role = RoleAuxiliary
	}
	if id.Source == SourceChain && found.countsTokens(h) {
		// It asks what a conversation would cost, and begins none.
		id.FirstTurn, id.State = false, ""
	}
	return id
}

// identity is that by what the headers name, what the body names, or the messages.
func (m *members) identity(named Identity) Identity {
	switch {
	case m.claude != "":
		return identity(SourceClaude, m.claude)
	case named.Source != SourceNone:
		return named
	}
	// A plain user id names a user, not a conversation.
	values := m.namedValues()
	for _, named := range values[1:] {
		if id, ok := idOf(named.value); ok {
			return identity(named.source, id)
		}
	}
	return m.chain()
}

// reference is Identify by IdentificationReference.
func reference(h *Headers, body []byte) Identity {
	header := h.identity()
	var found members
	found.read(body, header.Source != SourceNone)
	id := found.reference(header)
	id.Format = found.format(h)
	return id
}

func (m *members) reference(header Identity) Identity {
	if m.claude != "" {
		return identity(SourceClaude, m.claude)
	}
	if header.Source != SourceNone {
		return header
	}
	for _, named := range m.namedValues() {
		if id, ok := idOf(named.value); ok {
			return identity(named.source, id)
		}
	}
	return m.texts().identity()
}
