package server

import (
	"context"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
)

// ListSessions returns one page of bindings, most recently used first.
func (p *authPool) ListSessions(ctx context.Context, req *credbrokerv1.ListSessionsRequest) (*credbrokerv1.ListSessionsResponse, error) {
	c := p.callOf(ctx)
	c.about(req.GetAuthId())
	var v violations
	v.size("auth_id", len(req.GetAuthId()), maxAuthID)
	v.size("page_token", len(req.GetPageToken()), maxPageToken)
	size := v.pageSize(req.GetPageSize())
	if err := v.err(); err != nil {
		return nil, err
	}
	page, err := p.config.Broker.Sessions(p.by(c), req.GetAuthId(), size, req.GetPageToken(), c.start)
	if err != nil {
		return nil, err
	}
	answer := &credbrokerv1.ListSessionsResponse{NextPageToken: page.Next, TotalBindings: int64(page.Total)}
	for i := range page.Sessions {
		s := &page.Sessions[i]
		answer.Sessions = append(answer.Sessions, &credbrokerv1.BoundSession{
			SessionHash: s.Key.String(),
			Source:      credbrokerv1.SessionSource(s.Source),
			AuthId:      s.AuthID,
			ExpiresAt:   timeMessage(s.ExpiresAt),
			Aliases:     int32(s.Aliases), //nolint:gosec // at most 64
		})
	}
	return answer, nil
}

// ReleaseSession ends one binding.
func (p *authPool) ReleaseSession(ctx context.Context, req *credbrokerv1.ReleaseSessionRequest) (*credbrokerv1.ReleaseSessionResponse, error) {
	c := p.callOf(ctx)
	var v violations
	name := v.sessionName(req)
	if err := v.err(); err != nil {
		return nil, err
	}
	var err error
	if c.session, c.authID, err = p.config.Broker.ReleaseSession(ctx, p.by(c), name, c.start); err != nil {
		return nil, err
	}
	return &credbrokerv1.ReleaseSessionResponse{AuthId: c.authID}, nil
}

// sessionName reads either way to name a session.
func (v *violations) sessionName(req *credbrokerv1.ReleaseSessionRequest) (name broker.SessionName) {
	switch session := req.GetSession().(type) {
	case *credbrokerv1.ReleaseSessionRequest_SessionHash:
		var ok bool
		if name.Key, ok = selector.ParseSessionKey(session.SessionHash); !ok {
			v.add("session_hash", "must be 32 hexadecimal digits, as ListSessions gives them")
		}
	case *credbrokerv1.ReleaseSessionRequest_Name:
		name = broker.SessionName{Provider: session.Name.GetProvider(), ID: session.Name.GetSessionId(), Model: session.Name.GetModel()}
		v.size("name.provider", len(name.Provider), maxProvider)
		v.required("name.session_id", name.ID, maxSessionName)
		v.size("name.model", len(name.Model), maxModel)
	default:
		v.add("session", "one of session_hash and name is required")
	}
	return name
}
