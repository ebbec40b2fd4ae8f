package server

import (
	"context"
	"errors"

	"google.golang.org/grpc"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
)

// WatchAuths sends every auth, and then those that change.
func (p *authPool) WatchAuths(req *credbrokerv1.WatchAuthsRequest, stream grpc.ServerStreamingServer[credbrokerv1.WatchAuthsResponse]) error {
	var v violations
	v.size("provider", len(req.GetProvider()), maxProvider)
	if err := v.err(); err != nil {
		return err
	}
	by := p.by(p.callOf(stream.Context()))
	err := p.config.Broker.Watch(stream.Context(), by, req.GetProvider(), func(e broker.Event) error { return stream.Send(p.eventMessage(e)) })
	if errors.Is(context.Cause(stream.Context()), errStopping) {
		return nil
	}
	return err
}

func (p *authPool) eventMessage(e broker.Event) *credbrokerv1.WatchAuthsResponse {
	switch {
	case e.Auth != nil:
		return &credbrokerv1.WatchAuthsResponse{
			Event: &credbrokerv1.WatchAuthsResponse_Auth{Auth: authMessage(e.Auth, p.clock())},
		}
	case e.Removed != "":
		return &credbrokerv1.WatchAuthsResponse{Event: &credbrokerv1.WatchAuthsResponse_RemovedAuthId{RemovedAuthId: e.Removed}}
	}
	return &credbrokerv1.WatchAuthsResponse{
		Event: &credbrokerv1.WatchAuthsResponse_SnapshotSize{SnapshotSize: int64(e.SnapshotSize)},
	}
}
