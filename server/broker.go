package server

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// maxCooldown is how far ahead a cooldown may be ordered.
const maxCooldown = 366 * 24 * time.Hour

// The labels of reports; cooldowns have their kind, and results that were judged are counted apart.
const (
	reportInvalidate = "INVALIDATE"
	reportResult     = "RESULT"
)

// broker is the service for gateways. Its methods convert, call the core and convert.
type broker struct {
	credbrokerv1.UnimplementedCredentialBrokerServer
	*Server
}

// PickCredential chooses an auth for one request.
func (b *broker) PickCredential(ctx context.Context, req *credbrokerv1.PickCredentialRequest) (*credbrokerv1.PickCredentialResponse, error) {
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

func (b *broker) pick(c *call, req *credbrokerv1.PickCredentialRequest) (*credbrokerv1.PickCredentialResponse, error) {
	identity, err := b.recognise(req)
	if err != nil {
		return nil, err
	}
	request := b.request(&identity, req)
	if len(request.Sessions) > 0 {
		c.session, c.source = request.Sessions[0].Key, request.Sessions[0].Source
	}
	pick, err := b.config.State.Pick(c, request, c.start)
	if err != nil {
		return nil, nameReference(err, &identity)
	}
	c.authID, c.binding, c.picked = pick.Auth.ID, pick.Binding, true
	answer := &credbrokerv1.PickCredentialResponse{
		Credential: credentialMessage(&pick),
		Session:    sessionMessage(&identity, &pick),
	}
	if !req.GetDryRun() {
		answer.PickId = b.ids.pickID(c.start, questionOf(&identity, request, &pick))
	}
	if pick.Explanation != nil {
		answer.Explanation = explanationMessage(pick.Explanation)
	}
	return answer, nil
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
func (b *broker) countPick(c *call, req *credbrokerv1.PickCredentialRequest, answer *credbrokerv1.PickCredentialResponse) {
	provider := providerOther
	switch c.reason {
	case "":
		provider = answer.GetCredential().GetProvider()
	case ReasonAuthUnavailable, ReasonModelCooldown, ReasonSessionPinned:
		provider = cmp.Or(req.GetProvider(), providerMixed)
	}
	b.metrics.picked(provider, selector.ModelKey(req.GetModel()), c)
}

// ReportCooldown blocks an auth, or one model of it, for as long as the caller says.
func (b *broker) ReportCooldown(ctx context.Context, req *credbrokerv1.ReportCooldownRequest) (*credbrokerv1.ReportCooldownResponse, error) {
	c := b.callOf(ctx)
	c.authID = req.GetAuthId()
	answer, err := b.reportCooldown(c, req)
	if err != nil {
		err = b.refuse(c, err)
	}
	b.metrics.reported(cooldownKindName(cooldownKind(req.GetKind())), c.reason)
	return answer, err
}

func (b *broker) reportCooldown(c *call, req *credbrokerv1.ReportCooldownRequest) (*credbrokerv1.ReportCooldownResponse, error) {
	order, err := checkCooldown(req, c.start)
	if err != nil {
		return nil, err
	}
	block, err := b.config.Pool.Cooldown(req.GetAuthId(), order, c.start)
	if err != nil {
		return nil, err
	}
	if err := b.durable(c, req.GetAuthId()); err != nil {
		return nil, err
	}
	return &credbrokerv1.ReportCooldownResponse{
		Until:        timeMessage(block.Until),
		BackoffLevel: int32(block.Level), //nolint:gosec // ladders have few steps
	}, nil
}

// checkCooldown checks and converts.
func checkCooldown(req *credbrokerv1.ReportCooldownRequest, now time.Time) (selector.Cooldown, error) {
	var v violations
	v.required("auth_id", req.GetAuthId(), maxAuthID)
	v.size("model", len(req.GetModel()), maxModel)
	v.size("reason", len(req.GetReason()), maxReason)
	if id := req.GetPickId(); id != "" {
		if _, err := parsePickID(id); err != nil {
			v.add("pick_id", err.Error())
		}
	}
	if _, known := credbrokerv1.CooldownKind_name[int32(req.GetKind())]; !known {
		v.add("kind", "is not a kind of cooldown")
	}
	var until time.Time
	switch end := req.GetEnd().(type) {
	case *credbrokerv1.ReportCooldownRequest_RetryAfter:
		until = v.retryAfter(end.RetryAfter, now)
	case *credbrokerv1.ReportCooldownRequest_Until:
		until = v.until(end.Until, now)
	}
	return selector.Cooldown{
		Model:  req.GetModel(),
		Kind:   cooldownKind(req.GetKind()),
		Until:  until,
		Reason: req.GetReason(),
	}, v.err()
}

func (v *violations) retryAfter(d *durationpb.Duration, now time.Time) time.Time {
	switch {
	case d.CheckValid() != nil:
		v.add("retry_after", "is not a valid duration")
	case d.AsDuration() <= 0:
		v.add("retry_after", "must be above zero")
	case d.AsDuration() > maxCooldown:
		v.add("retry_after", "must be at most 366 days")
	}
	return now.Add(d.AsDuration())
}

func (v *violations) until(t *timestamppb.Timestamp, now time.Time) time.Time {
	until := t.AsTime()
	switch {
	case t.CheckValid() != nil:
		v.add("until", "is not a valid time")
	case !until.After(now):
		v.add("until", "must be in the future")
	case until.After(now.Add(maxCooldown)):
		v.add("until", "must be at most 366 days ahead")
	}
	return until
}

// cooldownKind of a request: one that is not given, or that does not exist, means QUOTA.
func cooldownKind(k credbrokerv1.CooldownKind) cooldown.Kind {
	if _, known := credbrokerv1.CooldownKind_name[int32(k)]; !known || k == 0 {
		return cooldown.Quota
	}
	return cooldown.Kind(k - 1) //nolint:gosec // it is a known one
}

// InvalidateAuth releases every session of an auth. Disabling comes first, so that no session is bound to it again
// between the two.
func (b *broker) InvalidateAuth(ctx context.Context, req *credbrokerv1.InvalidateAuthRequest) (*credbrokerv1.InvalidateAuthResponse, error) {
	c := b.callOf(ctx)
	c.authID = req.GetAuthId()
	released, err := b.invalidate(c, req)
	if err != nil {
		err = b.refuse(c, err)
	}
	b.metrics.reported(reportInvalidate, c.reason)
	return &credbrokerv1.InvalidateAuthResponse{ReleasedSessions: int64(released)}, err
}

func (b *broker) invalidate(c *call, req *credbrokerv1.InvalidateAuthRequest) (released int, err error) {
	var v violations
	v.required("auth_id", req.GetAuthId(), maxAuthID)
	v.size("reason", len(req.GetReason()), maxReason)
	if err := v.err(); err != nil {
		return 0, err
	}
	if req.GetDisable() {
		if err := b.config.Pool.Disable(req.GetAuthId(), req.GetReason(), c.start); err != nil {
			return 0, err
		}
	}
	if released, err = b.config.Pool.Release(req.GetAuthId(), req.GetReason(), c.start); err != nil {
		return 0, err
	}
	return released, b.durable(c, req.GetAuthId())
}
