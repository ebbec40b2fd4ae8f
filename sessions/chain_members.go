package sessions

import "github.com/credbroker/credbroker/sessions/internal/jsonscan"

// chainFor is the chain that the list in a field goes into, nil if it goes into none.
func (m *members) chainFor(slot *jsonscan.Value) *chain {
	switch {
	case !m.byChain || m.hasID:
		return nil
	case slot == &m.messages:
		return &m.messageChain
	case slot == &m.contents:
		return &m.contentChain
	case slot == &m.input:
		return &m.inputChain
	default:
		return nil
	}
}

// chain is the identity by the messages.
func (m *members) chain() Identity {
	if m.input.Kind == jsonscan.String {
		m.inputChain.addContent(m.input, user)
	}
	previous, continues := m.previous()
	in := scope(m.userID, previous)
	m.inputChain.forms |= withReasoning
	for _, c := range []*chain{&m.messageChain, &m.contentChain, &m.inputChain} {
		if c.empty() {
			continue
		}
		id := c.identity(in)
		switch {
		case m.inThread:
			m.addInstructionsID(&id, jsonscan.Value{Kind: jsonscan.String, Raw: []byte("thread")}, continues)
		case c == &m.inputChain && (continues || c.answers == 0):
			m.addInstructionsID(&id, m.instructions, continues)
		}
		return id
	}
	return Identity{}
}

// previous is the answer that the request goes on from by its name, since the upstream keeps it.
func (m *members) previous() (id string, ok bool) {
	if id, ok = idOf(m.previousResponse); ok {
		return id, true
	}
	return idOf(m.previousMessage)
}

// addInstructionsID adds to a request what ties it to others whose history the upstream keeps: their instructions,
// which each of them repeats but those within a thread, and their user. It is a guess, for callers that do not report
// their answers: the auth that served such a conversation last is more likely to know the reference than any other.
func (m *members) addInstructionsID(id *Identity, instructions jsonscan.Value, continues bool) {
	if m.store.Kind == jsonscan.Boolean && m.store.Raw[0] == 'f' && !continues {
		return
	}
	shared := chainID(instructionsSum(valueSum(instructions), scope(m.userID, "")))
	id.Marks = append(id.Marks, shared)
	if continues {
		id.IDs = append(id.IDs[:id.Bindable:id.Bindable], shared)
		id.Bindable++
		id.FirstTurn, id.State = false, ""
	}
}

// addReferences adds what only its issuer can resolve, or read.
func (m *members) addReferences(id *Identity) {
	id.Reasoning = m.reasoning()
	id.Thread = m.inThread
	if previous, ok := idOf(m.previousResponse); ok {
		id.Pins = append(id.Pins, "resp:"+previous)
	}
	if previous, ok := idOf(m.previousMessage); ok {
		id.Pins = append(id.Pins, "message:"+previous)
	}
	conversation := m.conversationObjectID
	if conversation.Kind == jsonscan.Absent && m.conversation.Kind == jsonscan.String {
		conversation = m.conversation
	}
	if name, ok := idOf(conversation); ok {
		id.Pins = append(id.Pins, SourceConversation.Prefix()+name)
	}
}
