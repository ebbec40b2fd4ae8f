package server

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
)

// authPool is the service for operators. Its methods check, convert, call the broker once and convert.
type authPool struct {
	credbrokerv1.UnimplementedAuthPoolServer
	*Server
}

// ListAuths returns one page of auths, sorted by id.
func (p *authPool) ListAuths(ctx context.Context, req *credbrokerv1.ListAuthsRequest) (*credbrokerv1.ListAuthsResponse, error) {
	var v violations
	v.size("provider", len(req.GetProvider()), maxProvider)
	v.size("model", len(req.GetModel()), maxModel)
	if _, known := credbrokerv1.AuthState_name[int32(req.GetState())]; !known {
		v.add("state", "is not a state of an auth")
	}
	size := v.pageSize(req.GetPageSize())
	filters := filterSum("auths", req.GetProvider(), req.GetModel(), req.GetState().String())
	after := v.after(req.GetPageToken(), filters)
	if err := v.err(); err != nil {
		return nil, err
	}
	c := p.callOf(ctx)
	now := c.start
	// One more than the page tells whether there is a next one.
	list, total := p.config.Broker.Auths(p.by(c), selector.Filter{
		Provider: req.GetProvider(),
		Model:    req.GetModel(),
		State:    selector.State(req.GetState()), //nolint:gosec // it is a known one
		After:    after,
		Limit:    size + 1,
	}, now)
	answer := &credbrokerv1.ListAuthsResponse{TotalSize: int32(total)} //nolint:gosec // a pool has fewer auths
	bytes := 0
	for i := range list {
		m := authMessage(&list[i], now)
		bytes += proto.Size(m)
		if i == size || i > 0 && bytes > maxPageBytes {
			answer.NextPageToken = pageToken(filters, list[i-1].Auth.ID)
			break
		}
		answer.Auths = append(answer.Auths, m)
	}
	return answer, nil
}

// named is the beginning of every method that names one auth: it checks the id and notes it for the log.
func (p *authPool) named(ctx context.Context, id string, v *violations) (*call, error) {
	c := p.callOf(ctx)
	c.about(id)
	v.required("auth_id", id, maxAuthID)
	return c, v.err()
}

// GetAuth returns one auth.
func (p *authPool) GetAuth(ctx context.Context, req *credbrokerv1.GetAuthRequest) (*credbrokerv1.GetAuthResponse, error) {
	c, err := p.named(ctx, req.GetAuthId(), &violations{})
	if err != nil {
		return nil, err
	}
	auth, err := p.config.Broker.Auth(p.by(c), req.GetAuthId(), c.start)
	if err != nil {
		return nil, err
	}
	return &credbrokerv1.GetAuthResponse{Auth: authMessage(&auth, c.start)}, nil
}

// PutAuth adds or replaces one auth as a whole.
func (p *authPool) PutAuth(ctx context.Context, req *credbrokerv1.PutAuthRequest) (*credbrokerv1.PutAuthResponse, error) {
	c := p.callOf(ctx)
	id := req.GetConfig().GetId()
	c.about(id)
	document, err := authDocument(req)
	if err != nil {
		return nil, err
	}
	auth, persisted, err := p.config.Broker.PutAuth(ctx, p.by(c), id, document, c.start)
	if err != nil {
		return nil, inRequest(err)
	}
	return &credbrokerv1.PutAuthResponse{Auth: authMessage(&auth, c.start), Persisted: persisted}, nil
}

// DeleteAuth removes one auth.
func (p *authPool) DeleteAuth(ctx context.Context, req *credbrokerv1.DeleteAuthRequest) (*credbrokerv1.DeleteAuthResponse, error) {
	c, err := p.named(ctx, req.GetAuthId(), &violations{})
	if err != nil {
		return nil, err
	}
	if err := p.config.Broker.DeleteAuth(ctx, p.by(c), req.GetAuthId()); err != nil {
		return nil, err
	}
	return &credbrokerv1.DeleteAuthResponse{}, nil
}

// EnableAuth puts an auth back into rotation.
func (p *authPool) EnableAuth(ctx context.Context, req *credbrokerv1.EnableAuthRequest) (*credbrokerv1.EnableAuthResponse, error) {
	c, err := p.named(ctx, req.GetAuthId(), &violations{})
	if err != nil {
		return nil, err
	}
	auth, err := p.config.Broker.Enable(ctx, p.by(c), req.GetAuthId(), c.start)
	if err != nil {
		return nil, err
	}
	return &credbrokerv1.EnableAuthResponse{Auth: authMessage(&auth, c.start)}, nil
}

// DisableAuth takes an auth out of rotation.
func (p *authPool) DisableAuth(ctx context.Context, req *credbrokerv1.DisableAuthRequest) (*credbrokerv1.DisableAuthResponse, error) {
	var v violations
	v.size("reason", len(req.GetReason()), maxReason)
	c, err := p.named(ctx, req.GetAuthId(), &v)
	if err != nil {
		return nil, err
	}
	auth, err := p.config.Broker.Disable(ctx, p.by(c), req.GetAuthId(), req.GetReason(), c.start)
	if err != nil {
		return nil, err
	}
	return &credbrokerv1.DisableAuthResponse{Auth: authMessage(&auth, c.start)}, nil
}

// ClearCooldown ends the cooldowns of an auth.
func (p *authPool) ClearCooldown(ctx context.Context, req *credbrokerv1.ClearCooldownRequest) (*credbrokerv1.ClearCooldownResponse, error) {
	var v violations
	v.size("model", len(req.GetModel()), maxModel)
	c, err := p.named(ctx, req.GetAuthId(), &v)
	if err != nil {
		return nil, err
	}
	c.model = req.GetModel()
	auth, cleared, err := p.config.Broker.ClearCooldown(ctx, p.by(c), req.GetAuthId(), req.GetModel(), c.start)
	if err != nil {
		return nil, err
	}
	return &credbrokerv1.ClearCooldownResponse{
		Cleared: int32(cleared), //nolint:gosec // an auth has at most some thousands
		Auth:    authMessage(&auth, c.start),
	}, nil
}

// GetStatus returns how the broker is doing.
func (p *authPool) GetStatus(ctx context.Context, _ *credbrokerv1.GetStatusRequest) (*credbrokerv1.GetStatusResponse, error) {
	c := p.callOf(ctx)
	now := c.start
	st := p.config.Broker.Status(p.by(c), now)
	answer := &credbrokerv1.GetStatusResponse{
		Version:          p.config.Version,
		Uptime:           durationpb.New(now.Sub(p.started)),
		ConfigGeneration: st.Config.Generation,
		ConfigLoadedAt:   timeMessage(st.Config.LoadedAt),
		ConfigSource:     st.Config.Source,
		ConfigProblems:   st.Config.Problems,
		Bindings:         int64(st.Bindings),
		BindingsMax:      int64(st.BindingsMax),
	}
	for i := range st.Engines {
		e := &st.Engines[i]
		answer.Engines = append(answer.Engines, &credbrokerv1.Engine{Name: e.Name, Healthy: e.Failure == nil, Detail: e.Detail()})
	}
	for _, c := range st.Pool {
		answer.Pool = append(answer.Pool, &credbrokerv1.PoolCount{
			Provider: c.Provider,
			State:    stateMessage(c.State),
			Count:    int64(c.Count),
		})
	}
	return answer, nil
}
