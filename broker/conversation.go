package broker

import (
	"strings"
	"time"

	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// MixedProvider is a provider text that means all of them, as the empty one does.
const MixedProvider = "mixed"

// identify works out which session a request belongs to; none, with affinity off.
func (s *Settings) identify(req *PickRequest) sessions.Identity {
	switch {
	case !s.Affinity:
		return sessions.Identity{}
	case req.Session.Source != sessions.SourceNone && s.Identification == sessions.IdentificationReference:
		return req.Session
	case req.Session.Source != sessions.SourceNone:
		return sessions.Refer(req.Session, req.Body)
	}
	return sessions.Identify(&req.Headers, req.Body, s.Identification)
}

// keys makes the keys of a request's bindings. The ids themselves go no further.
type keys struct {
	pool               *selector.Pool
	table              *bindings.Table
	caller             string
	provider, modelKey string // the provider as the pool names it
}

// request is the request of that identity as the pool reads it.
func (k *keys) request(req *PickRequest, identity *sessions.Identity, s *Settings) *selector.Request {
	r := &selector.Request{
		Allow:    req.Caller.Allow,
		Provider: req.Provider,
		Model:    req.Model,
		Sessions: k.sessions(identity),
		Exclude:  req.Exclude,
		Options:  req.Options,
	}
	if identity.FirstTurn {
		r.Options |= selector.FirstTurn
	}
	for _, pin := range identity.Pins {
		r.Pins = append(r.Pins, k.pin(pin))
	}
	k.mark(r, identity)
	if identity.Reasoning != sessions.ReasoningNone {
		anyModel := k.underAnyModel()
		r.Reasoning = anyModel.sessions(identity)
		anyModel.mark(r, identity)
	}
	if identity.Reasoning == sessions.ReasoningCarried {
		r.Options |= selector.CarriesReasoning
	}
	if identity.Parent != "" && s.follows(k.pool, k.provider, identity.Role) {
		r.Parent = k.session(identity.Parent, 0).Key
	}
	return r
}

// underAnyModel makes keys that a conversation has whatever the model. No model key is a space.
func (k *keys) underAnyModel() keys {
	anyModel := *k
	anyModel.modelKey = " "
	return anyModel
}

// mark adds the marks of the identity to a request.
func (k *keys) mark(r *selector.Request, identity *sessions.Identity) {
	for _, mark := range identity.Marks {
		r.Marks = append(r.Marks, k.session(mark, identity.Source))
	}
}

func (k *keys) session(id string, source sessions.Source) selector.Session {
	return selector.Session{Key: k.table.KeyOf(k.caller, k.provider, id, k.modelKey), Caller: k.caller, Source: uint8(source)}
}

// sessions are those of the identity, primary first.
func (k *keys) sessions(identity *sessions.Identity) []selector.Session {
	if len(identity.IDs) == 0 {
		return nil
	}
	list := make([]selector.Session, len(identity.IDs))
	for i, id := range identity.IDs {
		list[i] = k.session(id, identity.Source)
		switch {
		case identity.Source != sessions.SourceChain:
		case i >= identity.Bindable:
			list[i].Role = selector.RolePast
		default:
			list[i].Role = selector.RolePrefix
		}
	}
	return list
}

// referencePrefix is that of no source, so references are never taken for sessions.
const referencePrefix = "ref:"

// pin is the session of a reference. An auth resolves it whatever the model, and whether an answer or a conversation is
// meant.
func (k *keys) pin(id string) selector.Session {
	if _, reference, ok := strings.Cut(id, ":"); ok {
		id = reference
	}
	key := k.table.KeyOf(k.caller, k.provider, referencePrefix+id, "")
	return selector.Session{Key: key, Caller: k.caller, Source: uint8(sessions.SourceConversation)}
}

// provider as it was named in the request that an auth answered.
func (p *pickContext) provider(auth *selector.Auth) string {
	switch {
	case p.Scope&scopeNoProvider != 0:
		return ""
	case p.Scope&scopeMixedProvider != 0:
		return MixedProvider
	}
	return auth.Provider
}

// keys are those of the request that an auth answered under the model of a report.
func (r *Report) keys(table *bindings.Table, auth *selector.Auth) keys {
	p := &r.Pick.context
	k := keys{table: table, caller: r.Caller.Name, provider: p.provider(auth), modelKey: selector.ModelKey(r.Outcome.Model)}
	if prefix := auth.Prefix + "/"; p.Scope&scopePrefix != 0 && !strings.HasPrefix(k.modelKey, prefix) {
		k.modelKey = prefix + k.modelKey
	}
	return k
}

// bindAnswer binds what the next turn of a conversation can name to the auth that served this one.
func (b *Broker) bindAnswer(r *Report, answered sessions.Answer, auth *selector.Auth, now time.Time) error {
	pick := &r.Pick.context
	k := r.keys(b.table, auth)
	answer := selector.Answer{AuthID: auth.ID, FirstTurn: pick.FirstTurn}
	if answered.Digest != "" && pick.State != "" {
		anyModel := k.underAnyModel()
		for _, id := range sessions.Answered(pick.State, answered.Digest) {
			answer.Sessions = append(answer.Sessions, k.session(id, sessions.SourceChain))
			if sessions.MayReason(pick.State) {
				answer.Sessions = append(answer.Sessions, anyModel.session(id, sessions.SourceChain))
			}
		}
	}
	if pick.Pin != (selector.SessionKey{}) {
		answer.Pins = append(answer.Pins, selector.Session{Key: pick.Pin, Caller: k.caller, Source: uint8(sessions.SourceConversation)})
	}
	reference := answered.ResponseID
	if reference == "" && pick.Thread {
		reference = answered.MessageID
	}
	if reference != "" {
		answer.Pins = append(answer.Pins, k.pin(referencePrefix+reference))
	}
	if len(answer.Sessions)+len(answer.Pins) == 0 && answer.FirstTurn == (selector.SessionKey{}) {
		return nil
	}
	return b.pool.Answered(answer, now)
}
