package server

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/credbroker/credbroker/broker"
	credbrokerv1 "github.com/credbroker/credbroker/gen/credbroker/v1"
	"github.com/credbroker/credbroker/server/internal/admission"
)

// errUnreadWatch: the other end does not read what a watch sends.
var errUnreadWatch = errors.New("the watch was not read in time: watch again")

// WatchAuths sends every auth, and then those that change.
func (p *authPool) WatchAuths(req *credbrokerv1.WatchAuthsRequest, stream grpc.ServerStreamingServer[credbrokerv1.WatchAuthsResponse]) error {
	var v violations
	v.size("provider", len(req.GetProvider()), maxProvider)
	if err := v.err(); err != nil {
		return err
	}
	ctx := stream.Context()
	c := p.callOf(ctx)
	if err := p.watches.begin(c); err != nil {
		p.refused(admission.RefusedWatch)
		return err
	}
	defer p.watches.end(c)
	w := watching{send: stream.Send, message: p.eventMessage}
	by := p.by(c)
	err := w.run(ctx, p.Server, func() error { return p.config.Broker.Watch(ctx, by, req.GetProvider(), w.event) })
	switch {
	case errors.Is(context.Cause(ctx), errStopping):
		return nil
	case errors.Is(err, errUnreadWatch):
		p.refused(admission.RefusedUnread)
		if s := admission.StreamOf(ctx); s != nil {
			s.Unread()
		}
	}
	return err
}

// watching is one watch. A message that the other end does not read keeps its sender waiting until the call ends, so it has a goroutine
// of its own, and that of the call ends the call.
type watching struct {
	send    func(*credbrokerv1.WatchAuthsResponse) error
	message func(broker.Event) *credbrokerv1.WatchAuthsResponse
	// sends counts the begins and the ends of sends: it is odd while a message waits.
	sends atomic.Int64
}

func (w *watching) event(e broker.Event) error {
	w.sends.Add(1)
	defer w.sends.Add(1)
	return w.send(w.message(e))
}

// run watches until ctx ends, or until a message waited for the timeout of the server.
func (w *watching) run(ctx context.Context, s *Server, watch func() error) error {
	done := make(chan error, 1)
	s.senders.Go(func() {
		defer func() {
			if value := recover(); value != nil {
				done <- s.recovered(ctx, value)
			}
		}()
		done <- watch()
	})
	// Four times within the timeout is often enough.
	const checks = 4
	tick := time.NewTicker(s.config.Limits.WatchTimeout / checks)
	defer tick.Stop()
	for last, waits := int64(0), 0; ; {
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
		if sends := w.sends.Load(); sends != last || sends%2 == 0 {
			last, waits = sends, 0
			continue
		}
		if waits++; waits == checks {
			return errUnreadWatch
		}
	}
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

// begin takes room for a watch of a call, of which a caller may have half. end gives it back.
func (w *watches) begin(c *call) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.open >= w.most {
		return errWatches
	}
	if c.caller != nil {
		most := max(1, w.most/2)
		if w.of[c.caller.Name] >= most {
			return &limitedError{fmt.Sprintf("watches; the caller may have %d", most), limitWatches, streamWait}
		}
		w.of[c.caller.Name]++
	}
	w.open++
	return nil
}

func (w *watches) end(c *call) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.open--
	if c.caller == nil {
		return
	}
	if w.of[c.caller.Name]--; w.of[c.caller.Name] == 0 {
		delete(w.of, c.caller.Name)
	}
}
