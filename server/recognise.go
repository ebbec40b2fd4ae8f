package server

import (
	"strings"

	"google.golang.org/protobuf/proto"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// recognise checks a pick and works out whose conversation it belongs to. With affinity off that is nobody's, but a
// session id that the caller gives is checked all the same.
func (s *Server) recognise(req *credbrokerv1.PickCredentialRequest) (sessions.Identity, error) {
	var (
		v       violations
		headers sessions.Headers
	)
	v.checkPick(req, &headers)
	var identity sessions.Identity
	id := req.GetSessionId()
	if id != "" {
		var err error
		if identity, err = sessions.Caller(id); err != nil {
			v.fault("session_id", err)
		}
	}
	if err := v.err(); err != nil {
		return sessions.Identity{}, err
	}
	switch {
	case !s.settings.Load().Affinity:
		return sessions.Identity{}, nil
	case id != "":
		return identity, nil
	}
	return sessions.Identify(&headers, req.GetBody(), s.settings.Load().Recognition), nil
}

// maxBesidesBody is more than all fields of a valid pick but the body can take.
const maxBesidesBody = maxProvider + maxModel + maxHeaders + maxExclude*(maxAuthID+8) + maxHeaderEntries*16 + 4096

// checkPick collects what is wrong with a pick but for its session id. It fills headers on the way: walking over a map
// twice would show in the time of a pick.
func (v *violations) checkPick(req *credbrokerv1.PickCredentialRequest, headers *sessions.Headers) {
	v.size("provider", len(req.GetProvider()), maxProvider)
	v.size("model", len(req.GetModel()), maxModel)
	v.entries("headers", len(req.GetHeaders()), maxHeaderEntries)
	size := 0
	for name, value := range req.GetHeaders() {
		size += len(name) + len(value)
		headers.Add(name, value)
	}
	v.size("headers", size, maxHeaders)
	v.list("exclude_auth_ids", req.GetExcludeAuthIds(), maxExclude)
	// Weighing a message takes longer than a pick: only large ones are.
	if len(req.GetBody()) > MaxMessage-maxBesidesBody && v.count == 0 {
		v.size("body", proto.Size(req), MaxMessage)
	}
}

// keys makes the keys of a request's bindings.
type keys struct {
	table              *bindings.Table
	provider, modelKey string
}

// request is what the pool is asked, for a request of that identity.
func (s *Server) request(identity *sessions.Identity, req *credbrokerv1.PickCredentialRequest) *selector.Request {
	k := keys{s.config.Sessions, req.GetProvider(), selector.ModelKey(req.GetModel())}
	r := &selector.Request{
		Provider: req.GetProvider(),
		Model:    req.GetModel(),
		Sessions: k.sessions(identity),
		Exclude:  req.GetExcludeAuthIds(),
		Options:  pickOptions(req),
	}
	if identity.Opening {
		r.Options |= selector.Opening
	}
	for _, pin := range identity.Pins {
		r.Pins = append(r.Pins, k.pin(pin))
	}
	for _, mark := range identity.Marks {
		r.Marks = append(r.Marks, k.session(mark, identity.Source))
	}
	if identity.Parent != "" && s.follows(req.GetProvider(), identity.Side) {
		r.Parent = k.session(identity.Parent, 0).Key
	}
	return r
}

func (k *keys) session(id string, source sessions.Source) selector.Session {
	return selector.Session{Key: k.table.Key(k.provider, id, k.modelKey), Source: uint8(source)}
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
		case i >= identity.Keep:
			list[i].Role = selector.RolePast
		default:
			list[i].Role = selector.RolePrefix
		}
	}
	return list
}

// pin is the session of a reference. An auth resolves it whatever the model, and whether an answer or a conversation is
// meant.
func (k *keys) pin(id string) selector.Session {
	if _, reference, ok := strings.Cut(id, ":"); ok {
		id = reference
	}
	return selector.Session{Key: k.table.Key(k.provider, pinPrefix+id, ""), Source: uint8(sessions.SourceConversation)}
}

// pinPrefix is that of no source, so references are never taken for sessions.
const pinPrefix = "ref:"

// sessionMessage is what became of the session.
func sessionMessage(identity *sessions.Identity, pick *selector.Pick) *credbrokerv1.Session {
	m := &credbrokerv1.Session{
		Source:    credbrokerv1.SessionSource(identity.Source),
		Binding:   bindingMessage(pick.Binding),
		ExpiresAt: timeMessage(pick.BoundUntil),
	}
	if len(identity.IDs) > 0 {
		m.Id = sessions.Display(identity.IDs[0])
	}
	return m
}
