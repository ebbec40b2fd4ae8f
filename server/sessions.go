package server

import (
	"context"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions/bindings"
)

// ListSessions returns one page of bindings, most recently used first.
func (p *authPool) ListSessions(ctx context.Context, req *credbrokerv1.ListSessionsRequest) (*credbrokerv1.ListSessionsResponse, error) {
	c := p.callOf(ctx)
	c.authID = req.GetAuthId()
	var v violations
	v.size("auth_id", len(req.GetAuthId()), maxAuthID)
	v.size("page_token", len(req.GetPageToken()), maxPageToken)
	query := bindings.Query{Size: v.pageSize(req.GetPageSize()), Token: req.GetPageToken()}
	if err := v.err(); err != nil {
		return nil, err
	}
	if req.GetAuthId() != "" {
		st, err := p.config.Pool.Status(req.GetAuthId(), c.start)
		if err != nil {
			return nil, err
		}
		query.Slot, query.OfSlot = st.Slot, true
	}
	page, next, err := p.config.Sessions.List(query, c.start)
	if err != nil {
		return nil, err
	}
	answer := &credbrokerv1.ListSessionsResponse{NextPageToken: next, TotalBindings: int64(p.config.Sessions.Len())}
	for i := range page {
		answer.Sessions = append(answer.Sessions, p.boundMessage(&page[i], req.GetAuthId()))
	}
	return answer, nil
}

// boundMessage names the auth that was asked for, if one was: others may share its identity, and so its bindings.
func (p *authPool) boundMessage(b *bindings.Bound, authID string) *credbrokerv1.BoundSession {
	if authID == "" {
		authID, _ = p.config.Pool.AuthOf(b.Slot)
	}
	return &credbrokerv1.BoundSession{
		SessionHash: b.Key.String(),
		Source:      credbrokerv1.SessionSource(b.Source),
		AuthId:      authID,
		ExpiresAt:   timeMessage(b.ExpiresAt),
		Aliases:     int32(b.Aliases), //nolint:gosec // at most 64
	}
}

// ReleaseSession forgets one binding.
func (p *authPool) ReleaseSession(ctx context.Context, req *credbrokerv1.ReleaseSessionRequest) (*credbrokerv1.ReleaseSessionResponse, error) {
	c := p.callOf(ctx)
	var v violations
	key := p.sessionKey(req, &v)
	if err := v.err(); err != nil {
		return nil, err
	}
	c.session = key
	slot, ok, err := p.config.Broker.Forget(ctx, key, c.start)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errUnknownSession
	}
	c.authID, _ = p.config.Pool.AuthOf(slot)
	return &credbrokerv1.ReleaseSessionResponse{AuthId: c.authID}, nil
}

// sessionKey reads either way to name a session.
func (p *authPool) sessionKey(req *credbrokerv1.ReleaseSessionRequest, v *violations) selector.SessionKey {
	switch session := req.GetSession().(type) {
	case *credbrokerv1.ReleaseSessionRequest_SessionHash:
		key, ok := selector.ParseSessionKey(session.SessionHash)
		if !ok {
			v.add("session_hash", "must be 32 hexadecimal digits, as ListSessions gives them")
		}
		return key
	case *credbrokerv1.ReleaseSessionRequest_Name:
		name := session.Name
		v.size("name.provider", len(name.GetProvider()), maxProvider)
		v.required("name.session_id", name.GetSessionId(), maxSessionName)
		v.size("name.model", len(name.GetModel()), maxModel)
		return p.config.Sessions.Key(name.GetProvider(), name.GetSessionId(), selector.ModelKey(name.GetModel()))
	}
	v.add("session", "one of session_hash and name is required")
	return selector.SessionKey{}
}
