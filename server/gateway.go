package server

import (
	"cmp"
	"context"

	"google.golang.org/protobuf/proto"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/sessions"
)

// The labels of reports; cooldowns have their kind, and results that were judged are counted apart.
const (
	reportInvalidate = "INVALIDATE"
	reportResult     = "RESULT"
)

// credentialBroker is the service for gateways. Its methods check, convert, call the broker once and convert.
type credentialBroker struct {
	credbrokerv1.UnimplementedCredentialBrokerServer
	*Server
}

// PickCredential chooses an auth for one request.
func (b *credentialBroker) PickCredential(ctx context.Context, req *credbrokerv1.PickCredentialRequest) (*credbrokerv1.PickCredentialResponse, error) {
	c := b.callOf(ctx)
	answer, err := b.pick(c, req)
	if err != nil {
		err = b.refuse(c, err)
	}
	if !req.GetDryRun() {
		b.countPick(c, req, answer)
	}
	return answer, err
}

func (b *credentialBroker) pick(c *call, req *credbrokerv1.PickCredentialRequest) (*credbrokerv1.PickCredentialResponse, error) {
	request := broker.PickRequest{
		Caller: b.by(c), Provider: req.GetProvider(), Model: req.GetModel(), Body: req.GetBody(), Exclude: req.GetExcludeAuthIds(),
		Format: sessions.Format(req.GetClientFormat()), Options: pickOptions(req), //nolint:gosec // checked below
	}
	var v violations
	v.checkPick(req, &request, b.config.Limits.Message)
	if err := v.pickErr(request.Format); err != nil {
		return nil, err
	}
	slot, err := b.config.Audit.Reserve()
	if err != nil {
		return nil, err
	}
	defer slot.Free()
	picked, err := b.config.Broker.Pick(c, &request, c.start)
	c.session, c.source, c.format = picked.Key, picked.Source, picked.Format
	if err != nil {
		return nil, err
	}
	c.authID, c.binding, c.picked = picked.Auth.ID, picked.Binding, true
	answer := &credbrokerv1.PickCredentialResponse{
		Credential: b.release(c, &slot, &picked, req),
		PickId:     picked.ID,
		Attempt:    int32(picked.Attempt), //nolint:gosec // it is at most 255
		Session: &credbrokerv1.Session{
			Id:        picked.Session,
			Source:    credbrokerv1.SessionSource(picked.Source),
			Binding:   bindingMessage(picked.Binding),
			ExpiresAt: timeMessage(picked.BoundUntil),
		},
	}
	if picked.Explanation != nil {
		answer.Explanation = explanationMessage(picked.Explanation)
	}
	return answer, nil
}

// maxBesidesBody is more than all fields of a valid pick but the body can take.
const maxBesidesBody = maxProvider + maxModel + maxHeaders + maxExclude*(maxAuthID+8) + maxHeaderEntries*16 + 4096

// checkPick collects what is wrong with a pick. It fills in headers and session on the way: walking over a map twice
// would show in the time of a pick.
func (v *violations) checkPick(req *credbrokerv1.PickCredentialRequest, request *broker.PickRequest, limit int) {
	v.size("provider", len(req.GetProvider()), maxProvider)
	v.size("model", len(req.GetModel()), maxModel)
	v.entries("headers", len(req.GetHeaders()), maxHeaderEntries)
	size := 0
	for name, value := range req.GetHeaders() {
		size += len(name) + len(value)
		request.Headers.Add(name, value)
	}
	v.size("headers", size, maxHeaders)
	v.list("exclude_auth_ids", req.GetExcludeAuthIds(), maxExclude)
	request.AttemptOf = v.pickID("attempt_of", req.GetAttemptOf())
	if _, known := credbrokerv1.ClientFormat_name[int32(req.GetClientFormat())]; !known {
		v.add("client_format", "is not a format")
	}
	// Weighing a message takes longer than a pick: only large ones are.
	if len(req.GetBody()) > limit-maxBesidesBody && v.count == 0 {
		v.size("body", proto.Size(req), limit)
	}
	if id := req.GetSessionId(); id != "" {
		var err error
		if request.Session, err = sessions.Caller(id); err != nil {
			v.fault("session_id", err)
		}
	}
}

func pickOptions(req *credbrokerv1.PickCredentialRequest) selector.Options {
	var o selector.Options
	if req.GetDownstreamWebsocket() {
		o |= selector.WebSocket
	}
	if req.GetExplain() {
		o |= selector.Explain
	}
	if req.GetDryRun() {
		o |= selector.DryRun
	}
	return o
}

// countPick counts under the name of a provider only where it is known to be in the pool.
func (b *credentialBroker) countPick(c *call, req *credbrokerv1.PickCredentialRequest, answer *credbrokerv1.PickCredentialResponse) {
	provider := providerOther
	switch c.reason {
	case "":
		provider = answer.GetCredential().GetProvider()
	case ReasonAuthUnavailable, ReasonModelCooldown, ReasonSessionPinned:
		provider = cmp.Or(b.config.Broker.Provider(req.GetProvider()), broker.MixedProvider)
	}
	b.metrics.picked(provider, selector.ModelKey(req.GetModel()), c)
}

// pickID reads the id of a pick; an empty one is that of none.
func (v *violations) pickID(field, id string) (p broker.PickID) {
	if id == "" {
		return p
	}
	p, err := broker.ParsePickID(id)
	if err != nil {
		v.add(field, err.Error())
	}
	return p
}

// InvalidateAuth releases every session of an auth.
func (b *credentialBroker) InvalidateAuth(ctx context.Context, req *credbrokerv1.InvalidateAuthRequest) (*credbrokerv1.InvalidateAuthResponse, error) {
	c := b.callOf(ctx)
	c.about(req.GetAuthId())
	released, err := b.invalidate(c, req)
	if err != nil {
		err = b.refuse(c, err)
	}
	b.metrics.reported(reportInvalidate, c.reason)
	return &credbrokerv1.InvalidateAuthResponse{ReleasedSessions: int64(released)}, err
}

func (b *credentialBroker) invalidate(c *call, req *credbrokerv1.InvalidateAuthRequest) (released int, err error) {
	var v violations
	v.required("auth_id", req.GetAuthId(), maxAuthID)
	v.size("reason", len(req.GetReason()), maxReason)
	if err := v.err(); err != nil {
		return 0, err
	}
	return b.config.Broker.Invalidate(c, b.by(c), broker.Invalidation{AuthID: req.GetAuthId(), Reason: req.GetReason(), Disable: req.GetDisable()}, c.start)
}
