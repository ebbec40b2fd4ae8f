package selector

import "time"

// Answer tells of a request that was served: what a later one can name to go on from there.
type Answer struct {
	// AuthID of the auth that served it.
	AuthID string
	// Sessions are each bound for itself to the auth: the conversation as it is with the answer.
	Sessions []Session
	// Pins are references that only this auth can resolve. They stay bound to it when its sessions are released.
	Pins []Session
	// FirstTurn is the session of the request if it was a first turn; else zero. Answered, it is not sent again: the next one
	// like it opens another conversation.
	FirstTurn SessionKey
}

// Answered binds what goes on from an answer to the auth that gave it, even if that auth cannot be used just now. The
// error is ErrUnknownAuth.
func (p *Pool) Answered(a Answer, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.runtime.index.byID[a.AuthID]
	if m == nil {
		return ErrUnknownAuth
	}
	p.firstTurns.Answered(a.FirstTurn)
	if p.bindings == nil {
		return nil
	}
	for i := range a.Sessions {
		p.bindings.Bind(a.Sessions[i:i+1], m.state.slot, now)
	}
	for i := range a.Pins {
		p.bindings.Bind(a.Pins[i:i+1], m.state.slot|pinSlot, now)
	}
	return nil
}
