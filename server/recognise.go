package server

import (
	"google.golang.org/protobuf/proto"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
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
	return sessions.Identify(&headers, req.GetBody(), sessions.RecognitionReference), nil
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

// sessionsOf are the keys of the identity's bindings, primary first.
func (s *Server) sessionsOf(identity *sessions.Identity, req *credbrokerv1.PickCredentialRequest) []selector.Session {
	if len(identity.IDs) == 0 {
		return nil
	}
	key := selector.ModelKey(req.GetModel())
	list := make([]selector.Session, 0, len(identity.IDs))
	for _, id := range identity.IDs {
		list = append(list, selector.Session{
			Key:    s.config.Sessions.Key(req.GetProvider(), id, key),
			Source: uint8(identity.Source),
		})
	}
	return list
}

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
