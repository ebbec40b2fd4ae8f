package server

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/selector"
	"github.com/credbroker/credbroker/selector/cooldown"
)

// maxCooldown is how far ahead a cooldown may be ordered.
const maxCooldown = 366 * 24 * time.Hour

// ReportCooldown blocks an auth, or one model of it, for as long as the caller says.
func (b *credentialBroker) ReportCooldown(ctx context.Context, req *credbrokerv1.ReportCooldownRequest) (*credbrokerv1.ReportCooldownResponse, error) {
	c := b.callOf(ctx)
	c.about(req.GetAuthId())
	answer, err := b.reportCooldown(c, req)
	if err != nil {
		err = b.refuse(c, err)
	}
	b.metrics.reported(cooldownKindName(cooldownKind(req.GetKind())), c.reason)
	return answer, err
}

func (b *credentialBroker) reportCooldown(c *call, req *credbrokerv1.ReportCooldownRequest) (*credbrokerv1.ReportCooldownResponse, error) {
	order, err := checkCooldown(req, c.start)
	if err != nil {
		return nil, err
	}
	block, err := b.config.Broker.Cooldown(c, b.by(c), order, c.start)
	if err != nil {
		return nil, err
	}
	return &credbrokerv1.ReportCooldownResponse{
		Until:        timeMessage(block.Until),
		BackoffLevel: int32(block.Level), //nolint:gosec // ladders have few steps
	}, nil
}

// checkCooldown checks and converts.
func checkCooldown(req *credbrokerv1.ReportCooldownRequest, now time.Time) (*broker.CooldownOrder, error) {
	var v violations
	v.required("auth_id", req.GetAuthId(), maxAuthID)
	v.size("model", len(req.GetModel()), maxModel)
	v.size("reason", len(req.GetReason()), maxReason)
	pick := v.pickID("pick_id", req.GetPickId())
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
	return &broker.CooldownOrder{
		Cooldown: selector.Cooldown{Model: req.GetModel(), Kind: cooldownKind(req.GetKind()), Until: until, Reason: req.GetReason()},
		AuthID:   req.GetAuthId(), Pick: pick,
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
